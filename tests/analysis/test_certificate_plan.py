"""What is trained next, and that only the records decide it."""

from __future__ import annotations

from random import Random

from analysis.retrained import SEEDS, certified, each, lone, member, trial
from analysis.support import deep_space, record, run
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.analysis.certificate import certificate, next_trainings
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


def solved_from(bits: float) -> Space:
    metric = Metric(name="bits_per_byte", direction="min", chance=8.0, ceiling=1.9, solved=bits)
    facts = OF.facts.model_copy(update={"metrics": (metric,)})
    return OF.model_copy(update={"facts": facts})


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
