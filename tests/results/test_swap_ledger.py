"""What certificates trained, kept beside a search and apart from it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from support.tiny import chain, job_of, record_of, tiny_space

from itnet_nas.errors import SearchEnded
from itnet_nas.results.store import Store
from itnet_nas.results.swap_ledger import CertificateRequest


def test_the_trainings_of_a_certificate_are_no_trials_of_the_search(tmp_path: Path) -> None:
    space = tiny_space()
    job = job_of(space, 0, chain(space, ["left", "right"]))
    with Store.create(tmp_path, space) as store:
        store.swaps.add_job(job)
        store.swaps.add_record(record_of(job))

        assert store.swaps.records() == [record_of(job)]
        assert store.records() == []
        assert store.pending() == []


def test_the_newest_request_of_a_trial_counts_and_comes_last(tmp_path: Path) -> None:
    with Store.create(tmp_path, tiny_space()) as store:
        for trial, seeds in ((3, 3), (5, 4), (3, 6)):
            store.swaps.request(CertificateRequest(trial=trial, seeds=seeds))

        requests = store.swaps.requests()

    assert list(requests) == [5, 3]
    assert requests[3].seeds == 6


def test_a_run_from_before_certificates_reads_as_empty_and_can_be_certified(
    tmp_path: Path,
) -> None:
    Store.create(tmp_path, tiny_space()).close()
    with sqlite3.connect(tmp_path / "run.sqlite") as db:
        for table in ("certificates", "swap_jobs", "swap_records"):
            db.execute(f"DROP TABLE {table}")

    with Store.open(tmp_path) as reader:
        assert reader.swaps.records() == []
        assert reader.swaps.requests() == {}
    with Store.open(tmp_path, write=True) as writer:
        writer.swaps.request(CertificateRequest(trial=0))
        assert list(writer.swaps.requests()) == [0]


def test_a_full_disk_is_named_when_a_request_cannot_be_kept(tmp_path: Path) -> None:
    def ask_on() -> None:
        for _ in range(500):
            store.swaps.request(CertificateRequest(trial=7))

    with Store.create(tmp_path, tiny_space()) as store:
        (pages,) = store._db.execute("PRAGMA page_count").fetchone()
        store._db.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(SearchEnded, match="the request for a certificate of trial 7 could not"):
            ask_on()
