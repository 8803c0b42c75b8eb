from __future__ import annotations

import pytest
from analysis.retrained import SEEDS, each, lone, member, trial
from analysis.support import space

from itnet_nas.analysis.evidence import Evidence
from itnet_nas.analysis.questions import Question, questions, wanted
from itnet_nas.arch.architecture import Architecture
from itnet_nas.results.record import TrialRecord
from itnet_nas.space.space import Space

OF = lone("conv3", "gru", "attention")
CONV, GRU, ATTENTION = (member(OF, place) for place in range(3))
GOOD = (2.0, 2.01, 1.99)
BAD = (3.0, 3.02, 2.98)
UNEVEN = (2.2, 3.9, 3.0)


def evidence(*records: TrialRecord, of: Space = OF, count: int = 5) -> Evidence:
    return Evidence(of, trial(OF, 0), records, seeds=SEEDS[:count], alpha=0.05)


def question(axis: str, *records: TrialRecord, count: int = 5) -> Question:
    found = questions(evidence(*records, count=count), CONV)
    return next(one for one in found if one.asked.axis == axis)


def test_the_p_value_of_a_question_is_the_largest_of_its_replacements() -> None:
    found = question(
        "support", *each(OF, CONV, *GOOD), *each(OF, GRU, *BAD), *each(OF, ATTENTION, *UNEVEN)
    )

    assert found.p == max(said.p for _, said in found.compared)
    assert found.p > min(said.p for _, said in found.compared)


def test_without_evidence_the_p_value_is_one() -> None:
    assert question("support").p == 1.0


def test_the_level_counts_every_question_that_can_be_asked() -> None:
    """Four of them, whatever has been trained."""
    assert question("support").level == pytest.approx(0.05 / 4)


def test_questions_without_replacements_are_no_part_of_the_family() -> None:
    of = lone("conv3", "conv6")
    candidate = trial(of, 0)
    found = questions(Evidence(of, candidate, [], seeds=SEEDS, alpha=0.05), candidate.architecture)

    assert [one.level for one in found] == pytest.approx([0.05, 0.0, 0.0, 0.0])


def test_bounds_are_held_to_the_level_of_their_question() -> None:
    """A p-value at the level would put the bound on the floor: both say the same."""
    found = question(
        "support", *each(OF, CONV, *GOOD), *each(OF, GRU, *UNEVEN), *each(OF, ATTENTION, *BAD)
    )

    assert all((said.p <= found.level) == (said.bound > said.floor) for _, said in found.compared)


def test_one_that_has_lost_asks_for_no_more_seeds() -> None:
    found = question(
        "support", *each(OF, CONV, *GOOD), *each(OF, GRU, *BAD), *each(OF, ATTENTION, *UNEVEN)
    )

    assert not found.settled
    assert {one.family: found.target(one, 3) for one in found.tested} == {"gru": 0, "attention": 4}


def test_others_come_first_while_they_have_too_few_seeds() -> None:
    found = question("support", *each(OF, CONV, *GOOD), *each(OF, GRU, *UNEVEN))

    assert {one.family: found.target(one, 3) for one in found.tested} == {"gru": 0, "attention": 3}


def test_one_that_does_as_well_settles_the_question() -> None:
    found = question("support", *each(OF, CONV, *GOOD), *each(OF, GRU, *GOOD))

    assert found.settled
    assert {found.target(one, 3) for one in found.tested} == {0}


def test_a_mean_within_the_floor_does_not_settle_it_while_the_bound_is_not() -> None:
    found = question("state", *each(OF, CONV, *GOOD), *each(OF, GRU, 1.5, 2.5, 2.0))

    assert found.compared[0][1].loss == pytest.approx(0.0)
    assert not found.settled


def test_nothing_is_wanted_of_a_candidate_that_always_fails() -> None:
    here = evidence(*each(OF, CONV, None, None, None))

    assert wanted(here, questions(here, CONV)) == set()


def test_a_failed_seed_of_the_candidate_is_left_out_of_every_pair() -> None:
    here = evidence(*each(OF, CONV, 2.0, None, 2.0))

    found = wanted(here, questions(here, CONV))

    assert found == {
        (CONV.key, 3),
        *((key, index) for key in (GRU.key, ATTENTION.key) for index in (0, 2, 3)),
    }


def test_every_layer_and_axis_is_asked() -> None:
    of = space()
    candidate = trial(of, 1, 3)
    here = Evidence(of, candidate, [], seeds=SEEDS, alpha=0.05)

    found = questions(here, architecture(of))

    assert [(one.asked.layer, one.asked.axis) for one in found] == [
        (layer, axis)
        for layer in ("local", "memory")
        for axis in ("support", "sharing", "state", "content")
    ]


def architecture(of: Space) -> Architecture:
    return member(of, 1, 3)
