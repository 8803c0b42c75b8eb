"""`Ledger`: jobs as they were handed out and records as their trials ended, in one SQLite file.

A job without a record is a trial that was interrupted. `add_record` returns when the record is on
disk; a record is written once.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, ClassVar, TypeVar

from pydantic import BaseModel, ValidationError

from itnet_nas.errors import RunError, SearchEnded
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import TrialRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

M = TypeVar("M", bound=BaseModel)


class Ledger:
    """Two tables of a run's database; whoever opened the connection closes it."""

    verb: ClassVar[str] = "resume"  # of the command that goes on where a full disk ended it

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self.table = ""  # what the names of its tables begin with
        self._db = connection

    def add_job(self, job: TrialJob) -> None:
        """Keep a job before it is handed out; a second attempt replaces the first."""
        with self._writing(f"the job of trial {job.number}"):
            self._db.execute(
                f"INSERT OR REPLACE INTO {self.table}jobs VALUES (?, ?)",
                (job.number, job.model_dump_json()),
            )

    def add_record(self, record: TrialRecord) -> None:
        """Keep a record before it is acted upon. A number that has one already is our mistake."""
        with self._writing(f"the record of trial {record.number}"):
            self._db.execute(
                f"INSERT INTO {self.table}records VALUES (?, ?)",
                (record.number, record.model_dump_json()),
            )

    def records(self) -> list[TrialRecord]:
        """Every record, by number."""
        return self._models(TrialRecord, f"SELECT json FROM {self.table}records ORDER BY number")

    def jobs(self) -> list[TrialJob]:
        """Every job, by number."""
        return self._models(TrialJob, f"SELECT json FROM {self.table}jobs ORDER BY number")

    def pending(self) -> list[TrialJob]:
        """Jobs that were handed out and have no record: in training, or interrupted."""
        return self._models(
            TrialJob,
            f"SELECT json FROM {self.table}jobs WHERE number NOT IN "
            f"(SELECT number FROM {self.table}records) ORDER BY number",
        )

    def _one(self, query: str) -> str:
        found = self._all(query)
        if not found:
            raise self._damaged("a table is empty")
        return found[0]

    def _all(self, query: str) -> list[str]:
        try:
            return [str(text) for (text,) in self._db.execute(query)]
        except sqlite3.Error as error:
            raise self._damaged(str(error)) from error

    def _models(self, model: type[M], query: str) -> list[M]:
        return [self._read(model, text) for text in self._all(query)]

    def _read(self, model: type[M], text: str) -> M:
        try:
            return model.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "its text"
            raise self._damaged(f"a {model.__name__}: {place}: {first['msg']}") from error

    def _damaged(self, what: str) -> RunError:
        return RunError(
            f"{self.folder / 'run.sqlite'} is damaged ({what}); restore a copy of it, or start a "
            f"new run"
        )

    @contextlib.contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        try:
            with self._db:
                yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise no_room(what, self.folder, error, self.verb) from error


def no_room(what: str, folder: Path, error: Exception, verb: str = "resume") -> SearchEnded:
    """The error for what could not be written."""
    return SearchEnded(
        f"{what} could not be written to {folder}: {error}; make room, then "
        f"`itnet-nas {verb} {folder}`; every earlier trial is safe"
    )
