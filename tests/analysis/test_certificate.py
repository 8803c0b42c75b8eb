from __future__ import annotations

import json

import pytest
from analysis.retrained import SEEDS, each, lone, member, trial

from itnet_nas.analysis.certificate import (
    AxisVerdict,
    Certificate,
    Verdict,
    certificate,
)
from itnet_nas.results.record import TrialRecord
from itnet_nas.space.space import Space
from itnet_nas.tasks import Metric

OF = lone("conv3", "gru", "attention")
CANDIDATE = trial(OF, 0)
CONV, GRU, ATTENTION = (member(OF, place) for place in range(3))
GOOD = (2.0, 2.01, 1.99, 2.0, 2.0)
SAME = (2.01, 2.0, 2.0, 1.99, 2.0)
BAD = (3.0, 3.02, 2.98, 3.0, 3.0)
UNEVEN = (2.2, 3.9, 3.0)  # worse on average, but how much is open


def made(*records: TrialRecord, of: Space = OF, seeds: tuple[int, ...] = SEEDS[:3]) -> Certificate:
    return certificate(of, CANDIDATE, records, seeds=seeds)


def said(found: Certificate, axis: str) -> AxisVerdict:
    (one,) = [one for one in found.axes if one.axis == axis]
    return one


def verdicts(found: Certificate) -> dict[str, Verdict]:
    return {one.axis: one.verdict for one in found.axes}


def solved_from(bits: float) -> Space:
    metric = Metric(name="bits_per_byte", direction="min", chance=8.0, ceiling=1.9, solved=bits)
    facts = OF.facts.model_copy(update={"metrics": (metric,)})
    return OF.model_copy(update={"facts": facts})


def test_what_every_replacement_loses_without_is_necessary() -> None:
    found = made(*each(OF, CONV, *GOOD), *each(OF, GRU, *BAD), *each(OF, ATTENTION, *BAD))

    assert set(verdicts(found).values()) == {Verdict.NECESSARY}


def test_what_some_replacement_does_as_well_without_is_not_identified() -> None:
    """A GRU changes support, state and content; attention changes support, sharing and content."""
    found = made(*each(OF, CONV, *GOOD), *each(OF, GRU, *BAD), *each(OF, ATTENTION, *SAME))

    assert verdicts(found) == {
        "support": Verdict.NOT_IDENTIFIED,
        "sharing": Verdict.NOT_IDENTIFIED,
        "state": Verdict.NECESSARY,
        "content": Verdict.NOT_IDENTIFIED,
    }


def test_what_is_lost_on_average_alone_is_preferred() -> None:
    found = made(*each(OF, CONV, *GOOD), *each(OF, GRU, *UNEVEN), *each(OF, ATTENTION, *BAD))

    assert verdicts(found) == {
        "support": Verdict.PREFERRED,
        "sharing": Verdict.NECESSARY,
        "state": Verdict.PREFERRED,
        "content": Verdict.PREFERRED,
    }


def test_necessary_means_that_the_bound_lies_above_the_floor() -> None:
    found = made(*each(OF, CONV, *GOOD), *each(OF, GRU, *UNEVEN), *each(OF, ATTENTION, *BAD))

    for one in found.axes:
        assert one.bound is not None
        assert one.floor is not None
        assert (one.verdict is Verdict.NECESSARY) == (one.bound > one.floor)


def test_the_effect_is_that_of_the_mildest_replacement() -> None:
    worse = tuple(bits + 1 for bits in BAD)

    found = made(*each(OF, CONV, *GOOD), *each(OF, GRU, *BAD), *each(OF, ATTENTION, *worse))

    one = said(found, "support")
    assert (one.mildest, one.seeds, one.also) == ("gru", 3, ("state", "content"))
    assert one.effect == pytest.approx(1.0)
    assert one.low is not None
    assert one.high is not None
    assert one.low < 1.0 < one.high


def test_before_anything_is_trained_nothing_is_said() -> None:
    found = made()

    assert {(one.verdict, one.note) for one in found.axes} == {
        (Verdict.NOT_TESTED, "0 of 3 paired seeds so far")
    }
    assert (found.mean, found.floor, found.trainings, found.left) == (None, None, 0, 9)


def test_half_of_the_trainings_say_something_of_half_of_the_replacements() -> None:
    found = made(*each(OF, CONV, *GOOD), *each(OF, GRU, *BAD))

    assert said(found, "support").verdict is Verdict.NECESSARY
    assert said(found, "support").note == "1 of 2 replacements tested"
    assert said(found, "sharing").note == "0 of 3 paired seeds so far"
    assert (found.trainings, found.left) == (6, 3)


