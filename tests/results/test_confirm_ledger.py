"""The front again, under fresh seeds: what a run keeps of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from support.tiny import chain, job_of, record_of, tiny_space

from itnet_nas.errors import SearchEnded
from itnet_nas.results.confirm_ledger import called, rounds, rule_of, trainings
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import Replicate, TrialError
from itnet_nas.results.store import Store

SPACE = tiny_space()


def job(number: int, round_: int = 1, **changes: object) -> TrialJob:
    made = job_of(SPACE, number, chain(SPACE, ["left", "right"]), seed=10 + number)
    return made.model_copy(update={"proposed_by": called(round_, "rank alone"), **changes})


def test_a_round_that_is_planned_is_what_is_left_to_do(tmp_path: Path) -> None:
    with Store.create(tmp_path, SPACE) as store:
        store.confirmations.plan([job(0, seeds=(1, 2, 3)), job(1)])

        assert store.confirmations.pending() == [job(0, seeds=(1, 2, 3)), job(1)]
        assert store.confirmations.left() == 4
        assert store.pending() == []


def test_a_plan_that_cannot_be_kept_whole_is_not_kept_at_all(tmp_path: Path) -> None:
    with Store.create(tmp_path, SPACE) as store:
        with pytest.raises(sqlite3.IntegrityError):
            store.confirmations.plan([job(0), job(1), job(1)])

        assert store.confirmations.jobs() == []


def test_a_full_disk_is_named_when_the_plan_cannot_be_kept(tmp_path: Path) -> None:
    with Store.create(tmp_path, SPACE) as store:
        (pages,) = store._db.execute("PRAGMA page_count").fetchone()
        store._db.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(SearchEnded) as ended:
            store.confirmations.plan([job(number) for number in range(500)])

        assert str(ended.value) == (
            f"the plan of the confirmation could not be written to {tmp_path}: database or disk "
            f"is full; make room, then `itnet-nas confirm {tmp_path}`; every earlier trial is safe"
        )
        assert store.confirmations.jobs() == []


def test_rounds_are_counted_by_what_proposed_their_trainings(tmp_path: Path) -> None:
    with Store.create(tmp_path, SPACE) as store:
        assert store.confirmations.rounds() == 0
        store.confirmations.plan([job(0), job(1)])
        store.confirmations.plan([job(2, 2)])

        assert store.confirmations.rounds() == 2


def test_another_source_of_proposals_is_no_round() -> None:
    assert rounds(["random", called(1, "a"), called(1, "b"), "certificate"]) == 1


def test_the_rule_is_that_of_the_newest_round() -> None:
    old, new = job(0).model_copy(update={"proposed_by": called(1, "first: by rank")}), job(1, 2)

    assert rule_of([record_of(new), record_of(old)]) == "rank alone"
    assert rule_of([record_of(old)]) == "first: by rank"
    assert rule_of([]) == ""


def test_a_record_of_one_training_speaks_of_that_one() -> None:
    record = record_of(job(0), error=0.25)
    record = record.model_copy(update={"figures": {"test_error": 0.3, "params": 5.0}})

    (one,) = trainings(record)

    assert one == Replicate(seed=10, objectives=record.objectives, test={"error": 0.3})


def test_a_record_of_several_trainings_speaks_of_each() -> None:
    both = tuple(Replicate(seed=seed, objectives={"error": 0.1 * seed}) for seed in (1, 2))

    assert trainings(record_of(job(0)).model_copy(update={"replicates": both})) == both


def test_a_failed_record_speaks_of_none() -> None:
    assert trainings(record_of(job(0), failure=TrialError(kind="lost", message="gone"))) == ()
