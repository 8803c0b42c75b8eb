"""`Pauses`: the trials of a search that wait at a rung, and what their pauses left.

All of it can be read from the run: a trial pauses when its newest job stops at a rung of which it
left a record. So a search that is killed and resumed has the same trials waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from itnet_nas.analysis.halved import Halved, halved
from itnet_nas.results.record import TrialState
from itnet_nas.results.rungs import as_trial, rung_number, trial_of, waiting
from itnet_nas.search.halving import Way, going_on, way_of

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Collection, Sequence

    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.ledger import Ledger
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


@final
class Pauses:
    """Kept by the controller, which says when; `halving` says who goes on.

    queue   jobs without a record; those that wait at a rung are taken out of it
    """

    def __init__(self, space: Space, ledger: Ledger, queue: deque[TrialJob]) -> None:
        self._space = space
        self._ledger = ledger
        self._rungs: dict[int, list[TrialRecord]] = {}
        for record in ledger.records():
            self._rungs.setdefault(trial_of(record.number), []).append(record)
        self.waiting = {job.number: job for job in waiting(queue, self._records())}
        for job in self.waiting.values():
            queue.remove(job)

    def knows(self, record: TrialRecord) -> bool:
        """Whether the trial has paused there before."""
        stopped = record.state is TrialState.STOPPED
        return stopped and record.steps in self._steps(record.number)

    def keep(self, job: TrialJob, record: TrialRecord) -> bool:
        """Let the trial wait, if it has come to where its job stops. On disk before it counts."""
        if record.state is not TrialState.STOPPED or record.steps != job.stop_at:
            return False
        left = self._rungs.setdefault(job.number, [])
        rung = record.model_copy(update={"number": rung_number(job.number, len(left))})
        self._ledger.add_record(rung)
        left.append(rung)
        self.waiting[job.number] = job
        return True

    def way_of(
        self, number: int, records: Sequence[TrialRecord], running: Collection[TrialJob]
    ) -> Way:
        """How far a new trial is to be trained."""
        standing = self.standing(records)
        if standing is None or self._space.search.halving is None:
            return Way()
        return way_of(number, standing, records, running)

    def going_on(
        self,
        records: Sequence[TrialRecord],
        running: Collection[TrialJob],
        *,
        nothing_new: bool,
    ) -> TrialJob | None:
        """The job of a waiting trial that goes on now; it waits no longer."""
        on = self._space.search.halving is not None
        found = going_on(
            self._space,
            self.standing(records) if on and self.waiting else None,
            records,
            self._records(),
            self.waiting.keys(),
            running,
            nothing_new=nothing_new,
        )
        if found is None:
            return None
        number, way = found
        return self.waiting.pop(number).model_copy(update={**way._asdict(), "attempt": 1})

    def stopped(self) -> list[TrialRecord]:
        """What each waiting trial would leave if it were left behind now."""
        return [self._last(number) for number in sorted(self.waiting)]

    def leave_behind(self) -> list[TrialRecord]:
        """The same, and nobody waits any longer."""
        found = self.stopped()
        self.waiting.clear()
        return found

    def whole(self, record: TrialRecord) -> TrialRecord:
        """The record of a trial with the time that it spent before its pauses."""
        before = self._rungs.get(record.number, [])
        if not before or self.knows(record):
            return record
        seconds = sum(rung.seconds for rung in before)
        began = before[0].started
        return record.model_copy(update={"seconds": record.seconds + seconds, "started": began})

    def standing(self, records: Sequence[TrialRecord]) -> Halved | None:
        """How halving stands; None where nobody asked for it."""
        return halved(self._space, records, self._records())

    def note(self, records: Sequence[TrialRecord]) -> str:
        """What a person should know by now of how early and final quality agree."""
        standing = self.standing(records)
        return "" if standing is None or not standing.ready else standing.agreement

    def _last(self, number: int) -> TrialRecord:
        *earlier, last = self._rungs[number]
        seconds = sum(rung.seconds for rung in earlier)
        return as_trial(last).model_copy(update={"seconds": last.seconds + seconds})

    def _records(self) -> list[TrialRecord]:
        return [rung for number in sorted(self._rungs) for rung in self._rungs[number]]

    def _steps(self, number: int) -> list[int]:
        return [rung.steps for rung in self._rungs.get(number, [])]
