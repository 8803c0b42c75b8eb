"""Trials that wait: through kills, lost workers, late echoes and changed minds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.curves import STEPS, alike, go_on, halving_space, train, whole_run

from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import TrialRecord, TrialState
from itnet_nas.results.store import Store
from itnet_nas.search.controller import Controller
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.strategies import strategy


def told(records: list[TrialRecord]) -> list[dict[str, Any]]:
    """All of them that a second run must give again."""
    return [record.reproducible() for record in records]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "run", halving_space(trials=40)) as made:
        yield made


def pause_one(store: Store) -> tuple[Controller, TrialJob]:
    """A search whose 25 first trials have ended, and whose next one waits."""
    one = go_on(store, RandomSearcher(), jobs=25)
    last = one.wanted[0]
    one.tell(train(last, alike, 24.0))
    job = one.next_job()
    assert job is not None
    assert job.stop_at == 34
    # It is worse than all of the others, so it will wait.
    one.tell(train(job, lambda job, step: 1.5, 25.0))
    return one, job


def test_a_pause_is_on_disk_and_no_result(store: Store) -> None:
    one, job = pause_one(store)

    (rung,) = store.rungs.records()
    assert (rung.number, rung.key, rung.steps) == (2 * 25, job.architecture.key, 34)
    assert rung.state is TrialState.STOPPED
    assert len(store.records()) == 25
    assert [waiting.number for waiting in store.pending()] == [25]
    assert one.progress().paused == 1


def test_a_paused_trial_holds_no_worker_and_keeps_its_checkpoint(store: Store) -> None:
    one = go_on(store, RandomSearcher(), jobs=25)
    one.tell(train(one.wanted[0], alike, 24.0))
    job = one.next_job()
    assert job is not None
    assert job.checkpoint is not None
    left = Path(job.checkpoint)
    left.mkdir(parents=True)

    one.tell(train(job, lambda job, step: 1.5, 25.0))

    assert one.running == []
    assert left.exists()
    while (job := one.next_job()) is not None:
        one.tell(train(job, alike, 30.0))
    assert store.records()[25].state is TrialState.STOPPED
    assert not left.exists()


def test_a_new_session_finds_the_same_trials_waiting(store: Store) -> None:
    pause_one(store)

    again = Controller(store.space, store, RandomSearcher(), store.space.search)

    job = again.next_job()
    assert job is not None
    assert job.number == 26
    assert again.progress().paused == 1


@pytest.mark.parametrize("rungs", [1, 2])
@pytest.mark.parametrize("name", ["random", "evolution"])
def test_a_run_that_is_killed_again_and_again_is_the_run_that_was_not(
    tmp_path: Path, name: str, rungs: int
) -> None:
    space = halving_space(trials=50, strategy=name, rungs=rungs)
    whole_run(tmp_path / "whole", space, strategy(name))
    with Store.create(tmp_path / "parts", space):
        pass
    ended = None
    while ended is None:
        with Store.open(tmp_path / "parts", write=True) as store:
            # What was handed out last is lost with the process.
            one = go_on(store, strategy(name), jobs=7)
            ended = one.ended

    with Store.open(tmp_path / "whole") as whole, Store.open(tmp_path / "parts") as parts:
        assert told(parts.records()) == told(whole.records())
        assert told(parts.rungs.records()) == told(whole.rungs.records())


def test_nothing_is_trained_twice_by_a_killed_run_with_many_workers(tmp_path: Path) -> None:
    space = halving_space(trials=50)
    with Store.create(tmp_path / "run", space):
        pass
    ended = None
    while ended is None:
        with Store.open(tmp_path / "run", write=True) as store:
            ended = go_on(store, RandomSearcher(), workers=4, jobs=9).ended

    with Store.open(tmp_path / "run") as store:
        records, rungs = store.records(), store.rungs.records()
    assert [record.number for record in records] == list(range(50))
    assert len({record.key for record in records}) == 50
    assert len({rung.key for rung in rungs}) == len(rungs)


def test_a_session_killed_while_it_leaves_trials_behind_leaves_the_rest_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = store.add_record

    def kill(record: TrialRecord) -> None:
        written(record)
        if record.state is TrialState.STOPPED:
            raise KeyboardInterrupt

    monkeypatch.setattr(store, "add_record", kill)
    with pytest.raises(KeyboardInterrupt):
        go_on(store, RandomSearcher())
    monkeypatch.undo()
    assert len(store.records()) < 40

    again = go_on(store, RandomSearcher())

    assert again.ended == "done"
    assert [record.number for record in store.records()] == list(range(40))


def test_a_trial_that_went_on_and_lost_its_worker_goes_on_once_more(store: Store) -> None:
    one = go_on(store, RandomSearcher(), jobs=25)
    one.tell(train(one.wanted[0], alike, 24.0))
    job = one.next_job()
    assert job is not None
    one.tell(train(job, lambda job, step: 0.0, 25.0))  # the best of all
    promoted = one.next_job()
    assert promoted is not None

    one.lost(25, "its worker died")
    again = one.next_job()

    assert (promoted.number, promoted.stop_at, promoted.attempt) == (25, None, 1)
    assert again == promoted.model_copy(update={"attempt": 2})
    assert promoted.checkpoint == job.checkpoint


def test_a_late_echo_of_a_pause_does_not_end_the_trial_that_went_on(store: Store) -> None:
    one = go_on(store, RandomSearcher(), jobs=25)
    one.tell(train(one.wanted[0], alike, 24.0))
    job = one.next_job()
    assert job is not None
    paused = train(job, lambda job, step: 0.0, 25.0)
    one.tell(paused)
    promoted = one.next_job()
    assert promoted is not None

    one.tell(paused)

    assert one.running == [25]
    one.tell(train(promoted, alike, 26.0))
    assert store.records()[25].complete


def test_the_time_of_a_trial_is_that_of_all_its_parts(store: Store) -> None:
    one = go_on(store, RandomSearcher(), jobs=25)
    one.tell(train(one.wanted[0], alike, 24.0))
    job = one.next_job()
    assert job is not None
    one.tell(train(job, lambda job, step: 0.0, 25.0))
    promoted = one.next_job()
    assert promoted is not None
    one.tell(train(promoted, alike, 90.0))

    record = store.records()[25]

    assert (record.started, record.seconds, record.steps) == (25.0, 2.0, STEPS)


def test_weights_are_kept_of_complete_trials_alone(tmp_path: Path) -> None:
    space = halving_space(trials=40, keep_weights="all")
    whole_run(tmp_path / "run", space, RandomSearcher())

    with Store.open(tmp_path / "run") as store:
        kept = [record.number for record in store.records() if store.weights(record.number)]
        complete = [record.number for record in store.records() if record.complete]
    assert kept == complete


def test_an_interrupted_search_leaves_its_paused_trials_waiting(store: Store) -> None:
    one, _ = pause_one(store)

    one.interrupt()

    assert one.next_job() is None
    assert one.idle
    assert one.ended == "interrupted"
    assert [job.number for job in store.pending()] == [25]


def test_a_search_whose_time_is_spent_leaves_its_paused_trials_waiting(store: Store) -> None:
    pause_one(store)
    one = Controller(
        store.space, store, RandomSearcher(), store.space.search, seconds=0.0, clock=lambda: 1.0
    )

    assert one.next_job() is None
    assert one.ended == "budget"
    assert [job.number for job in store.pending()] == [25]


def test_without_halving_what_waits_goes_on_in_full(store: Store) -> None:
    pause_one(store)
    plain = store.space.search.changed(halving=False)
    one = Controller(store.space, store, RandomSearcher(), plain)

    first, second = one.next_job(), one.next_job()

    assert first is not None
    assert second is not None
    assert (first.number, first.stop_at) == (25, None)
    assert (second.number, second.stop_at, second.measure_at) == (26, None, ())


def test_a_trial_that_waits_where_no_rung_is_any_more_goes_on_in_full(store: Store) -> None:
    pause_one(store)
    later = store.space.search.changed(halving={"first": 0.6})
    one = Controller(store.space, store, RandomSearcher(), later)
    while (job := one.next_job()) is not None:
        if job.number == 25:
            break
        one.tell(train(job, alike, 50.0))

    assert job is not None
    assert job.stop_at is None


def test_halving_may_begin_in_the_middle_of_a_run(tmp_path: Path) -> None:
    with Store.create(tmp_path / "run", halving_space(trials=30, halving=False)) as store:
        go_on(store, RandomSearcher())
        longer = store.space.search.changed(trials=60, halving=True)
        one = Controller(store.space, store, RandomSearcher(), longer)
        ways = []
        while (job := one.next_job()) is not None:
            ways.append((job.number, job.stop_at, job.measure_at))
            one.tell(train(job, alike, float(40 + len(ways))))

    # There are full trials enough, but none of them was measured on its way.
    assert ways[:6] == [
        *((number, None, (34,)) for number in range(30, 35)),
        (35, 34, ()),
    ]


def test_the_note_says_how_early_and_final_quality_agree(store: Store) -> None:
    one, _ = pause_one(store)

    note = one.progress().note

    assert note.startswith("Rank correlation of early and final quality: at step 34 0.9")
    assert note.endswith("25 trials)")


def test_nobody_goes_on_before_25_trials_are_complete(store: Store) -> None:
    more = store.space.search.changed(trials=80)
    one = Controller(store.space, store, RandomSearcher(), more)
    jobs = [one.next_job() for _ in range(27)]
    first = [job for job in jobs if job is not None and job.stop_at is None]
    for job in jobs:
        if job is not None and job.stop_at is not None:
            one.tell(train(job, lambda job, step: 0.01 * job.number, 0.0))

    for now, job in enumerate(first, start=1):
        following = one.next_job()
        assert following is not None
        assert following.number > 26
        one.tell(train(job, alike, float(now)))

    going_on = one.next_job()
    assert going_on is not None
    assert (len(first), going_on.number, going_on.stop_at) == (25, 25, None)
