"""`Controller`: what to train next, and what to do with what comes back. No Ray, no torch.

A backend asks `next_job` whenever a worker is free and hands every outcome to `tell`; the two
calls come from one thread. Everything is written to the store before it is acted upon, so a
controller killed at any moment is replaced by a new one on the same store:

    ask  -> job on disk    -> handed out          a job without a record is run again
    tell -> weights, record on disk -> next ask   a record is never lost and never made twice
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Literal, final

from itnet_nas.analysis.pareto import front
from itnet_nas.arch.cost import costs
from itnet_nas.arch.genotype import bias_of
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import Outcome, TrialError, TrialRecord, TrialState
from itnet_nas.search.progress import Progress
from itnet_nas.space.constraint import Constraint
from itnet_nas.space.space import MEASURED_COSTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.store import Store
    from itnet_nas.search.searcher import Searcher
    from itnet_nas.space.space import Space
    from itnet_nas.space.spec import SearchSpec

Ended = Literal["done", "budget", "exhausted", "interrupted", "failures"]

ATTEMPTS = 2  # a job whose worker is lost this often is a failed trial
MIN_FAILURES = 8  # so many failures, and more than half of all trials: something is wrong
CHECKPOINT_FROM = 1_000  # steps; a shorter trial is cheaper to run again than to checkpoint


@final
class Controller:
    """The budget, the queue and the log of one session."""

    def __init__(
        self,
        space: Space,
        store: Store,
        searcher: Searcher,
        search: SearchSpec,
        *,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.space = space
        self.store = store
        self.searcher = searcher
        self.search = search
        self.workers = 1
        self.note = ""
        self.interrupted = False
        self._clock = clock
        self._started = clock()
        self._deadline = None if seconds is None else self._started + seconds
        self._records = {record.number: record for record in store.records()}
        self._queue = deque(store.pending())
        self._running: dict[int, TrialJob] = {}
        self._numbers = max((job.number for job in store.jobs()), default=-1) + 1
        self._found_before = len(self._records)
        self._exhausted = False
        self._constraints = [
            one for one in map(Constraint.parse, space.constraints) if not one.computed
        ]

    # What a backend calls

    def next_job(self) -> TrialJob | None:
        """The next job, already on disk; None when nothing is to be handed out any more."""
        if self.interrupted or self._too_many_failures:
            return None
        if self._queue:
            job = self._queue.popleft()
        else:
            fresh = self._ask()
            if fresh is None:
                return None
            job = fresh
        self.store.add_job(job)
        self._running[job.number] = job
        return job

    def tell(self, outcome: Outcome) -> None:
        """Keep what a trial left. A number that is not running is a late echo and is dropped."""
        record = self._judged(outcome.record)
        if self._running.pop(record.number, None) is None:
            return
        kept = self.search.keep_weights
        if outcome.weights is not None and record.complete and kept != "none":
            self.store.save_weights(record.number, outcome.weights)
        self.store.add_record(record)
        self._records[record.number] = record
        if kept == "front":
            self.store.drop_weights(but=[member.number for member in self.front()])
        shutil.rmtree(self.store.folder / "checkpoints" / str(record.number), ignore_errors=True)

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
        if self._numbers >= self.search.trials:
            return "done"
        if self._deadline is not None and self._clock() >= self._deadline:
            return "budget"
        return "exhausted" if self._exhausted else None

    def records(self) -> list[TrialRecord]:
        """Every record so far, by number."""
        return [self._records[number] for number in sorted(self._records)]

    def front(self) -> list[TrialRecord]:
        """The front so far."""
        return front(self.space, self.records())

    def progress(self) -> Progress:
        """A snapshot for the display."""
        records = self.records()
        best = front(self.space, records)
        elapsed = self._clock() - self._started
        ended = len(records) - self._found_before
        left = self.search.trials - len(records)
        quality = self.space.objectives[0]
        sign = 1 if quality.direction == "min" else -1
        return Progress(
            done=len(records),
            running=len(self._running),
            failed=sum(record.state is TrialState.FAILED for record in records),
            total=self.search.trials,
            workers=self.workers,
            front_size=len(best),
            elapsed=elapsed,
            eta=elapsed / ended * left if ended else None,
            best=min(
                (record.objectives for record in best),
                key=lambda figures: sign * figures[quality.name],
                default={},
            ),
            note=self.note,
        )

    # Inside

    @property
    def _too_many_failures(self) -> bool:
        session = list(self._records.values())[self._found_before :]
        failures = sum(record.state is TrialState.FAILED for record in session)
        return failures >= MIN_FAILURES and 2 * failures > len(session)

    def _ask(self) -> TrialJob | None:
        if self.ended is not None:
            return None
        number = self._numbers
        pending = [job.architecture for job in (*self._running.values(), *self._queue)]
        # A generator of its own per number: a proposal must not depend on how many came before in
        # this process, or a resumed run would propose something else.
        rng = Random(f"{self.search.seed}:{number}")
        architecture = self.searcher.ask(self.space, self.records(), pending, rng)
        if architecture is None:
            self._exhausted = True
            return None
        self._numbers += 1
        return self._job(number, architecture)

    def _job(self, number: int, architecture: Architecture) -> TrialJob:
        space = self.space
        wanted = {objective.name for objective in space.objectives}
        for constraint in self._constraints:
            wanted |= set(constraint.names)
        families = {layer.family for layer in architecture.layers}
        long = space.recipe.steps >= CHECKPOINT_FROM
        return TrialJob(
            number=number,
            proposed_by=self.searcher.name,
            architecture=architecture,
            bias=bias_of(space, architecture),
            task=space.task,
            task_origin=space.task_origin,
            data=space.facts.data,
            kernel_origins={name: space.kernel_origins[name] for name in sorted(families)},
            recipe=space.recipe,
            seed=trial_seed(self.search.seed, architecture.key),
            objectives=space.objectives,
            costs=costs(space, architecture),
            measure=tuple(name for name in MEASURED_COSTS if name in wanted),
            threads=self.search.cpus_per_trial,
            keep_weights=self.search.keep_weights != "none",
            checkpoint=str((self.store.folder / "checkpoints" / str(number)).absolute())
            if long
            else None,
            checkpoint_every=space.recipe.steps // 10 if long else 0,
        )

    def _judged(self, record: TrialRecord) -> TrialRecord:
        if not record.complete:
            return record
        figures = {**record.figures, **record.objectives}
        if all(constraint.holds(figures) for constraint in self._constraints):
            return record
        return record.model_copy(update={"state": TrialState.INFEASIBLE})


def trial_seed(seed: int, key: str) -> int:
    """A seed of its own for every architecture of a search: 31 bits of blake2b(seed, key)."""
    text = f"{seed}:{key}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest()) >> 1
