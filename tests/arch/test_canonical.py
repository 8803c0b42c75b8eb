"""The key: the same for the same graph, and for no other."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.arch.canonical import canonical_key
from itnet_nas.arch.sample import sample
from itnet_nas.space.space import Space

Edges = list[tuple[str, str]]


def chain_key(labels: list[Any]) -> str:
    names = [f"n{i}" for i in range(len(labels))]
    edges = list(itertools.pairwise(["input", *names, "output"]))
    return canonical_key(dict(zip(names, labels, strict=True)), edges, {})


def test_the_key_of_one_architecture_is_pinned() -> None:
    """Runs are joined on this key: changing it orphans every old result."""
    architecture = Architecture(
        width=64,
        mlp_ratio=2,
        layers=(
            LayerChoice(name="a", family="conv", params={"radius": 3}),
            LayerChoice(name="b", family="gru", params={}),
        ),
        edges=(("a", "b"), ("a", "output"), ("b", "output"), ("input", "a")),
    )

    assert architecture.key == "51e376248461f8fa437b8649116cf5b9"


@given(
    a=st.lists(st.sampled_from("ABC"), max_size=7), b=st.lists(st.sampled_from("ABC"), max_size=7)
)
def test_two_chains_share_a_key_only_when_they_are_the_same(a: list[str], b: list[str]) -> None:
    assert (chain_key(a) == chain_key(b)) == (a == b)


def test_neighbours_that_change_places_change_the_key() -> None:
    assert chain_key(list("ABAA")) != chain_key(list("AABA"))


def test_attention_at_each_of_thirty_layers_gives_thirty_keys() -> None:
    keys = set()
    for place in range(30):
        labels = ["conv"] * 30
        labels[place] = "attention"
        keys.add(chain_key(labels))

    assert len(keys) == 30


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_names_and_their_order_do_not_enter_the_key(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    architecture = sample(data.draw(spaces), Random(seed))
    names = [layer.name for layer in architecture.layers]
    new = dict(
        zip(names, data.draw(st.permutations([f"x{i}" for i in range(len(names))])), strict=False)
    )
    new |= {"input": "input", "output": "output"}

    renamed = Architecture(
        width=architecture.width,
        mlp_ratio=architecture.mlp_ratio,
        layers=tuple(
            layer.model_copy(update={"name": new[layer.name]})
            for layer in data.draw(st.permutations(architecture.layers))
        ),
        edges=tuple(
            (new[source], new[target])
            for source, target in data.draw(st.permutations(architecture.edges))
        ),
    )

    assert renamed.key == architecture.key


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_an_architecture_survives_json_with_its_key(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    architecture = sample(data.draw(spaces), Random(seed))

    again = Architecture.model_validate_json(architecture.model_dump_json())

    assert again == architecture
    assert again.key == architecture.key


def test_parallel_branches_may_stand_in_any_order() -> None:
    edges: Edges = [("input", "a"), ("input", "b"), ("a", "output"), ("b", "output")]

    assert canonical_key({"a": "X", "b": "Y"}, edges, {}) == canonical_key(
        {"a": "Y", "b": "X"}, edges, {}
    )


def test_a_shared_source_and_two_copies_of_it_differ() -> None:
    shared: Edges = [
        ("input", "a"), ("a", "b"), ("a", "c"), ("b", "output"), ("c", "output")
    ]  # fmt: skip
    copied: Edges = [
        ("input", "a"), ("input", "d"), ("a", "b"), ("d", "c"), ("b", "output"), ("c", "output")
    ]  # fmt: skip

    assert canonical_key({"a": "A", "b": "B", "c": "B"}, shared, {}) != canonical_key(
        {"a": "A", "d": "A", "b": "B", "c": "B"}, copied, {}
    )


def test_crossed_and_straight_branches_differ() -> None:
    """Every node has the same kinds of neighbours in both; only the whole tells them apart."""
    labels = {f"{kind}{i}": kind for kind in "ab" for i in range(6)}
    ends = [("input", f"a{i}") for i in range(6)] + [(f"b{i}", "output") for i in range(6)]
    one_ring = [(f"a{i}", f"b{j % 6}") for i in range(6) for j in (i, i + 1)]
    two_rings = [
        (f"a{i}", f"b{3 * (i // 3) + j % 3}") for i in range(6) for j in (i % 3, i % 3 + 1)
    ]

    assert canonical_key(labels, ends + one_ring, {}) != canonical_key(labels, ends + two_rings, {})


@pytest.mark.parametrize("settings", [{"width": 2}, {"width": 1, "more": 0}, {}])
def test_what_all_layers_share_enters_the_key(settings: dict[str, int]) -> None:
    edges: Edges = [("input", "a"), ("a", "output")]

    assert canonical_key({"a": "A"}, edges, {"width": 1}) != canonical_key(
        {"a": "A"}, edges, settings
    )


@pytest.mark.parametrize(("a", "b"), [(1, True), (1, 1.0), (0, False), ("1", 1)])
def test_params_that_compare_equal_but_differ_in_kind_have_different_keys(a: Any, b: Any) -> None:
    assert chain_key([{"p": a}]) != chain_key([{"p": b}])


def test_the_order_of_params_does_not_enter_the_key() -> None:
    assert chain_key([{"p": 1, "q": 2}]) == chain_key([{"q": 2, "p": 1}])


def test_a_layer_named_like_the_input_is_not_taken_for_it() -> None:
    edges: Edges = [("input", "a"), ("a", "output")]

    assert canonical_key({"a": "input"}, edges, {}) != canonical_key({"a": "output"}, edges, {})


def test_twelve_equal_branches_of_three_layers_have_a_key() -> None:
    """Trying every order of twelve equal branches would take 12! of them."""
    labels = {f"n{b}_{i}": "conv" for b in range(12) for i in range(3)}
    edges: Edges = []
    for b in range(12):
        edges += itertools.pairwise(["input", *(f"n{b}_{i}" for i in range(3)), "output"])
    backwards = dict(reversed(labels.items()))

    assert canonical_key(labels, edges, {}) == canonical_key(backwards, edges[::-1], {})
