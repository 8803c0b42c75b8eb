"""`Session`: jobs on their way out and outcomes on their way back. No Ray, no torch.

A backend asks `next_job` whenever a worker is free and hands every outcome to `tell`; the two
calls come from one thread. Everything is written to the ledger before it is acted upon, so a
session killed at any moment is replaced by a new one on the same ledger:

    ask  -> job on disk    -> handed out          a job without a record is run again
    tell -> record on disk -> next ask            a record is never lost and never made twice

What to train next is for a subclass to say: a search, or a certificate.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Literal

from itnet_nas.results.record import Outcome, TrialError, TrialRecord, TrialState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.ledger import Ledger
    from itnet_nas.search.progress import Progress
    from itnet_nas.space.space import Space
    from itnet_nas.space.spec import SearchSpec

Ended = Literal["done", "budget", "exhausted", "interrupted", "failures"]

ATTEMPTS = 2  # a job whose worker is lost this often is a failed trial
MIN_FAILURES = 8  # so many failures, and more than half of all trials: something is wrong


class Session(ABC):
    """The budget, the queue and the log of one sitting."""

    checkpoints: ClassVar[str]  # the folder of checkpoints within the run's
    verb: ClassVar[str]  # of the command that goes on with it

    def __init__(
        self,
        space: Space,
        ledger: Ledger,
        search: SearchSpec,
        *,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.space = space
        self.ledger = ledger
        self.search = search
        self.workers = 1
        self.note = ""
        self.interrupted = False
        self._clock = clock
        self._started = clock()
        self._deadline = None if seconds is None else self._started + seconds
        self._records = {record.number: record for record in ledger.records()}
        self._queue = deque(ledger.pending())
        self._running: dict[int, TrialJob] = {}
        taken = [*(job.number for job in ledger.jobs()), *self._records]
        self._numbers = max(taken, default=-1) + 1
        self._found_before = len(self._records)
        self._exhausted = False

    # What a backend calls

    def next_job(self) -> TrialJob | None:
        """The next job, already on disk; None when there is nothing to hand out now."""
        if self.interrupted or self._too_many_failures:
            return None
        if self._queue:
            job = self._queue.popleft()
        else:
            fresh = self._ask() if self.ended is None else None
            if fresh is None:
                return None
            self._numbers = max(self._numbers, fresh.number + 1)
            job = fresh
        self.ledger.add_job(job)
        self._running[job.number] = job
        return job

    def tell(self, outcome: Outcome) -> None:
        """Keep what a trial left. A number that is not running is a late echo and is dropped."""
        record = self._judged(outcome.record)
        job = self._running.get(record.number)
        if job is None or self._is_echo(record):
            return
        del self._running[record.number]
        if self._pauses(job, record):
            return
        self._end(record, outcome)

    def lost(self, number: int, why: str, kind: str = "lost_worker") -> None:
        """A worker is gone, and with it the trial: once more, or a failure."""
        job = self._running.get(number)
        if job is None:
            return
        if job.attempt < ATTEMPTS:
            del self._running[number]
            self._queue.append(job.model_copy(update={"attempt": job.attempt + 1}))
            return
        message = f"{why}; tried {job.attempt} times"
        error = TrialError(kind=kind, message=message)
        self.tell(Outcome(record=job.record(state=TrialState.FAILED, error=error)))

    def interrupt(self) -> None:
        """Hand out nothing more; what is running may finish."""
        self.interrupted = True

    # How it stands

    @property
    def running(self) -> list[int]:
        """Numbers of the trials that are being trained."""
        return sorted(self._running)

    @property
    def idle(self) -> bool:
        """Whether nothing is running and nothing will be handed out: the session is over."""
        return not self._running and self.ended is not None

    @property
    def ended(self) -> Ended | None:
        """Why nothing more is handed out; None while there is more to do."""
        if self.interrupted:
            return "interrupted"
        if self._too_many_failures:
            return "failures"
        if self._queue:
            return None
        if self._full:
            return "done"
        if self._deadline is not None and self._clock() >= self._deadline:
            return "budget"
        return "exhausted" if self._exhausted else None

    @property
    def wanted(self) -> list[TrialJob]:
        """Jobs without a record: running, or queued to be run again."""
        return [*self._running.values(), *self._queue]

    def records(self) -> list[TrialRecord]:
        """Every record so far, by number."""
        return [self._records[number] for number in sorted(self._records)]

    def checkpoint_of(self, number: int) -> Path:
        """Where a long training of that number leaves its checkpoints."""
        return self.ledger.folder / self.checkpoints / str(number)

    @property
    def elapsed(self) -> float:
        """Seconds since the session began."""
        return self._clock() - self._started

    def eta(self, left: int) -> float | None:
        """Seconds until `left` more trials have ended; None until one has."""
        ended = len(self._records) - self._found_before
        return self.elapsed / ended * left if ended else None

    @property
    def failures(self) -> int:
        """How many trials failed."""
        return sum(record.state is TrialState.FAILED for record in self._records.values())

    @abstractmethod
    def progress(self) -> Progress:
        """A snapshot for the display."""

    # What a subclass says

    @property
    @abstractmethod
    def _full(self) -> bool:
        """Whether as many trials were handed out as there may be."""

    @abstractmethod
    def _ask(self) -> TrialJob | None:
        """A new job, or one of a trial that paused; None for none now, `_exhausted` for never."""

    def _end(self, record: TrialRecord, outcome: Outcome) -> None:
        self._keep(record, outcome)
        shutil.rmtree(self.checkpoint_of(record.number), ignore_errors=True)

    def _is_echo(self, record: TrialRecord) -> bool:
        """Whether this was told before, of a trial that is running once more."""
        del record
        return False

    def _pauses(self, job: TrialJob, record: TrialRecord) -> bool:
        """Whether the trial may go on later; then what it left is kept here, and its checkpoint."""
        del job, record
        return False

    def _judged(self, record: TrialRecord) -> TrialRecord:
        """The record as it is to be kept."""
        return record

    def _keep(self, record: TrialRecord, outcome: Outcome) -> None:
        """Write the record, and what belongs to it."""
        del outcome
        self.ledger.add_record(record)
        self._records[record.number] = record

    @property
    def _too_many_failures(self) -> bool:
        session = list(self._records.values())[self._found_before :]
        failures = sum(record.state is TrialState.FAILED for record in session)
        return failures >= MIN_FAILURES and 2 * failures > len(session)


def trial_seed(seed: int, key: str) -> int:
    """A seed of its own for every architecture of a search: 31 bits of blake2b(seed, key)."""
    text = f"{seed}:{key}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest()) >> 1


def paired_seeds(seed: int, count: int) -> tuple[int, ...]:
    """The seeds of every certificate of a run: none is that of a trial of the search."""
    return tuple(trial_seed(seed, f"certificate {index}") for index in range(count))
