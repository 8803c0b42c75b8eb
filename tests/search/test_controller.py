"""What is trained next, and what happens with what comes back, without a backend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import final

import pytest
from support.tiny import FAMILIES, chain, job_of, record_of, tiny_space

from itnet_nas.arch.architecture import Architecture
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import Outcome, TrialError, TrialRecord, TrialState
from itnet_nas.results.store import Store
from itnet_nas.search.controller import Controller
from itnet_nas.search.searcher import Proposal, Searcher
from itnet_nas.space.space import Space
from itnet_nas.space.spec import SearchSpec


@final
class Ordered(Searcher):
    """Every member of the tiny space, in order."""

    name = "ordered"

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        known = {record.key for record in records} | {one.key for one in pending}
        for first in FAMILIES:
            for second in FAMILIES:
                candidate = chain(space, [first, second])
                if candidate.key not in known:
                    return Proposal(candidate, self.name)
        return None


def controller(store: Store, seconds: float | None = None, **search: object) -> Controller:
    settings = SearchSpec.model_validate({"strategy": "random", "trials": 6, **search})
    return Controller(store.space, store, Ordered(), settings, seconds=seconds)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "run", tiny_space()) as made:
        yield made


def take(one: Controller) -> TrialJob:
    job = one.next_job()
    assert job is not None
    return job


def test_a_job_is_on_disk_before_it_is_handed_out(store: Store) -> None:
    job = take(controller(store))

    assert store.pending() == [job]


def test_a_job_carries_all_that_a_trial_needs(store: Store) -> None:
    job = take(controller(store))

    assert job.costs["flops"] == 10 + 2 * 100 + 2 * 4 * 8 * 2 * 4**2
    assert job.bias.keys() == {"mix1", "mix2"}
    assert job.kernel_origins.keys() == {"left"}
    assert job.measure == ()
    assert TrialJob.model_validate_json(job.model_dump_json()) == job


@pytest.mark.parametrize(("steps", "every"), [(999, 0), (1_000, 100), (5_000, 500)])
def test_long_trials_leave_checkpoints_in_the_run_and_ended_ones_do_not(
    tmp_path: Path, steps: int, every: int
) -> None:
    space = tiny_space()
    long = space.model_copy(update={"recipe": space.recipe.model_copy(update={"steps": steps})})
    with Store.create(tmp_path / "run", long) as store:
        one = controller(store)
        job = take(one)
        folder = tmp_path / "run" / "checkpoints" / "0"
        folder.mkdir(parents=True)
        one.tell(Outcome(record=record_of(job)))

    assert job.checkpoint_every == every
    assert job.checkpoint == (str(folder) if every else None)
    assert not folder.exists()


def test_the_budget_counts_proposals(store: Store) -> None:
    one = controller(store, trials=3)

    jobs = [take(one) for _ in range(3)]

    assert one.next_job() is None
    assert not one.idle
    for job in jobs:
        one.tell(Outcome(record=record_of(job)))
    assert one.idle
    assert one.ended == "done"


def test_no_two_proposals_are_the_same_while_results_are_open(store: Store) -> None:
    one = controller(store)

    keys = [take(one).architecture.key for _ in range(6)]

    assert len(set(keys)) == 6


def test_what_a_run_was_told_stands_before_its_records(store: Store) -> None:
    asked: list[list[str]] = []

    @final
    class Listening(Searcher):
        name = "listening"

        def ask(
            self,
            space: Space,
            records: Sequence[TrialRecord],
            pending: Sequence[Architecture],
            rng: Random,
        ) -> Proposal | None:
            asked.append([record.data for record in records])
            return Proposal(chain(space, ["left", FAMILIES[len(asked)]]), self.name)

    told = record_of(job_of(store.space, 0, chain(store.space, ["left", "left"])))
    store.priors.add_record(told.model_copy(update={"data": "other"}))
    one = Controller(store.space, store, Listening(), SearchSpec(trials=2))
    one.tell(Outcome(record=record_of(take(one))))

    take(one)

    assert asked == [["other"], ["other", "0"]]


def test_an_exhausted_space_ends_the_search(store: Store) -> None:
    one = controller(store, trials=100)
    while (job := one.next_job()) is not None:
        one.tell(Outcome(record=record_of(job)))

    assert len(one.records()) == 9
    assert one.ended == "exhausted"


def test_a_lost_trial_is_tried_once_more(store: Store) -> None:
    one = controller(store, trials=1)
    first = take(one)

    one.lost(first.number, "its worker died")
    again = take(one)

    assert again.attempt == 2
    assert again.architecture == first.architecture
    assert one.records() == []


def test_a_trial_lost_twice_has_failed(store: Store) -> None:
    one = controller(store, trials=1)
    for _ in range(2):
        one.lost(take(one).number, "its worker died")

    (record,) = store.records()
    assert record.state is TrialState.FAILED
    assert record.error == TrialError(kind="lost_worker", message="its worker died; tried 2 times")
    assert one.idle


def test_a_late_echo_of_a_trial_that_has_ended_is_dropped(store: Store) -> None:
    one = controller(store)
    job = take(one)
    one.tell(Outcome(record=record_of(job, error=0.5)))

    one.tell(Outcome(record=record_of(job, error=0.1)))

    assert [record.objectives["error"] for record in store.records()] == [0.5]


def test_a_new_controller_on_the_same_store_runs_what_was_interrupted_first(store: Store) -> None:
    one = controller(store)
    jobs = [take(one) for _ in range(3)]
    one.tell(Outcome(record=record_of(jobs[1])))

    again = controller(store)
    numbers = [take(again).number for _ in range(5)]

    assert numbers == [0, 2, 3, 4, 5]
    assert again.next_job() is None


def test_an_interrupted_and_resumed_search_proposes_what_the_whole_one_did(
    tmp_path: Path,
) -> None:
    def go(store: Store, trials: int) -> list[str]:
        one = controller(store, trials=trials)
        while (job := one.next_job()) is not None:
            one.tell(Outcome(record=record_of(job, error=0.1 * (job.number % 3))))
        return [record.key for record in one.records()]

    with Store.create(tmp_path / "whole", tiny_space()) as store:
        whole = go(store, 6)
    with Store.create(tmp_path / "parts", tiny_space()) as store:
        go(store, 2)
    with Store.open(tmp_path / "parts", write=True) as store:
        parts = go(store, 6)

    assert parts == whole


def test_after_an_interrupt_nothing_is_handed_out_and_running_trials_still_count(
    store: Store,
) -> None:
    one = controller(store)
    job = take(one)

    one.interrupt()

    assert one.next_job() is None
    assert not one.idle
    one.tell(Outcome(record=record_of(job)))
    assert one.idle
    assert one.ended == "interrupted"
    assert len(store.records()) == 1


def test_the_time_budget_stops_proposals(store: Store) -> None:
    now = 0.0
    one = Controller(
        store.space, store, Ordered(), SearchSpec(trials=6), seconds=10, clock=lambda: now
    )
    job = take(one)
    now = 11.0

    assert one.next_job() is None
    one.tell(Outcome(record=record_of(job)))
    assert one.ended == "budget"


def test_a_search_in_which_most_trials_fail_is_given_up(store: Store) -> None:
    one = controller(store, trials=9)
    failure = TrialError(kind="ValueError", message="no")
    count = 0
    while (job := one.next_job()) is not None:
        one.tell(Outcome(record=record_of(job, failure=failure)))
        count += 1

    assert count == 8
    assert one.ended == "failures"


def test_only_the_weights_of_the_front_are_kept(store: Store) -> None:
    one = controller(store)
    for error in (0.5, 0.6, 0.4):
        one.tell(Outcome(record=record_of(take(one), error=error), weights=b"w"))

    assert [store.weights(number) for number in range(3)] == [b"w", None, b"w"]


@pytest.mark.parametrize(("keep", "kept"), [("all", [b"w", b"w"]), ("none", [None, None])])
def test_weights_are_kept_as_asked(store: Store, keep: str, kept: list[bytes | None]) -> None:
    one = controller(store, keep_weights=keep)
    for error in (0.5, 0.6):
        one.tell(Outcome(record=record_of(take(one), error=error), weights=b"w"))

    assert [store.weights(number) for number in range(2)] == kept


def test_a_constraint_on_a_measured_cost_is_judged_after_training(tmp_path: Path) -> None:
    space = tiny_space(constraints=("latency_ms <= 5",))
    with Store.create(tmp_path, space) as store:
        judged = judge(store)

    assert judged == [TrialState.COMPLETE, TrialState.INFEASIBLE]


def judge(store: Store) -> list[TrialState]:
    one = controller(store)
    for latency in (4.0, 6.0):
        job = take(one)
        assert job.measure == ("latency_ms",)
        record = record_of(job).model_copy(update={"figures": {"latency_ms": latency}})
        one.tell(Outcome(record=record))
    return [record.state for record in store.records()]


def test_progress_shows_the_best_by_quality(store: Store) -> None:
    one = controller(store)
    for error in (0.5, 0.2, 0.4):
        one.tell(Outcome(record=record_of(take(one), error=error)))

    shown = one.progress()

    assert (shown.done, shown.total, shown.failed) == (3, 6, 0)
    assert shown.best["error"] == 0.2
