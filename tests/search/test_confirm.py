"""What a confirmation trains, under which seeds, and how it goes on, without a backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.confirmed import FAILURE, TRIALS
from support.confirmed import SPACE as PLAIN
from support.confirmed import trials as searched
from support.tiny import chain, job_of, record_of

from itnet_nas.errors import InfeasibleError, RunError, UsageError
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import Outcome, Replicate, TrialRecord
from itnet_nas.results.store import Store
from itnet_nas.search.confirm import (
    Confirmer,
    confirm_run,
    plan_in_words,
    plan_round,
    reporting_seeds,
    taken_seeds,
)
from itnet_nas.search.session import paired_seeds, trial_seed
from itnet_nas.tasks import Recipe

FINALISTS = [0, 1, 2, 3, 5]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "run", PLAIN) as made:
        for record in searched():
            made.add_record(record)
        yield made


def answer(job: TrialJob) -> Outcome:
    """What a worker would send: an error for each seed."""
    record = record_of(job, error=0.5)
    replicates = tuple(Replicate(seed=s, objectives=record.objectives) for s in job.seeds)
    return Outcome(record=record.model_copy(update={"replicates": replicates}))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrialJob]:
    """Stands in for training in this process; keeps the jobs that came."""
    came: list[TrialJob] = []

    def local(session: Confirmer, show: object) -> None:
        while (job := session.next_job()) is not None:
            came.append(job)
            session.tell(answer(job))

    monkeypatch.setattr("itnet_nas.search.local_backend.run_local", local)
    return came


def plan(store: Store, steps: int = 3, count: int = 3) -> Confirmer:
    space = store.space.model_copy(update={"recipe": Recipe(steps=steps, batch_size=2, lr=0.01)})
    seeds = reporting_seeds(store.search.seed, count, taken_seeds(store))
    candidates = [one for one in store.records() if one.number in FINALISTS]
    plan_round(space, store.confirmations, store.search, candidates, seeds, "by rank alone")
    return Confirmer(space, store.confirmations, store.search)


def work(session: Confirmer, count: int = 100) -> list[TrialJob]:
    done: list[TrialJob] = []
    while len(done) < count and (job := session.next_job()) is not None:
        done.append(job)
        session.tell(answer(job))
    return done


def test_every_finalist_is_trained_under_all_fresh_seeds_in_one_job(store: Store) -> None:
    jobs = work(plan(store))

    seeds = reporting_seeds(store.search.seed, 3, ())
    keys = [record.key for record in store.records()]
    assert [keys.index(job.architecture.key) for job in jobs] == FINALISTS
    assert {job.seeds for job in jobs} == {seeds}
    assert {job.seed for job in jobs} == {seeds[0]}


def test_a_training_that_leaves_checkpoints_is_one_job_for_each_seed(store: Store) -> None:
    jobs = work(plan(store, steps=1_000))

    seeds = reporting_seeds(store.search.seed, 3, ())
    assert [job.seed for job in jobs] == list(seeds) * 5
    assert {job.seeds for job in jobs} == {()}
    folders = {job.checkpoint for job in jobs}
    assert len(folders) == 15
    assert all("checkpoints/confirm/" in str(folder) for folder in folders)


def test_a_training_reads_the_test_split_at_full_budget_and_keeps_no_weights(store: Store) -> None:
    job = plan(store).next_job()

    assert job is not None
    assert job.test
    assert job.recipe.steps == 3
    assert not job.keep_weights
    assert not job.probe
    assert job.proposed_by == "confirmation 1: by rank alone"


@given(st.integers(0, 2**31 - 1), st.sets(st.text(min_size=1), max_size=20), st.integers(1, 6))
def test_a_seed_that_reports_is_none_that_selects(seed: int, keys: set[str], count: int) -> None:
    taken = {trial_seed(seed, key) for key in keys} | set(paired_seeds(seed, 64))

    fresh = reporting_seeds(seed, count, taken)

    assert len(set(fresh)) == count
    assert not set(fresh) & taken


def test_a_fresh_seed_that_happens_to_be_taken_is_passed_over() -> None:
    first, second, third = reporting_seeds(5, 3, ())

    assert reporting_seeds(5, 2, {first}) == (second, third)


def test_seeds_of_the_search_of_certificates_and_of_earlier_rounds_are_taken(store: Store) -> None:
    certified = job_of(PLAIN, 0, chain(PLAIN, ["left", "left"]), seed=77)
    store.add_job(job_of(PLAIN, 9, chain(PLAIN, ["left", "left"]), seed=78))
    store.swaps.add_job(certified)
    earlier = work(plan(store))[0].seeds

    taken = taken_seeds(store)

    assert {77, 78, *earlier, *(record.seed for record in store.records())} <= taken
    assert set(paired_seeds(store.search.seed, 5)) <= taken


def test_what_was_planned_is_over_when_each_has_a_record(store: Store) -> None:
    session = plan(store)

    work(session)

    assert session.idle
    assert session.ended == "done"
    assert Confirmer(PLAIN, store.confirmations, store.search).next_job() is None


def test_a_confirmation_that_was_killed_goes_on_and_trains_nothing_twice(store: Store) -> None:
    before = plan(store)
    done = work(before, count=2)
    lost = before.next_job()
    assert lost is not None

    after = work(Confirmer(PLAIN, store.confirmations, store.search))

    assert after[0] == lost
    assert [job.number for job in (*done, *after)] == [0, 1, 2, 3, 4]
    assert len(store.confirmations.records()) == 5


def test_nothing_begins_after_the_deadline_and_the_rest_is_kept(store: Store) -> None:
    plan(store)
    times = iter([0.0, 1.0, 11.0, 11.0, 11.0])
    session = Confirmer(
        PLAIN, store.confirmations, store.search, seconds=10.0, clock=lambda: next(times)
    )

    assert len(work(session)) == 1
    assert len(store.confirmations.pending()) == 4


def test_progress_counts_what_was_planned(store: Store) -> None:
    session = plan(store)
    work(session, count=2)
    assert session.next_job() is not None

    progress = session.progress()

    assert (progress.done, progress.running, progress.total) == (2, 1, 5)


def test_a_lost_worker_costs_a_second_attempt_and_then_a_failure(store: Store) -> None:
    session = plan(store)
    first = session.next_job()
    assert first is not None

    session.lost(first.number, "its worker died")
    again = session.next_job()
    assert again is not None
    session.lost(again.number, "its worker died")

    assert (again.number, again.attempt) == (first.number, 2)
    assert session.failures == 1


def test_a_run_is_confirmed_and_the_records_of_the_search_stay_as_they_were(
    store: Store, trained: list[TrialJob]
) -> None:
    before = store.records()
    store.close()

    summary = confirm_run(store.folder, backend="local")

    assert summary.ended == "done"
    assert (summary.trials, summary.complete, summary.exit_code) == (5, 5, 0)
    assert len(trained) == 5
    with Store.open(store.folder) as after:
        assert after.records() == before


def test_a_second_confirmation_is_refused_with_the_count_of_reads(
    store: Store, trained: list[TrialJob]
) -> None:
    store.close()
    confirm_run(store.folder, backend="local")

    with pytest.raises(UsageError) as refused:
        confirm_run(store.folder, backend="local")

    assert str(refused.value) == (
        f"{store.folder} was confirmed already and the test split read 1 time; figures that are "
        f"read until they please are no longer honest. `itnet-nas pareto {store.folder}` shows "
        f"what was found; --again trains under other seeds, reads the test split once more, and "
        f"the count of reads says so"
    )


def test_again_takes_other_seeds_and_is_another_round(
    store: Store, trained: list[TrialJob]
) -> None:
    store.close()
    confirm_run(store.folder, backend="local")
    confirm_run(store.folder, seeds=2, again=True, backend="local")

    first, second = trained[0], trained[-1]
    assert len(second.seeds) == 2
    assert not set(first.seeds) & set(second.seeds)
    assert second.proposed_by.startswith("confirmation 2: the first two fronts, and what is within")
    with Store.open(store.folder) as after:
        assert after.confirmations.rounds() == 2


def test_a_round_that_was_interrupted_goes_on_with_the_seeds_that_it_began_with(
    store: Store, trained: list[TrialJob]
) -> None:
    work(plan(store, count=4), count=2)
    store.close()

    with pytest.raises(UsageError, match="was begun with 4 seeds and is not finished"):
        confirm_run(store.folder, seeds=3, backend="local")
    said: list[str] = []
    confirm_run(store.folder, backend="local", planned=said.append)

    assert len(trained) == 3
    assert {len(job.seeds) for job in trained} == {4}
    assert said == [
        "confirmation 1: 5 candidates under 4 fresh seeds each, 20 trainings, 8 of them done; "
        "candidates are by rank alone"
    ]


def test_a_round_of_single_seeds_is_told_in_the_same_words(store: Store) -> None:
    plan(store, steps=1_000)

    assert plan_in_words(store.confirmations).startswith(
        "confirmation 1: 5 candidates under 3 fresh seeds each, 15 trainings; "
    )


def test_a_round_whose_trainings_fail_is_not_tried_for_ever(store: Store) -> None:
    session = plan(store)
    while (job := session.next_job()) is not None:
        session.tell(Outcome(record=record_of(job, failure=FAILURE)))

    assert session.ended == "done"
    assert not store.confirmations.pending()


def test_without_a_complete_trial_there_is_nothing_to_confirm(
    tmp_path: Path, trained: list[TrialJob]
) -> None:
    families = TRIALS[6][0]
    failed: TrialRecord = record_of(job_of(PLAIN, 0, chain(PLAIN, families)), failure=FAILURE)
    with Store.create(tmp_path, PLAIN) as made:
        made.add_record(failed)

    with pytest.raises(InfeasibleError, match=r"no trial of .* is complete, so there is nothing"):
        confirm_run(tmp_path, backend="local")
    assert trained == []


def test_a_run_that_somebody_else_writes_to_is_left_alone(
    store: Store, trained: list[TrialJob]
) -> None:
    with pytest.raises(RunError):
        confirm_run(store.folder, backend="local")

    assert trained == []
    assert store.confirmations.jobs() == []
