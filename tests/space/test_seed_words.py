"""What a word for a bias means in a space."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from itnet_nas.space.seed_words import word_choices
from itnet_nas.space.space import Space

HEAD = "version: 1\ntask: {name: symbols}\n"
ALL = "{conv: {radius: [3, 1]}, attention: {heads: [2, 4]}, gru: {}, spline: {}}"


def chain(*kernels: str) -> str:
    lines = [
        f"  - {{name: m{index}, after: [{f'm{index - 1}' if index else ''}], kernels: {one}}}"
        for index, one in enumerate(kernels)
    ]
    return HEAD + "layers:\n" + "\n".join(lines) + "\n"


def families(space: Space, word: str) -> list[str]:
    return [choice.family for choice in word_choices(space, word).values()]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("convolution", ["conv", "conv", "conv"]),
        ("attention", ["attention", "attention", "attention"]),
        ("recurrent", ["gru", "gru", "gru"]),
        # The fakes cost the same, so that the first that is offered is the cheapest.
        ("hybrid", ["attention", "conv", "attention"]),
    ],
)
def test_a_word_is_one_bias_in_every_layer_or_two_in_turn(
    space_of: Callable[..., Space], word: str, found: list[str]
) -> None:
    assert families(space_of(chain(ALL, ALL, ALL)), word) == found


def test_a_layer_that_offers_none_has_its_cheapest_choice(
    space_of: Callable[..., Space],
) -> None:
    space = space_of(chain("{spline: {}, conv: {}}", "{gru: {}}"))

    assert families(space, "recurrent") == ["spline", "gru"]


def test_the_cheapest_is_taken_whatever_the_order(space_of: Callable[..., Space]) -> None:
    space = space_of(chain("{conv: {radius: [6, 1]}}"))
    layer = space.layers[0]
    dear, cheap = layer.choices
    dearer = dear.model_copy(update={"cost": cheap.cost.model_copy(update={"flops": 10**6})})
    priced = layer.model_copy(update={"choices": (dearer, cheap)})

    found = word_choices(space.model_copy(update={"layers": (priced,)}), "convolution")

    assert found == {"m0": cheap}


def test_tied_copies_take_one_turn(space_of: Callable[..., Space]) -> None:
    space = space_of(
        HEAD
        + f"""\
layers:
  - repeat: block
    count: 2
    tied: true
    layers: [{{name: a, kernels: {ALL}}}, {{name: b, after: [a], kernels: {ALL}}}]
"""
    )

    found = {name: one.family for name, one in word_choices(space, "hybrid").items()}

    assert found == {
        "block_1_a": "attention",
        "block_1_b": "conv",
        "block_2_a": "attention",
        "block_2_b": "conv",
    }


def test_a_bias_that_no_layer_offers_is_a_problem_of_the_file(
    wrong_with: Callable[..., str],
) -> None:
    text = chain("{conv: {}}", "{conv: {}, spline: {}}")

    said = wrong_with(f"{text}search:\n  seeds: [convolution, recurrent, hybrid]\n")

    assert (
        said
        == """\
a.yaml: 2 problems

a.yaml:7:24: search.seeds[1]
  "recurrent" asks for a state, and no layer offers one
  what they offer: conv, spline; offer such a family, or leave the word out

a.yaml:7:35: search.seeds[2]
  "hybrid" asks for layers with content and, between them, recurrent or convolutional ones, \
and the layers in turn do not offer both
  what they offer: conv, spline; offer such a family, or leave the word out"""
    )