def test_a_failed_replacement_is_named_and_proves_nothing() -> None:
    found = made(
        *each(OF, CONV, *GOOD), *each(OF, GRU, *BAD), *each(OF, ATTENTION, None, None, None)
    )

    one = said(found, "support")
    assert one.verdict is Verdict.NECESSARY
    assert one.note == (
        "1 of 2 replacements tested; attention(heads=4) failed in 3 trainings (out_of_memory)"
    )
    assert said(found, "sharing").verdict is Verdict.NOT_TESTED
    assert said(found, "sharing").note == (
        "attention(heads=4) failed in 3 trainings (out_of_memory)"
    )


def test_a_candidate_that_fails_is_not_certified() -> None:
    found = made(*each(OF, CONV, None, None, None))

    assert {(one.verdict, one.note) for one in found.axes} == {
        (Verdict.NOT_TESTED, "the candidate itself failed to train (out_of_memory)")
    }
    assert found.left == 0


def test_a_layer_that_has_no_other_choice_is_not_tested() -> None:
    of = lone("conv3")

    found = certificate(of, trial(of, 0), [], seeds=SEEDS)

    assert {(one.verdict, one.note) for one in found.axes} == {
        (Verdict.NOT_TESTED, "the space offers nothing else here")
    }


def test_a_better_replacement_is_named() -> None:
    found = made(*each(OF, CONV, *BAD), *each(OF, GRU, *BAD), *each(OF, ATTENTION, *GOOD))

    assert said(found, "sharing").verdict is Verdict.NOT_IDENTIFIED
    assert said(found, "sharing").note == "attention(heads=4) in its place is better by 1"


def test_below_what_counts_as_solved_nobody_is_named() -> None:
    of = solved_from(1.95)

    found = made(*each(OF, CONV, *GOOD), *each(OF, GRU, *BAD), *each(OF, ATTENTION, *BAD), of=of)

    assert found.solved is False
    assert {one.verdict for one in found.axes} == {Verdict.NOT_SOLVED}
    assert said(found, "support").note == (
        "the candidate reaches bits_per_byte 2 on average, and the task counts as solved from 1.95 "
        "on, so no bias is named"
    )


def test_a_solved_task_is_certified() -> None:
    records = [*each(OF, CONV, *GOOD), *each(OF, GRU, *BAD), *each(OF, ATTENTION, *BAD)]

    found = made(*records, of=solved_from(2.05))

    assert found.solved is True
    assert set(verdicts(found).values()) == {Verdict.NECESSARY}


def test_a_certificate_is_json() -> None:
    found = made(*each(OF, CONV, *GOOD), *each(OF, GRU, *UNEVEN))

    plain = found.as_json()

    assert json.loads(json.dumps(plain)) == plain
    assert plain["axes"][0]["verdict"] == "preferred"
    assert plain["axes"][0]["alternatives"][0]["comparison"]["floor"] == pytest.approx(0.06)


def test_a_certificate_in_a_terminal() -> None:
    found = made(*each(OF, CONV, *GOOD), *each(OF, GRU, *BAD), *each(OF, ATTENTION, *SAME))

    assert str(found) == (
        "trial 0: conv(radius=3)\n"
        "bits_per_byte 2 over 3 seeds (chance 8)\n"
        "mix: conv(radius=3)\n"
        "  support  window       not identified: with attention(heads=4) in its place it is worse "
        "by 0.00 ± 0.03 bits/byte, within the noise of 0.06 (3 seeds, the mildest of 2 "
        "replacements)\n"
        "  sharing  translation  not identified: with attention(heads=4) in its place it is worse "
        "by 0.00 ± 0.03 bits/byte, within the noise of 0.06 (3 seeds)\n"
        "  state    none         necessary: with state (support and content change too) the "
        "bits/byte grow by 1.00 ± 0.02 (3 seeds)\n"
        "  content  none         not identified: with attention(heads=4) in its place it is worse "
        "by 0.00 ± 0.03 bits/byte, within the noise of 0.06 (3 seeds, the mildest of 2 "
        "replacements)\n"
        "one-sided bounds, Holm over 4 questions at 0.05 in all; all replacements of a question "
        "have to lose, which needs no correction"
    )


def test_the_correction_says_how_many_looks_there_are() -> None:
    assert "split evenly over 3 looks (3 to 5 seeds)" in made(seeds=SEEDS).correction
