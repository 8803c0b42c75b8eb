from __future__ import annotations

from dataclasses import replace

from analysis.certificates import certified, probed_run
from analysis.support import run, space
from analysis.test_learned import with_solved

from itnet_nas.analysis.pareto import front
from itnet_nas.analysis.pick import pick
from itnet_nas.analysis.sure import how_sure, not_solved, what_next

OF = space()
RECORDS = probed_run(OF)
KNEE = pick(OF, front(OF, RECORDS), "knee")
BEST = pick(OF, front(OF, RECORDS), "best")
FOUND = certified(OF, KNEE)


def test_a_task_that_states_no_goal_is_never_called_unsolved() -> None:
    assert not_solved(OF, BEST, FOUND) == ""


def test_a_best_trial_short_of_the_goal_is_not_solved() -> None:
    assert not_solved(with_solved(OF, 2.0), BEST, None) == (
        "Not solved: the best trial (19) reaches 2.86 bits/byte of a ceiling of 1, and the task "
        "counts as solved from 2 on. No layer is said to need its bias."
    )


def test_a_best_trial_at_the_goal_is_solved() -> None:
    goal = BEST.objectives["bits_per_byte"]

    assert not_solved(with_solved(OF, goal), BEST, None) == ""


def test_the_mean_over_seeds_counts_for_more_than_the_trial_that_was_chosen() -> None:
    unlucky = replace(FOUND, solved=False, mean=3.13)

    assert not_solved(with_solved(OF, 3.0), BEST, unlucky).startswith(
        "Not solved: trial 5 reaches, over its seeds, 3.13 bits/byte of a ceiling of 1"
    )


def test_what_the_measured_and_the_tested_rest_on_is_said() -> None:
    assert how_sure(KNEE, FOUND) == [
        "measured: Jacobians on 24 examples of validation data, 1728 rows, budget full; figures "
        "in brackets are 95 % intervals",
        "changes since initialisation are named where the intervals lie apart",
        f"tested: {FOUND.trainings} trainings, 5 seeds of trial 5, paired by seed",
        f"losses up to {FOUND.floor:.3g} bits/byte are noise",
        FOUND.correction,
    ]


def test_what_was_neither_measured_nor_tested_says_so() -> None:
    plain = next(one for one in run(OF, 20) if one.complete)

    assert how_sure(plain, None) == [
        "not measured: this trial was not probed, so ○ says what a layer may do, not what it does",
        "not tested: whether the task needs a bias shows when it is swapped and trained again",
    ]


def test_a_probe_that_failed_says_why() -> None:
    plain = next(one for one in run(OF, 20) if one.complete)
    failed = plain.model_copy(update={"probe_error": "RuntimeError: no backward pass"})

    assert how_sure(failed, None)[0] == (
        "not measured, since the probe failed: RuntimeError: no backward pass"
    )


def commands(*given, **others):  # type: ignore[no-untyped-def]
    return [command for command, _ in what_next(*given, **{"trials": 20, "solved": True, **others})]


def test_without_a_certificate_the_next_thing_is_to_certify() -> None:
    assert commands(KNEE, None, "my runs/a") == ["itnet-nas certify 'my runs/a' 5"]


def test_a_certificate_that_is_not_whole_goes_on() -> None:
    assert what_next(KNEE, replace(FOUND, left=4), "RUN", trials=20, solved=True) == [
        ("itnet-nas certify RUN 5", "go on: 4 trainings left at least")
    ]


def test_what_is_preferred_asks_for_more_seeds() -> None:
    assert commands(KNEE, FOUND, "RUN") == ["itnet-nas certify RUN 5 --seeds 8"]


def test_where_all_is_settled_the_figures_come_next() -> None:
    settled = tuple(one for one in FOUND.axes if one.verdict != "preferred")

    assert commands(KNEE, replace(FOUND, axes=settled), "RUN") == ["itnet-nas explain RUN 5"]


def test_a_task_that_is_not_solved_is_searched_on() -> None:
    assert commands(KNEE, FOUND, "RUN", solved=False) == ["itnet-nas resume RUN --trials 40"]
