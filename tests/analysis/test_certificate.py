from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest
from analysis.retrained import SEEDS, certified, each, lone, member, trial
from analysis.support import deep_space, record, run
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.analysis.certificate import (
    AxisVerdict,
    Certificate,
    Verdict,
    certificate,
    next_trainings,
)
from itnet_nas.arch.architecture import Architecture
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


def plan(
    *records: TrialRecord, of: Space = OF, seeds: tuple[int, ...] = SEEDS
) -> list[tuple[str, int]]:
    found = next_trainings(of, CANDIDATE, records, seeds=seeds)
    return [(architecture.layers[0].family, index) for architecture, index in found]


def test_first_the_candidate_then_every_swap_with_three_seeds() -> None:
    assert plan() == [
        *[("conv", index) for index in range(3)],
        *[("gru", index) for index in range(3)],
        *[("attention", index) for index in range(3)],
    ]


def test_the_swap_that_is_expected_to_lose_least_comes_first() -> None:
    searched = [
        record(OF, 1, ATTENTION, bits_per_byte=4.0),
        record(OF, 2, GRU, bits_per_byte=2.0),
    ]

    families = [family for family, _ in plan(*searched)]

    assert families.index("gru") < families.index("attention")


def test_swaps_wait_while_it_is_open_whether_the_task_is_solved() -> None:
    of = solved_from(2.05)

    assert plan(of=of) == [("conv", 0), ("conv", 1), ("conv", 2)]
    assert len(plan(*each(OF, CONV, *GOOD[:3]), of=of)) == 6


def test_swaps_of_a_candidate_that_does_not_solve_the_task_are_never_trained() -> None:
    assert plan(*each(OF, CONV, *BAD[:3]), of=solved_from(2.05)) == []


def test_a_harmless_replacement_settles_its_questions() -> None:
    """Attention settles support, sharing and content; the GRU alone says what state is worth."""
    records = [*each(OF, CONV, *GOOD[:3]), *each(OF, ATTENTION, *SAME[:3])]

    assert plan(*records) == [("gru", 0), ("gru", 1), ("gru", 2)]


def test_a_question_that_every_replacement_loses_is_settled() -> None:
    records = [*each(OF, CONV, *GOOD[:3]), *each(OF, ATTENTION, *BAD), *each(OF, GRU, *BAD[:3])]

    assert plan(*records) == []


def test_an_open_question_gets_one_more_seed_of_both() -> None:
    records = [*each(OF, CONV, *GOOD[:3]), *each(OF, ATTENTION, *BAD), *each(OF, GRU, *UNEVEN)]

    assert plan(*records) == [("conv", 3), ("gru", 3)]


def test_seeds_end() -> None:
    uneven = (*UNEVEN, 2.2, 3.5)
    records = [*each(OF, CONV, *GOOD), *each(OF, ATTENTION, *BAD), *each(OF, GRU, *uneven)]

    assert plan(*records) == []


def test_a_failed_seed_is_made_up_for_by_the_next() -> None:
    records = [
        *each(OF, CONV, *GOOD[:3]),
        *each(OF, ATTENTION, *BAD),
        *each(OF, GRU, 3.0, None, 3.0),
    ]

    assert plan(*records) == [("conv", 3), ("gru", 3)]


def test_a_replacement_that_always_fails_gets_no_more() -> None:
    records = [
        *each(OF, CONV, *GOOD[:3]),
        *each(OF, ATTENTION, *BAD),
        *each(OF, GRU, None, None, None),
    ]

    assert plan(*records) == []


def test_a_network_that_serves_several_questions_is_trained_once() -> None:
    found = next_trainings(OF, CANDIDATE, [], seeds=SEEDS)

    assert len({(architecture.key, index) for architecture, index in found}) == len(found)


