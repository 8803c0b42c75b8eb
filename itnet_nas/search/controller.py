"""`Controller`: the session of a search. A strategy says what to train next, a front what is kept.

Weights are on disk before the record that speaks of them.
"""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, ClassVar, final

from itnet_nas.analysis.pareto import front
from itnet_nas.results.record import Outcome
from itnet_nas.search.jobs import judged, make_job, measured_constraints
from itnet_nas.search.pauses import Pauses
from itnet_nas.search.progress import Progress
from itnet_nas.search.session import Session, trial_seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.results.store import Store
    from itnet_nas.search.searcher import Searcher
    from itnet_nas.space.space import Space
    from itnet_nas.space.spec import SearchSpec


@final
class Controller(Session):
    """One session of a search."""

    checkpoints: ClassVar[str] = "checkpoints"
    verb: ClassVar[str] = "resume"

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
        super().__init__(space, store, search, seconds=seconds, clock=clock)
        self.store = store
        self.searcher = searcher
        self._constraints = measured_constraints(space)
        self._priors = store.priors.records()
        self._imported = sum(bool(record.imported) for record in self._records.values())
        halving = space.model_copy(update={"search": search})
        self._pauses_of = Pauses(halving, store.rungs, self._queue)
        self._nothing_new = False

    def front(self) -> list[TrialRecord]:
        """The front so far."""
        return front(self.space, self.records())

    def progress(self) -> Progress:
        """A snapshot for the display."""
        records = self.records()
        best = front(self.space, records)
        quality = self.space.objectives[0]
        sign = 1 if quality.direction == "min" else -1
        done = len(records) - self._imported
        return Progress(
            done=done,
            running=len(self._running),
            failed=self.failures,
            total=self.search.trials,
            workers=self.workers,
            front_size=len(best),
            elapsed=self.elapsed,
            eta=self.eta(self.search.trials - done),
            best=min(
                (record.objectives for record in best),
                key=lambda figures: sign * figures[quality.name],
                default={},
            ),
            note="; ".join(filter(None, (self.note, self._pauses_of.note(records)))),
            paused=len(self._pauses_of.waiting),
        )

    @property
    def _full(self) -> bool:
        return self._all_given and not self._pauses_of.waiting

    @property
    def _all_given(self) -> bool:
        return self._numbers - self._imported >= self.search.trials

    def _ask(self) -> TrialJob | None:
        spent = self._nothing_new or self._all_given
        job = self._pauses_of.going_on(self.records(), self.wanted, nothing_new=spent)
        if job is None and not spent:
            job = self._new_job()
            self._nothing_new = job is None
            if job is None:
                return self._ask()  # now those that wait are all there is
        if job is None and not self.wanted:
            for record in self._pauses_of.leave_behind():
                self._end(record, Outcome(record=record))
            self._exhausted = self._nothing_new
        return job

    def _new_job(self) -> TrialJob | None:
        number = self._numbers
        pending = [job.architecture for job in self.wanted]
        # A generator of its own per number: a proposal must not depend on how many came before in
        # this process, or a resumed run would propose something else.
        rng = Random(f"{self.search.seed}:{number}")
        # A trial that pauses is no result yet, but its key is taken.
        mine = sorted([*self.records(), *self._pauses_of.stopped()], key=lambda one: one.number)
        known = [*self._priors, *mine]
        proposal = self.searcher.ask(self.space, known, pending, rng)
        if proposal is None:
            return None
        way = self._pauses_of.way_of(number, self.records(), self.wanted)
        return make_job(
            self.space,
            self.search,
            proposal.architecture,
            number=number,
            seed=trial_seed(self.search.seed, proposal.architecture.key),
            proposed_by=proposal.by,
            reason=proposal.why,
            checkpoint=self.checkpoint_of(number),
            keep_weights=self.search.keep_weights != "none",
            probe=self.search.probe,
            stop_at=way.stop_at,
            measure_at=way.measure_at,
        )

    def _is_echo(self, record: TrialRecord) -> bool:
        return self._pauses_of.knows(record)

    def _pauses(self, job: TrialJob, record: TrialRecord) -> bool:
        return self._pauses_of.keep(job, record)

    def _judged(self, record: TrialRecord) -> TrialRecord:
        return judged(self._pauses_of.whole(record), self._constraints)

    def _keep(self, record: TrialRecord, outcome: Outcome) -> None:
        kept = self.search.keep_weights
        if outcome.weights is not None and record.complete and kept != "none":
            self.store.save_weights(record.number, outcome.weights)
        super()._keep(record, outcome)
        if kept == "front":
            self.store.drop_weights(but=[member.number for member in self.front()])
