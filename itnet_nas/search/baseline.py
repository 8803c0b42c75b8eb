"""`BaselineSession`: random search with as many trials as the search had, to compare it with.

It proposes what `--strategy random` with the same seed proposes. What the search has trained
already under the same seed is not trained again: its record is taken over, so that one training is
one draw of luck for both. Seeds follow the rule of the search, and so do failures and constraints.
What is trained next is a pure function of its ledger: a baseline that was interrupted goes on.
"""

from __future__ import annotations

import time
from collections import deque
from random import Random
from typing import TYPE_CHECKING, ClassVar, final

from itnet_nas.results.record import TrialState
from itnet_nas.search.jobs import judged, make_job, measured_constraints
from itnet_nas.search.progress import Progress
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.session import Session, trial_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.ledger import Ledger
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space
    from itnet_nas.space.spec import SearchSpec

PHASE = "baseline"


@final
class BaselineSession(Session):
    """One session of a baseline.

    trials   the records of the search: as many trials are made, theirs taken over where they fit
    """

    checkpoints: ClassVar[str] = "checkpoints/baseline"
    verb: ClassVar[str] = "resume"

    def __init__(
        self,
        space: Space,
        ledger: Ledger,
        search: SearchSpec,
        trials: Sequence[TrialRecord],
        *,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(space, ledger, search, seconds=seconds, clock=clock)
        self._searcher = RandomSearcher()
        self._constraints = measured_constraints(space)
        self._budget = len(trials)
        # A trial that was halted early, or trained elsewhere, is not what a job here would leave.
        self._trained = {
            (record.key, record.seed): record
            for record in trials
            if record.state is not TrialState.STOPPED and not record.imported
        }
        self._queue = deque(job for job in self._queue if not self._is_taken_over(job))
        self._found_before = len(self._records)

    def take_over(self) -> None:
        """Take over what can be before anything is trained: perhaps no worker is needed at all."""
        job = self._ask() if self.ended is None and not self._queue else None
        if job is not None:
            self._numbers += 1
            self.ledger.add_job(job)
            self._queue.append(job)

    def progress(self) -> Progress:
        """A snapshot for the display."""
        done = len(self._records)
        return Progress(
            done=done,
            running=len(self._running),
            failed=self.failures,
            total=self._budget,
            workers=self.workers,
            front_size=0,
            elapsed=self.elapsed,
            eta=self.eta(self._budget - done),
            note=self.note,
            phase=PHASE,
        )

    @property
    def _full(self) -> bool:
        return self._numbers >= self._budget

    def _ask(self) -> TrialJob | None:
        while not self._full:
            job = self._proposed()
            if job is None:
                self._exhausted = True
                return None
            if not self._is_taken_over(job):
                return job
            self._numbers += 1
        return None

    def _proposed(self) -> TrialJob | None:
        number = self._numbers
        pending = [job.architecture for job in self.wanted]
        rng = Random(f"{self.search.seed}:{number}")
        proposal = self._searcher.ask(self.space, self.records(), pending, rng)
        if proposal is None:
            return None
        return make_job(
            self.space,
            self.search,
            proposal.architecture,
            number=number,
            seed=trial_seed(self.search.seed, proposal.architecture.key),
            proposed_by=proposal.by,
            checkpoint=self.checkpoint_of(number),
            keep_weights=False,
            probe=False,
        )

    def _is_taken_over(self, job: TrialJob) -> bool:
        """Whether the search has trained just this; then its record is in the ledger as well."""
        found = self._trained.get((job.architecture.key, job.seed))
        if found is None or (found.recipe, found.data) != (job.recipe, job.data):
            return False
        asked = {"number": job.number, "proposed_by": job.proposed_by}
        record = found.model_copy(update={**asked, "probe": {}, "probe_error": "", "reason": ""})
        self.ledger.add_job(job)
        self.ledger.add_record(record)
        self._records[job.number] = record
        return True

    def _judged(self, record: TrialRecord) -> TrialRecord:
        return judged(record, self._constraints)
