"""A run's folder: what is on disk, who may write, and what a broken one says."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support.tiny import chain, job_of, record_of, tiny_space

from itnet_nas.errors import RunError, SearchEnded
from itnet_nas.results.job import TrialJob
from itnet_nas.results.store import Store
from itnet_nas.space.space import Space
from itnet_nas.space.spec import SearchSpec


def job(space: Space, number: int) -> TrialJob:
    return job_of(space, number, chain(space, ["left", "right"]))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    space = tiny_space()
    with Store.create(tmp_path / "run", space, "the text", {"python": "3.11"}) as store:
        store.add_job(job(space, 0))
        store.add_record(record_of(job(space, 0)))
        store.save_weights(0, b"weights")

    with Store.open(tmp_path / "run") as again:
        assert again.space == space
        assert again.source == "the text"
        assert again.stamp == {"python": "3.11", "sessions": 1}
        assert again.records() == [record_of(job(space, 0))]
        assert again.weights(0) == b"weights"
        assert again.weights(1) is None


def test_a_job_without_a_record_is_pending(tmp_path: Path) -> None:
    space = tiny_space()
    with Store.create(tmp_path, space) as store:
        for number in range(3):
            store.add_job(job(space, number))
        store.add_record(record_of(job(space, 1)))

        assert [one.number for one in store.pending()] == [0, 2]
        assert [one.number for one in store.jobs()] == [0, 1, 2]


def test_a_record_is_written_once(tmp_path: Path) -> None:
    space = tiny_space()
    with Store.create(tmp_path, space) as store:
        store.add_record(record_of(job(space, 0)))

        with pytest.raises(sqlite3.IntegrityError):
            store.add_record(record_of(job(space, 0), error=0.1))


def test_a_folder_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    space = tiny_space()
    folder = tmp_path / "run"
    with Store.create(folder, space) as store:
        store.add_record(record_of(job(space, 0)))

    with pytest.raises(RunError) as caught:
        Store.create(folder, space)

    assert str(caught.value) == (
        f'{folder} already holds a run of "tiny" with 1 trials; continue it with '
        f"`itnet-nas resume {folder}`, or name another folder with --run"
    )


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        Store.open(tmp_path)

    assert str(caught.value) == (
        f"there is no run in {tmp_path}: it has no run.sqlite; "
        f"start one with `itnet-nas search FILE --run {tmp_path}`"
    )


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path: Path) -> None:
    space = tiny_space()
    with Store.create(tmp_path, space) as store:
        with pytest.raises(RunError, match="another process is searching"):
            Store.open(tmp_path, write=True)
        store.add_record(record_of(job(space, 0)))

        with Store.open(tmp_path) as reader:
            assert len(reader.records()) == 1


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    space = tiny_space()
    Store.create(tmp_path, space).close()

    with Store.open(tmp_path) as reader, pytest.raises(SearchEnded):
        reader.add_record(record_of(job(space, 0)))


def test_the_lock_is_free_after_its_owner_was_killed(tmp_path: Path) -> None:
    Store.create(tmp_path, tiny_space()).close()
    code = (
        "import sys, time; from pathlib import Path; from itnet_nas.results.store import Store\n"
        "store = Store.open(Path(sys.argv[1]), write=True); print('open', flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        with pytest.raises(RunError):
            Store.open(tmp_path, write=True)
        os.kill(owner.pid, signal.SIGKILL)

    Store.open(tmp_path, write=True).close()


def test_records_written_before_a_kill_are_whole(tmp_path: Path) -> None:
    Store.create(tmp_path, tiny_space()).close()
    code = (
        "import sys, os; from pathlib import Path\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from itnet_nas.results.store import Store\n"
        "from itnet_nas.results.job import TrialJob\n"
        "from support.tiny import record_of\n"
        "job = TrialJob.model_validate_json(sys.argv[2])\n"
        "store = Store.open(Path(sys.argv[1]), write=True)\n"
        "for number in range(10**6):\n"
        "    store.add_record(record_of(job.model_copy(update={'number': number})))\n"
        "    print(number, flush=True)"
    )
    text = job(tiny_space(), 0).model_dump_json()
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), text], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(20):
            last = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)

    with Store.open(tmp_path) as store:
        numbers = [record.number for record in store.records()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > last


def test_a_full_disk_ends_the_search_with_a_way_out(tmp_path: Path) -> None:
    space = tiny_space()
    with Store.create(tmp_path, space) as store:
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")

        def fill() -> None:
            for number in range(1000):
                store.add_record(record_of(job(space, number)))

        with pytest.raises(SearchEnded) as caught:
            fill()

        assert str(caught.value) == (
            f"the record of trial {len(store.records())} could not be written to {tmp_path}: "
            f"database or disk is full; make room, then `itnet-nas resume {tmp_path}`; "
            f"every earlier trial is safe"
        )


def test_what_is_no_database_is_said_to_be_unreadable(tmp_path: Path) -> None:
    (tmp_path / "run.sqlite").write_text("not a database, " * 100)

    with pytest.raises(RunError, match="cannot be read"):
        Store.open(tmp_path)


def test_another_format_asks_for_the_version_that_wrote_it(tmp_path: Path) -> None:
    Store.create(tmp_path, tiny_space()).close()
    with sqlite3.connect(tmp_path / "run.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.raises(RunError, match=r"has format 99, this version of itnet-nas reads 1"):
        Store.open(tmp_path)


def test_weights_are_dropped_but_for_those_named(tmp_path: Path) -> None:
    with Store.create(tmp_path, tiny_space()) as store:
        for number in range(3):
            store.save_weights(number, b"w")

        store.drop_weights(but=[1])

        assert [store.weights(number) for number in range(3)] == [None, b"w", None]


def test_a_revision_and_a_session_are_added_and_the_first_stamp_stays(tmp_path: Path) -> None:
    with Store.create(tmp_path, tiny_space(), "old", {"command": "first"}) as store:
        store.extend(tiny_space(constraints=("flops <= 1e6",)), "new")
        store.add_session(SearchSpec(trials=99), {"command": "second"})

        assert store.space.constraints == ("flops <= 1e6",)
        assert store.source == "new"
        assert store.search.trials == 99
        assert store.stamp == {"command": "first", "sessions": 2}
