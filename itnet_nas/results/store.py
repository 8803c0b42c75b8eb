"""`Store`: a run's folder. One writer, any number of readers, nothing that needs a plugin.

    run.sqlite    space (every revision), jobs as they were handed out, records as trials ended;
                  the same of what was trained beside the search (`side_ledger`)
    weights/      one file per trial whose weights are kept
    checkpoints/  of trials in progress
    lock          held by the one process that writes; the system frees it when that process dies

SQLite in WAL mode: a reader sees whole records only and never holds up the writer. Resuming a run
is running the jobs again that have no record (`ledger`), then asking for more.

Keep a run on a local disk: SQLite's locks are not to be trusted on network file systems.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any, final

from itnet_nas.errors import RunError
from itnet_nas.results.confirm_ledger import ConfirmLedger
from itnet_nas.results.ledger import Ledger, no_room
from itnet_nas.results.lock import take_lock
from itnet_nas.results.side_ledger import SIDE_TABLES, SideLedger
from itnet_nas.results.swap_ledger import CERTIFICATES, SwapLedger
from itnet_nas.results.taken import NOTHING, Taken
from itnet_nas.space.space import Space
from itnet_nas.space.spec import SearchSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from itnet_nas.results.job import TrialJob

SCHEMA = """
CREATE TABLE spaces   (revision INTEGER PRIMARY KEY, json TEXT NOT NULL, source TEXT NOT NULL);
CREATE TABLE sessions (number INTEGER PRIMARY KEY, search TEXT NOT NULL, stamp TEXT NOT NULL);
CREATE TABLE jobs     (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE records  (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
"""
LATER = SIDE_TABLES + CERTIFICATES  # tables that runs of this version may lack
VERSION = 1


@final
class Store(Ledger):
    """The ledger of one search and all that is needed to resume it.

    Use `create` for a new run and `open` for one that exists; both are context managers.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, lock: int | None) -> None:
        super().__init__(folder, connection)
        self.swaps = SwapLedger(self)
        self.confirmations = ConfirmLedger(self)
        self.baseline = SideLedger(self, "baseline")
        self.rungs = SideLedger(self, "rung")
        self.priors = SideLedger(self, "prior")
        self._lock = lock

    @classmethod
    def create(
        cls,
        folder: Path,
        space: Space,
        source: str = "",
        stamp: dict[str, Any] | None = None,
        jobs: Iterable[TrialJob] = (),
        taken: Taken = NOTHING,
    ) -> Store:
        """Make a run; its first trials will be `jobs`. It holds what it takes over, or is not made.

        Raises RunError when the folder holds one already or cannot be written.
        """
        database = folder / "run.sqlite"
        if database.exists():
            with cls.open(folder) as there:
                raise RunError(
                    f'{folder} already holds a run of "{there.space.name}" with '
                    f"{len(there.records())} trials; continue it with "
                    f"`itnet-nas resume {folder}`, or name another folder with --run"
                )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = take_lock(folder)
            try:
                # Built under another name, so that a run that exists is a run that is whole.
                half = folder / "run.sqlite.new"
                half.unlink(missing_ok=True)
                with contextlib.closing(sqlite3.connect(half)) as db, db:
                    _build(db, space, source, stamp or {}, jobs, taken)
                _copy_weights(taken.weights, folder / "weights")
                half.replace(database)
            except BaseException:
                if lock is not None:
                    os.close(lock)
                raise
        except (OSError, sqlite3.Error) as error:
            raise RunError(f"the run's folder {folder} cannot be written: {error}") from error
        return cls(folder, _connect(database, write=True), lock)

    @classmethod
    def open(cls, folder: Path, write: bool = False) -> Store:
        """Open a run. Raises RunError when there is none, or another process is writing to it."""
        database = folder / "run.sqlite"
        if not database.exists():
            raise RunError(
                f"there is no run in {folder}: it has no run.sqlite; "
                f"start one with `itnet-nas search FILE --run {folder}`"
            )
        lock = take_lock(folder) if write else None
        try:
            connection = _connect(database, write)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise RunError(f"{database} cannot be read: {error}") from error
        if version != VERSION:
            connection.close()
            raise RunError(
                f"{database} has format {version}, this version of itnet-nas reads {VERSION}; "
                f"open it with the version that wrote it"
            )
        return cls(folder, connection, lock)

    def close(self) -> None:
        """Let go of the files and the lock."""
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # What the run is

    @property
    def name(self) -> str:
        """The name of the space."""
        return self.space.name

    @property
    def space(self) -> Space:
        """The newest revision of the space, with the settings of the newest session."""
        space = self._read(Space, self._one("SELECT json FROM spaces ORDER BY revision DESC"))
        return space.model_copy(update={"search": self.search})

    @property
    def source(self) -> str:
        """The text of the file that the newest revision came from."""
        return self._one("SELECT source FROM spaces ORDER BY revision DESC")

    @property
    def search(self) -> SearchSpec:
        """The settings of the newest session."""
        newest = self._one("SELECT search FROM sessions ORDER BY number DESC")
        return self._read(SearchSpec, newest)

    @property
    def stamp(self) -> dict[str, Any]:
        """Versions, command, machine and start of the first session; `sessions` counts them all."""
        rows = self._all("SELECT stamp FROM sessions ORDER BY number")
        first: dict[str, Any] = json.loads(rows[0])
        return {**first, "sessions": len(rows)}

    def extend(self, space: Space, source: str) -> None:
        """Add a revision of the space; old records stay."""
        with self._writing("the new revision of the space"):
            self._db.execute(
                "INSERT INTO spaces SELECT MAX(revision) + 1, ?, ? FROM spaces",
                (space.model_dump_json(), source),
            )

    def add_session(self, search: SearchSpec, stamp: dict[str, Any]) -> None:
        """Note that the run goes on, with which settings."""
        with self._writing("the session"):
            self._db.execute(
                "INSERT INTO sessions SELECT MAX(number) + 1, ?, ? FROM sessions",
                (search.model_dump_json(), json.dumps(stamp)),
            )

    # Weights

    def weights(self, number: int) -> bytes | None:
        """The state dict of a trial as `torch.save` wrote it; None where it was not kept."""
        path = self._weights(number)
        return path.read_bytes() if path.exists() else None

    def save_weights(self, number: int, weights: bytes) -> None:
        """Keep the weights of a trial; a reader never sees half a file."""
        path = self._weights(number)
        try:
            path.parent.mkdir(exist_ok=True)
            half = path.with_suffix(".new")
            half.write_bytes(weights)
            half.replace(path)
        except OSError as error:
            raise no_room(f"the weights of trial {number}", self.folder, error) from error

    def drop_weights(self, but: Iterable[int]) -> None:
        """Remove the weights of every trial that is not named."""
        kept = {self._weights(number).name for number in but}
        for path in (self.folder / "weights").glob("*.pt"):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def weights_file(self, number: int) -> Path | None:
        """The file of these weights, for whoever copies it; None where they were not kept."""
        path = self._weights(number)
        return path if path.exists() else None

    def _weights(self, number: int) -> Path:
        return self.folder / "weights" / f"{number}.pt"


def _build(
    db: sqlite3.Connection,
    space: Space,
    source: str,
    stamp: dict[str, Any],
    jobs: Iterable[TrialJob],
    taken: Taken,
) -> None:
    db.executescript(f"PRAGMA user_version = {VERSION}; {SCHEMA}; {LATER}")
    db.execute("INSERT INTO spaces VALUES (0, ?, ?)", (space.model_dump_json(), source))
    settings = space.search.model_dump_json()
    db.execute("INSERT INTO sessions VALUES (0, ?, ?)", (settings, json.dumps(stamp)))
    for table, rows in (
        ("jobs", jobs),
        ("records", taken.results),
        ("prior_records", taken.priors),
    ):
        db.executemany(
            f"INSERT INTO {table} VALUES (?, ?)",
            ((row.number, row.model_dump_json()) for row in rows),
        )


def _copy_weights(weights: Mapping[int, Path], folder: Path) -> None:
    """Weights of a run that is being made; those of an attempt that was cut short go."""
    for path in folder.glob("*.pt"):
        path.unlink()
    for number, path in weights.items():
        folder.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / f"{number}.pt")


def _connect(database: Path, write: bool) -> sqlite3.Connection:
    if write:
        # The controller writes from one thread at a time, but not always from the one that opened.
        connection = sqlite3.connect(database, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if database.stat().st_size:
            connection.executescript(LATER)  # an older run may have none of them
    else:
        uri = f"{database.absolute().as_uri()}?mode=ro"
        if not os.access(database.parent, os.W_OK):
            uri += "&immutable=1"  # WAL needs a shared-memory file beside the database
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 10000")
    return connection
