"""Named seeds as architectures: whole graphs, within the constraints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.arch.genotype import contains
from itnet_nas.arch.named import named_architectures
from itnet_nas.arch.sample import sample
from itnet_nas.errors import SpaceError
from itnet_nas.space.space import Choice, Space
from itnet_nas.space.spec import SearchSpec


def seeded(space: Space, *seeds: Any) -> Space:
    return space.model_copy(update={"search": SearchSpec.model_validate({"seeds": list(seeds)})})


def labels(space: Space) -> list[str]:
    return [one.label for one in named_architectures(space).values()]


@pytest.fixture
def kinds(make_choice: Callable[..., Choice]) -> list[Choice]:
    return [
        make_choice("conv", radius=2),
        make_choice("conv", radius=1),
        make_choice("attention", heads=2),
        make_choice("gru"),
    ]


def test_words_and_mappings_become_architectures_in_their_order(
    chain: Callable[..., Space], kinds: list[Choice]
) -> None:
    space = seeded(chain(kinds, kinds), "attention", {"mix1": "gru"}, "convolution")

    assert labels(space) == [
        "attention(heads=2) > attention(heads=2)",
        "gru > gru",
        "conv(radius=1) > conv(radius=1)",
    ]


def test_an_architecture_that_is_named_twice_stands_once(
    chain: Callable[..., Space], kinds: list[Choice]
) -> None:
    space = seeded(chain(kinds), {"mix1": "gru"}, "recurrent", "attention", "recurrent")

    assert labels(space) == ["gru", "attention(heads=2)"]


def test_a_word_leaves_out_what_may_be_left_out_where_a_constraint_asks_for_it(
    chain: Callable[..., Space], kinds: list[Choice]
) -> None:
    chained = chain(kinds, kinds)
    first, second = chained.layers
    loose = (first, second.model_copy(update={"optional": True}))
    free = seeded(Space(**{**dict(chained), "layers": loose}), "recurrent")
    tight = Space(**{**dict(free), "constraints": ("depth <= 1",)})

    assert labels(free) == ["gru > gru"]
    assert labels(tight) == ["gru"]


def test_a_broken_constraint_is_named_with_its_figure(
    chain: Callable[..., Space], kinds: list[Choice]
) -> None:
    space = seeded(chain(kinds, constraints=("depth <= 1", "params <= 10")), "recurrent")
    text = "version: 1\nsearch:\n  seeds: [recurrent]\n"

    with pytest.raises(SpaceError) as caught:
        named_architectures(space, text)

    assert str(caught.value) == (
        "toy.yaml: 1 problem\n"
        "\n"
        "toy.yaml:3:11: search.seeds[0]\n"
        "  gru breaks params <= 10: its params are 128\n"
        "  loosen the constraint, or begin with a cheaper architecture"
    )


def test_nothing_but_absent_layers_is_a_problem(
    chain: Callable[..., Space], kinds: list[Choice]
) -> None:
    space = seeded(chain(kinds, kinds, optional=True), {"mix1": "absent"})

    with pytest.raises(SpaceError, match="no layer is left"):
        named_architectures(space)


@given(st.data())
def test_what_a_sample_has_can_be_named(spaces: st.SearchStrategy[Space], data: Any) -> None:
    """Every optional edge is there in a seed, so those spaces are the ones without any."""
    space = data.draw(spaces.filter(lambda one: not any(edge.optional for edge in one.edges)))
    wanted = sample(space, data.draw(st.randoms(use_true_random=False)))
    named = {layer.name: {layer.family: layer.params} for layer in wanted.layers}
    absent = {
        layer.name: "absent" for layer in space.layers if layer.optional and layer.name not in named
    }

    found = named_architectures(seeded(space, {**named, **absent}))

    assert list(found) == [wanted.key]


@given(st.data())
def test_a_word_names_a_member_or_says_why_not(spaces: st.SearchStrategy[Space], data: Any) -> None:
    word = data.draw(st.sampled_from(["convolution", "attention", "recurrent"]))
    space = seeded(data.draw(spaces), word)
    family = {"convolution": "conv", "attention": "attention", "recurrent": "gru"}[word]

    if any(choice.family == family for layer in space.layers for choice in layer.choices):
        (found,) = named_architectures(space).values()
        assert contains(space, found)
    else:
        with pytest.raises(SpaceError, match=f'"{word}" asks for'):
            named_architectures(space)
