"""A space as numbered questions, and back."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.arch.genotype import Genotype, genotype_of
from itnet_nas.arch.plan import plan_of
from itnet_nas.arch.sample import sample
from itnet_nas.search.decisions import Decision, answers_of, settle
from itnet_nas.space.space import Layer, Space
from itnet_nas.testing import searcher_grounds as grounds


def again(space: Space, genotype: Genotype) -> Genotype:
    """Through the answers, by the names of the questions alone."""
    answers = {question.name: k for question, k in answers_of(plan_of(space), genotype).items()}
    return settle(plan_of(space), lambda question, _: answers[question.name])


@given(seed=st.integers(0, 2**32))
def test_answers_lead_back_to_the_genotype(seed: int) -> None:
    space = grounds.graph().space
    genotype = genotype_of(space, sample(space, Random(seed)))
    assert genotype is not None

    assert again(space, genotype) == genotype


def test_only_what_is_open_and_has_two_answers_is_asked() -> None:
    asked: list[Decision] = []

    def first(question: Decision, read: Callable[[Genotype], int]) -> int:
        asked.append(question)
        return 0

    settle(plan_of(grounds.graph().space), first)

    # One copy, no side layer: only the questions of stem, the first cell and the end are left.
    assert asked == [
        Decision("cell: copies", 3, ordered=True),
        Decision("stem: family", 4),
        Decision("stem: left size", 3, ordered=True),
        Decision("side: there", 2),
        Decision("cell_1: family", 4),
        Decision("cell_1: left size", 3, ordered=True),
        Decision("end: family", 4),
        Decision("end: left size", 3, ordered=True),
        Decision("stem to end", 2),
    ]


def test_params_that_are_no_grid_are_one_question() -> None:
    space = grounds.graph().space
    heads = next(i for i, one in enumerate(space.layers[0].choices) if one.family == "heads")
    genotype = Genotype((heads + 2, None, 0, None, None, 0), (False,), (1,))

    answers = answers_of(plan_of(space), genotype)

    assert answers[Decision("stem: heads params", 3)] == 2


def test_params_that_are_a_grid_are_a_question_each() -> None:
    space = grounds.graph().space
    layers = tuple(
        Layer(
            name=layer.name,
            optional=layer.optional,
            choices=(
                *layer.choices,
                layer.choices[5].model_copy(update={"params": {"heads": 4, "rope": False}}),
            ),
        )
        for layer in space.layers
    )
    wide = grounds.changed(space, layers=layers)
    genotype = Genotype((9, None, 0, None, None, 0), (False,), (1,))

    answers = answers_of(plan_of(wide), genotype)

    assert answers[Decision("stem: heads heads", 2, ordered=True)] == 1
    assert answers[Decision("stem: heads rope", 2)] == 1
