"""Asynchronous successive halving: which trials pause, and which of those go on. Pure functions.

Until 25 trials are complete none is left behind. The first 25 train in full, measured at each rung
on their way, and so does one in ten of the later ones; every other trial pauses at the first rung.
A paused trial goes on when it is among the best share of all that were seen at its rung, those that
trained in full included: by Pareto rank of the quality there and the computed costs, then by
crowding distance, and never by one figure alone. Nothing waits for a rung to be full, so trials go
on that a later one may push out of the best share.

When early figures turn out not to foretell the final ones (`analysis.halved`), every trial trains
in full, and those that pause go on.

Source  asynchronous halving: Li et al., arXiv 1810.05934; promotion by fronts: Schmucker et al.,
        arXiv 2106.12639
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from itnet_nas.analysis.halved import LEAST_PAIRS, START, early_quality
from itnet_nas.analysis.pareto import crowding, nondominated_rank
from itnet_nas.results.rungs import as_trial
from itnet_nas.space.space import COMPUTED_COSTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from itnet_nas.analysis.halved import Halved
    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Objective, Space

FAIR_EVERY = 10  # one trial in so many trains in full whatever its early figures


class Way(NamedTuple):
    """How far a trial is trained: to `stop_at`, or in full and measured at `measure_at`."""

    stop_at: int | None = None
    measure_at: tuple[int, ...] = ()


def way_of(
    number: int,
    standing: Halved,
    records: Sequence[TrialRecord],
    running: Collection[TrialJob],
) -> Way:
    """How far a new trial with this number is to be trained.

    standing   of these records
    running    jobs without a record that do not pause now
    """
    if standing.off:
        return Way()
    if number % FAIR_EVERY == FAIR_EVERY - 1 or too_few(standing, records, running):
        return Way(measure_at=standing.rungs)
    return Way(stop_at=standing.rungs[0])


def too_few(
    standing: Halved, records: Sequence[TrialRecord], running: Collection[TrialJob]
) -> bool:
    """Whether more full trainings are needed than are done and on their way."""
    in_full = [job for job in running if job.stop_at is None]
    complete = sum(record.complete for record in records)
    first = standing.correlations[0]
    pairs = sum(bool(job.measure_at) for job in in_full) + (first.pairs if first else 0)
    return complete + len(in_full) < START or pairs < LEAST_PAIRS


def going_on(
    space: Space,
    standing: Halved | None,
    records: Sequence[TrialRecord],
    rungs: Sequence[TrialRecord],
    paused: Collection[int],
    running: Collection[TrialJob],
    *,
    nothing_new: bool,
) -> tuple[int, Way] | None:
    """The paused trial that goes on next, and how far; None where none does now.

    standing      None, where the search has been told to halve no longer
    rungs         what every pause left
    nothing_new   no other architecture will be proposed
    """
    if not paused:
        return None
    if standing is None or standing.off:
        return min(paused), Way()
    if not standing.ready:
        # Full trainings are wanted, and these are all there is.
        wanted = nothing_new and too_few(standing, records, running)
        return (min(paused), Way()) if wanted else None
    reached = {as_trial(rung).number: rung.steps for rung in rungs}
    for place in reversed(range(len(standing.rungs))):
        step = standing.rungs[place]
        waiting = {number for number in paused if reached[number] == step}
        best = best_share(space, _seen(space, records, rungs, step))
        able = [number for number in best if number in waiting]
        if able:
            later = standing.rungs[place + 1 :]
            return able[0], Way(stop_at=later[0]) if later else Way()
    # Where the settings have changed, a trial may pause where no rung is any more.
    stray = [number for number in paused if reached[number] not in standing.rungs]
    return (min(stray), Way()) if stray else None


def best_share(space: Space, seen: Sequence[tuple[int, tuple[float, ...]]]) -> list[int]:
    """The trials among the `keep` best of those seen at a rung, best first.

    seen   (number, signed quality and computed costs) of each
    """
    settings = space.search.halving
    share = math.floor(settings.keep * len(seen)) if settings is not None else 0
    points = [point for _, point in seen]
    ranks = nondominated_rank(points)
    room = [0.0] * len(points)
    for rank in set(ranks):
        members = [i for i, one in enumerate(ranks) if one == rank]
        for i, around in zip(members, crowding([points[i] for i in members]), strict=True):
            room[i] = around
    order = sorted(range(len(points)), key=lambda i: (ranks[i], -room[i], seen[i][0]))
    return [seen[i][0] for i in order[:share]]


def _seen(
    space: Space, records: Sequence[TrialRecord], rungs: Sequence[TrialRecord], step: int
) -> list[tuple[int, tuple[float, ...]]]:
    """Every trial that was measured after `step` steps, paused there or on its way."""
    found: dict[int, tuple[float, ...]] = {}
    for record in [*records, *map(as_trial, rungs)]:
        quality = early_quality(space, record, step)
        if quality is None or record.number in found:
            continue
        known = {**record.figures, **record.objectives}
        costs = [one for one in space.objectives[1:] if one.name in COMPUTED_COSTS]
        figures = [known[one.name] for one in costs]
        point = [_signed(space.objectives[0], quality)]
        point += [_signed(one, figure) for one, figure in zip(costs, figures, strict=True)]
        found[record.number] = tuple(point)
    return sorted(found.items())


def _signed(objective: Objective, figure: float) -> float:
    return figure if objective.direction == "min" else -figure
