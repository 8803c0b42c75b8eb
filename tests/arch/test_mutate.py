"""Edits and children."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from itnet_nas.arch.count import count, enumerate_all, raw_count
from itnet_nas.arch.genotype import Genotype, contains, genotype_of, realise
from itnet_nas.arch.mutate import crossover, mutate
from itnet_nas.arch.sample import sample
from itnet_nas.space.space import Choice, Edge, Layer, Repeat, Space

Chain = Callable[..., Space]
MakeSpace = Callable[..., Space]
MakeChoice = Callable[..., Choice]


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_every_mutant_is_a_member(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    space, rng = data.draw(spaces), Random(seed)
    architecture = sample(space, rng)

    for _ in range(5):
        architecture = mutate(space, architecture, rng)
        assert contains(space, architecture)


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_mutant_has_another_key_wherever_the_space_has_two(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    space, rng = data.draw(spaces), Random(seed)
    assume(raw_count(space) <= 200)
    architecture = sample(space, rng)

    mutant = mutate(space, architecture, rng)

    assert (mutant.key != architecture.key) == (count(space).distinct != 1)


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_every_child_is_a_member(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    space, rng = data.draw(spaces), Random(seed)

    child = crossover(space, sample(space, rng), sample(space, rng), rng)

    assert contains(space, child)


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_child_of_equal_parents_is_their_like(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    space, rng = data.draw(spaces), Random(seed)
    parent = sample(space, rng)

    assert crossover(space, parent, parent, rng) == parent


@given(seed=st.integers(0, 2**32))
def test_a_child_has_at_each_layer_the_choice_of_a_parent(
    chain: Chain, make_choice: MakeChoice, seed: int
) -> None:
    kinds = [make_choice("conv", radius=radius) for radius in range(1, 6)]
    space, rng = chain(*(kinds for _ in range(6))), Random(seed)
    a, b = sample(space, rng), sample(space, rng)

    child = crossover(space, a, b, rng)

    trios = zip(child.layers, a.layers, b.layers, strict=True)
    assert all(c in (x, y) for c, x, y in trios)


def test_mutation_reaches_every_architecture_of_a_small_space(
    make_space: MakeSpace, make_choice: MakeChoice
) -> None:
    kinds = (make_choice("gru"), make_choice("conv", radius=1), make_choice("conv", radius=2))
    space = make_space(
        [Layer(name=name, choices=kinds, optional=name == "m_2") for name in ("m_1", "m_2", "end")],
        [
            Edge(source="input", target="m_1"),
            Edge(source="m_1", target="m_2"),
            Edge(source="m_2", target="end"),
            Edge(source="input", target="end", optional=True),
            Edge(source="end", target="output"),
        ],
        (Repeat(name="m", counts=(1, 2), copies=(("m_1",), ("m_2",)), tied=False),),
    )
    rng = Random(0)
    architecture = sample(space, rng)

    seen = set()
    for _ in range(3000):
        architecture = mutate(space, architecture, rng)
        seen.add(architecture.key)

    assert seen == {a.key for a in enumerate_all(space)}


def changes(space: Space, start: Genotype, number: int) -> list[Genotype]:
    architecture, rng = realise(space, start), Random(0)
    found = [genotype_of(space, mutate(space, architecture, rng)) for _ in range(number)]
    return [genotype for genotype in found if genotype is not None]


def test_a_mutant_differs_in_one_decision(chain: Chain, make_choice: MakeChoice) -> None:
    kinds = [make_choice("gru"), make_choice("conv", radius=1), make_choice("conv", radius=2)]
    space = chain(*(kinds for _ in range(5)), optional=True)
    start = Genotype((0, 1, 2, 0, 1), (), ())

    for genotype in changes(space, start, 200):
        different = [a != b for a, b in zip(genotype.choices, start.choices, strict=True)]
        assert sum(different) == 1


def test_a_change_within_the_family_prefers_a_single_param(
    chain: Chain, make_choice: MakeChoice
) -> None:
    kinds = [make_choice("attention", heads=h, rope=r) for h in (1, 2, 3, 4) for r in (0, 1)]
    space = chain(kinds)

    found = changes(space, Genotype((0,), (), ()), 1000)

    # From (1, 0) one param changes to (1, 1), (2, 0), (3, 0), (4, 0); both to three others.
    single = sum(genotype.choices[0] in {1, 2, 4, 6} for genotype in found)
    assert 724 < single < 876  # 800 expected, six standard deviations


def test_half_the_changes_of_a_kernel_take_another_family(
    chain: Chain, make_choice: MakeChoice
) -> None:
    many = [make_choice("conv", radius=radius) for radius in range(1, 10)]
    space = chain([*many, make_choice("gru")])

    found = Counter(
        genotype.choices[0] == 9 for genotype in changes(space, Genotype((0,), (), ()), 1000)
    )

    assert 405 < found[True] < 595


def test_new_copies_take_the_choices_of_the_last(
    make_space: MakeSpace, make_choice: MakeChoice
) -> None:
    kinds = (make_choice("gru"), make_choice("conv", radius=1))
    names = [f"m_{i}" for i in range(1, 5)]
    ends = ["input", *names, "output"]
    space = make_space(
        [Layer(name=name, choices=kinds) for name in names],
        [Edge(source=a, target=b) for a, b in itertools.pairwise(ends)],
        (Repeat(name="m", counts=(2, 4), copies=tuple((n,) for n in names), tied=False),),
    )

    moved = {
        g.choices
        for g in changes(space, Genotype((0, 1, None, None), (), (2,)), 200)
        if g.counts == (4,)
    }

    assert moved == {(0, 1, 1, 1)}


def test_the_only_architecture_of_a_space_comes_back(chain: Chain, make_choice: MakeChoice) -> None:
    space = chain([make_choice("gru")])
    architecture = sample(space, Random(0))

    assert mutate(space, architecture, Random(0)) == architecture


def test_what_is_no_member_cannot_be_edited(chain: Chain, make_choice: MakeChoice) -> None:
    space = chain([make_choice("gru")])
    foreign = sample(chain([make_choice("conv", radius=1)]), Random(0))

    with pytest.raises(ValueError, match=r"not a member of the space toy: conv\(radius=1\)"):
        mutate(space, foreign, Random(0))
    with pytest.raises(ValueError, match=r"not a member of the space toy: conv\(radius=1\)"):
        crossover(space, sample(space, Random(0)), foreign, Random(0))


def test_a_param_that_is_a_number_mostly_moves_to_its_next_value(
    chain: Chain, make_choice: MakeChoice
) -> None:
    space = chain([make_choice("conv", radius=radius) for radius in range(1, 10)])

    found = Counter(
        abs(genotype.choices[0] - 4) == 1
        for genotype in changes(space, Genotype((4,), (), ()), 1000)
        if genotype.choices[0] is not None
    )

    assert 613 < found[True] < 787  # 700 expected, six standard deviations
