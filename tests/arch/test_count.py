"""The size of a space."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from itnet_nas.arch.count import Count, count, enumerate_all, genotypes, raw_count
from itnet_nas.arch.genotype import Genotype, realise
from itnet_nas.arch.plan import plan_of
from itnet_nas.arch.sample import sample
from itnet_nas.space.space import Choice, Edge, Layer, Space

Chain = Callable[..., Space]
MakeChoice = Callable[..., Choice]


@given(data=st.data())
def test_the_product_formula_agrees_with_counting(
    spaces: st.SearchStrategy[Space], data: st.DataObject
) -> None:
    space = data.draw(spaces)
    raw = raw_count(space)
    assume(raw <= 200)

    every = list(genotypes(space))

    assert len(every) == len(set(every)) == raw


@given(data=st.data())
def test_distinct_equals_brute_force_over_every_answer(
    spaces: st.SearchStrategy[Space], data: st.DataObject
) -> None:
    """Brute force answers also the decisions that are not open, which must change nothing."""
    space = data.draw(spaces)
    plan = plan_of(space)
    answers = [
        *([None] * slot.optional + list(range(len(slot.choices))) for slot in plan.slots),
        *([False, True] for _ in plan.edge_slots),
        *plan.counts,
    ]
    total = 1
    for options in answers:
        total *= len(options)
    assume(total <= 200)
    slots, loose = len(plan.slots), len(plan.edge_slots)
    keys = set()
    for given_ in itertools.product(*answers):
        genotype = Genotype(given_[:slots], given_[slots : slots + loose], given_[slots + loose :])
        with contextlib.suppress(ValueError):  # no layer is left
            keys.add(realise(space, genotype).key)

    assert count(space).distinct == len(keys)


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_every_sample_is_among_the_enumerated(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    space = data.draw(spaces)
    assume(raw_count(space) <= 200)

    assert sample(space, Random(seed)).key in {a.key for a in enumerate_all(space)}


def test_chains_that_mirror_each_other_in_names_alone_count_once(
    chain: Chain, make_choice: MakeChoice
) -> None:
    space = chain(
        *([make_choice("gru"), make_choice("conv", radius=1)] for _ in range(2)), optional=True
    )

    # Two layers with two kernels or none: 9 - 1 ways; gru alone and conv alone each come twice.
    assert count(space) == Count(raw=8, distinct=6)


def test_a_large_space_is_counted_without_being_enumerated(
    chain: Chain, make_choice: MakeChoice
) -> None:
    kinds = [make_choice("conv", radius=radius) for radius in range(1, 10)]
    space = chain(*(kinds for _ in range(40)))

    assert count(space) == Count(raw=9**40, distinct=None)


def test_optional_edges_double_what_they_enter_alone(
    make_space: Callable[..., Space], make_choice: MakeChoice
) -> None:
    gru = (make_choice("gru"),)
    space = make_space(
        [
            Layer(name="a", choices=gru),
            Layer(name="b", choices=gru),
            Layer(name="c", choices=gru, optional=True),
        ],
        [
            Edge(source="input", target="a"),
            Edge(source="a", target="b"),
            Edge(source="b", target="c"),
            Edge(source="a", target="c", optional=True),
            Edge(source="c", target="output"),
        ],
    )

    # c absent, c without the edge, c with it.
    assert count(space) == Count(raw=3, distinct=3)
