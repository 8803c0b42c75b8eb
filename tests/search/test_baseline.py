"""What a baseline trains, what it takes over, and how it goes on, without a backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tiny import chain, job_of, record_of, tiny_space

from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import Outcome, TrialError, TrialRecord, TrialState
from itnet_nas.results.store import Store
from itnet_nas.search.baseline import BaselineSession
from itnet_nas.search.controller import Controller
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.session import trial_seed
from itnet_nas.space.spec import SearchSpec

SEARCH = SearchSpec(strategy="evolution", trials=8, seed=3, baseline=True)
LAYERS = 4


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "run", tiny_space(LAYERS, SEARCH)) as made:
        yield made


def outcome(job: TrialJob) -> Outcome:
    return Outcome(record=record_of(job, error=(job.seed % 1000) / 1000))


def searched(store: Store, *, alike: int, trials: int = 8) -> list[TrialRecord]:
    """A search whose first `alike` trials are those that random search makes."""
    space = store.space
    with Store.create(store.folder / "random", space) as other:
        random = Controller(space, other, RandomSearcher(), SEARCH)
        for _ in range(trials):
            job = random.next_job()
            assert job is not None
            random.tell(outcome(job))
        drawn = other.records()
    records, taken = drawn[:alike], {record.key for record in drawn}
    rest = ("right", "middle", "left")
    for first in rest:
        for second in rest:
            architecture = chain(space, [first, second, "right", "right"])
            if len(records) < trials and architecture.key not in taken:
                seed = trial_seed(SEARCH.seed, architecture.key)
                records.append(record_of(job_of(space, len(records), architecture, seed)))
    for record in records:
        store.add_record(record)
    return records


def session(store: Store) -> BaselineSession:
    return BaselineSession(store.space, store.baseline, store.search, store.records())


def train(one: BaselineSession, most: int = 100) -> list[TrialJob]:
    """Let a backend of one worker work; returns what was trained."""
    done: list[TrialJob] = []
    while len(done) < most and (job := one.next_job()) is not None:
        done.append(job)
        one.tell(outcome(job))
    return done


def random_search(space_of: Store, folder: Path, trials: int) -> list[TrialRecord]:
    with Store.create(folder, space_of.space) as other:
        settings = SEARCH.changed(strategy="random", trials=trials)
        random = Controller(space_of.space, other, RandomSearcher(), settings)
        while (job := random.next_job()) is not None:
            random.tell(outcome(job))
        return random.records()


def test_as_many_trials_are_made_as_the_search_had(store: Store) -> None:
    searched(store, alike=0)
    one = session(store)

    train(one)

    assert one.ended == "done"
    assert len(store.baseline.records()) == 8


def test_the_baseline_is_what_random_search_with_that_seed_would_have_been(
    store: Store, tmp_path: Path
) -> None:
    searched(store, alike=3)

    train(session(store))

    alone = random_search(store, tmp_path / "alone", trials=8)
    assert [record.reproducible() for record in store.baseline.records()] == [
        record.reproducible() for record in alone
    ]


def test_what_the_search_has_trained_is_not_trained_again(store: Store) -> None:
    searched(store, alike=3)

    trained = train(session(store))

    assert [job.number for job in trained] == [3, 4, 5, 6, 7]
    assert [record.number for record in store.baseline.records()] == list(range(8))


def test_a_record_that_is_taken_over_says_that_it_was_drawn(store: Store) -> None:
    first = searched(store, alike=1)[0]
    proposed = first.model_copy(update={"proposed_by": "evolution", "number": 5})

    one = BaselineSession(store.space, store.baseline, SEARCH, [proposed])
    one.take_over()

    assert one.ended == "done"
    assert [(r.number, r.proposed_by) for r in store.baseline.records()] == [(0, "random")]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 99},
        {"imported": "runs/other"},
        {"state": TrialState.STOPPED},
        {"data": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_no_fair_trial_of_this_search_is_trained_anew(
    store: Store, change: dict[str, object]
) -> None:
    first = searched(store, alike=1)[0].model_copy(update=change)

    trained = train(BaselineSession(store.space, store.baseline, SEARCH, [first]))

    assert len(trained) == 1


def test_nothing_is_left_to_train_where_the_search_tried_all_of_it(store: Store) -> None:
    searched(store, alike=8)
    one = session(store)

    one.take_over()

    assert one.ended == "done"
    assert len(store.baseline.records()) == 8


def test_a_baseline_killed_at_any_moment_goes_on_where_it_stood(
    store: Store, tmp_path: Path
) -> None:
    searched(store, alike=2)
    for trained in (1, 2):
        killed = session(store)
        killed.take_over()
        train(killed, most=trained)
        assert killed.next_job() is not None  # handed out, and lost with its session

    train(session(store))

    alone = random_search(store, tmp_path / "alone", trials=8)
    assert [record.key for record in store.baseline.records()] == [one.key for one in alone]


def test_a_job_left_from_a_kill_between_job_and_record_is_taken_over(store: Store) -> None:
    trials = searched(store, alike=1)
    job = session(store)._proposed()
    assert job is not None
    store.baseline.add_job(job)

    one = BaselineSession(store.space, store.baseline, SEARCH, trials[:1])

    assert one.ended == "done"
    assert [record.key for record in store.baseline.records()] == [trials[0].key]


def test_a_longer_search_has_a_longer_baseline(store: Store) -> None:
    trials = searched(store, alike=0)
    train(BaselineSession(store.space, store.baseline, SEARCH, trials[:5]))

    trained = train(session(store))

    assert [job.number for job in trained] == [5, 6, 7]


def test_a_space_that_is_used_up_ends_the_baseline(tmp_path: Path) -> None:
    space = tiny_space(1, SEARCH)
    trials = [record_of(job_of(space, number, chain(space, ["left"]))) for number in range(5)]
    with Store.create(tmp_path / "small", space) as store:
        one = BaselineSession(space, store.baseline, SEARCH, trials)

        trained = train(one)

        assert len(trained) == 3
        assert one.ended == "exhausted"


def test_failures_are_trials_of_the_baseline(store: Store) -> None:
    searched(store, alike=0)
    one = session(store)
    error = TrialError(kind="non_finite", message="nan")
    for _ in range(2):
        job = one.next_job()
        assert job is not None
        one.tell(Outcome(record=record_of(job, failure=error)))

    train(one)

    assert [record.complete for record in store.baseline.records()] == [False] * 2 + [True] * 6
    assert one.progress().failed == 2


def test_a_constraint_that_was_measured_holds_for_the_baseline_too(tmp_path: Path) -> None:
    space = tiny_space(LAYERS, SEARCH, constraints=("latency_ms <= 1",))
    trials = [record_of(job_of(space, 0, chain(space, ["left"] * LAYERS)))]
    with Store.create(tmp_path / "run", space) as store:
        one = BaselineSession(space, store.baseline, SEARCH, trials)
        job = one.next_job()
        assert job is not None
        slow = record_of(job).model_copy(update={"figures": {"latency_ms": 2.0}})
        one.tell(Outcome(record=slow))

        assert store.baseline.records()[0].state is TrialState.INFEASIBLE


def test_a_baseline_is_a_phase_of_its_own(store: Store) -> None:
    searched(store, alike=0)
    one = session(store)
    one.next_job()

    progress = one.progress()

    assert (progress.phase, progress.done, progress.running, progress.total) == (
        "baseline",
        0,
        1,
        8,
    )


def test_weights_and_probes_of_a_baseline_are_not_wanted(store: Store) -> None:
    searched(store, alike=0)

    job = session(store).next_job()

    assert job is not None
    assert not job.keep_weights
    assert not job.probe