DEEP = deep_space(2)
TRIALS = run(DEEP, 25)
BEST = min((one for one in TRIALS if one.complete), key=lambda one: one.objectives["bits_per_byte"])
EVENED = certified(
    DEEP,
    BEST,
    lambda architecture, rng: 2.0 + len(architecture.label) / 40 + rng.gauss(0, 0.05),
    rng=Random(1),
)


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(rng: Random) -> None:
    shuffled = rng.sample(EVENED, len(EVENED))
    half = EVENED[: len(EVENED) // 2]
    half_shuffled = rng.sample(half, len(half))

    assert certificate(DEEP, BEST, shuffled, seeds=SEEDS) == certificate(
        DEEP, BEST, EVENED, seeds=SEEDS
    )
    assert next_trainings(DEEP, BEST, half_shuffled, seeds=SEEDS) == next_trainings(
        DEEP, BEST, half, seeds=SEEDS
    )


@settings(max_examples=15, deadline=None)
@given(st.sets(st.integers(0, 24)), st.integers(0, 60))
def test_records_of_other_trials_change_no_verdict_and_no_plan(chosen: set[int], cut: int) -> None:
    """They may change the order in which swaps are trained, never which."""
    others = [TRIALS[place] for place in sorted(chosen)]
    some = EVENED[:cut]

    alone = certificate(DEEP, BEST, some, seeds=SEEDS)
    among = certificate(DEEP, BEST, [*others, *some], seeds=SEEDS)

    assert among == alone
    assert {
        (architecture.key, index)
        for architecture, index in next_trainings(DEEP, BEST, [*others, *some], seeds=SEEDS)
    } == {
        (architecture.key, index)
        for architecture, index in next_trainings(DEEP, BEST, some, seeds=SEEDS)
    }


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_a_plan_comes_to_its_end_and_trains_nothing_twice(seed: int) -> None:
    def figure(architecture: Architecture, rng: Random) -> float | None:
        return None if rng.random() < 0.15 else 2.0 + rng.random()

    found = certified(DEEP, BEST, figure, rng=Random(seed))

    assert len({(one.key, one.seed) for one in found}) == len(found)
    assert certificate(DEEP, BEST, found, seeds=SEEDS).left == 0


def test_the_plan_counts_what_is_left() -> None:
    some = EVENED[:10]

    found = certificate(DEEP, BEST, some, seeds=SEEDS)

    assert found.left == len(next_trainings(DEEP, BEST, some, seeds=SEEDS)) > 0
    assert found.trainings == 10


def verdicts_of(
    of: Space,
    figure: Callable[[Architecture, Random], float],
    repetitions: int,
    seeds: tuple[int, ...] = SEEDS,
) -> list[list[Verdict]]:
    """The verdicts of whole certificates, sequential plan included, of figures that are drawn."""
    candidate = trial(of, 0)
    found = []
    for repetition in range(repetitions):
        records = certified(of, candidate, figure, rng=Random(repetition), seeds=seeds)
        axes = certificate(of, candidate, records, seeds=seeds).axes
        found.append([one.verdict for one in axes if one.alternatives])
    return found


def identical(architecture: Architecture, rng: Random) -> float:
    """Every network is the same, and trains unevenly."""
    return rng.gauss(2.0, 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [SEEDS[:3], SEEDS], ids=["3 seeds", "3 to 5 seeds"])
def test_an_identical_copy_is_not_identified_in_95_of_100(seeds: tuple[int, ...]) -> None:
    """A single replacement: the hardest case, since any that does as well settles a question."""
    found = verdicts_of(lone("conv3", "gru"), identical, 400, seeds)

    right = sum(set(verdicts) == {Verdict.NOT_IDENTIFIED} for verdicts in found)
    assert right / len(found) >= 0.95


def test_an_identical_copy_is_hardly_ever_necessary() -> None:
    found = verdicts_of(lone("conv3", "gru"), identical, 60)

    assert sum(Verdict.NECESSARY in verdicts for verdicts in found) <= 1


@pytest.mark.slow
def test_any_false_necessary_is_rarer_than_alpha() -> None:
    """Every replacement loses exactly as much as the floor, which is a hundredth of 8 − 2."""

    def at_the_floor(architecture: Architecture, rng: Random) -> float:
        return 2.0 if architecture.layers[0].family == "conv" else 2.06 + rng.gauss(0.0, 0.3)

    found = verdicts_of(OF, at_the_floor, 400)

    assert sum(Verdict.NECESSARY in verdicts for verdicts in found) / len(found) <= 0.05


@pytest.mark.parametrize("seeds", [SEEDS[:3], SEEDS], ids=["3 seeds", "3 to 5 seeds"])
def test_a_large_loss_is_found_necessary(seeds: tuple[int, ...]) -> None:
    """25 times the spread of a training, as on a task with a planted bias."""

    def planted(architecture: Architecture, rng: Random) -> float:
        loses = architecture.layers[0].family != "conv"
        return 2.0 + 0.5 * loses + rng.gauss(0.0, 0.02)

    found = verdicts_of(OF, planted, 30, seeds)

    assert sum(set(verdicts) == {Verdict.NECESSARY} for verdicts in found) >= 28


@pytest.mark.slow
def test_seeds_are_added_where_three_are_too_few() -> None:
    """Six times the spread: three seeds say so in half of the cases, up to five in most."""

    def middling(architecture: Architecture, rng: Random) -> float:
        loses = architecture.layers[0].family != "conv"
        return 2.0 + 0.3 * loses + rng.gauss(0.0, 0.05)

    few = verdicts_of(OF, middling, 60, SEEDS[:3])
    more = verdicts_of(OF, middling, 60)

    def share(found: list[list[Verdict]]) -> float:
        flat = [verdict for verdicts in found for verdict in verdicts]
        return flat.count(Verdict.NECESSARY) / len(flat)

    assert share(few) < 0.6
    assert share(more) > 0.75
