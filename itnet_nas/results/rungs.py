"""How trials are numbered where they pause: in `Store.rungs`, apart from the trials themselves.

A rung is a step after which a trial pauses. A trial leaves one record at each of its rungs, so its
pause i has the number 2 · trial + i: a search has two rungs at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.record import TrialRecord

MOST = 2  # rungs of a search


def rung_number(trial: int, pause: int) -> int:
    """The number of a trial's record at its pause 0 or 1."""
    return MOST * trial + pause


def trial_of(number: int) -> int:
    """The trial that a number of `Store.rungs` belongs to."""
    return number // MOST


def waiting(jobs: Iterable[TrialJob], rungs: Iterable[TrialRecord]) -> list[TrialJob]:
    """Of jobs without a record those whose trial waits where its job stops; no worker has them."""
    reached = {(trial_of(rung.number), rung.steps) for rung in rungs}
    return [job for job in jobs if (job.number, job.stop_at) in reached]


def as_trial(rung: TrialRecord) -> TrialRecord:
    """The record of a pause under its trial's own number: STOPPED, with the figures until then."""
    return rung.model_copy(update={"number": trial_of(rung.number)})
