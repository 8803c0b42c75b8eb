"""`Halved`: what pausing trials early has saved, and whether early figures can be trusted.

Some trials train in full without a pause, whatever their early figures: the first ones and one in
ten of the later ones. Their curves have the quality at each rung, so they alone show, without a
selection that favours agreement, how well the order at a rung foretells the final one. Below a
rank correlation of 0.7 halving has switched itself off, and stays off: the pairs are looked at in
the order in which their trials ended, as they were when each came in.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, final

from itnet_nas.analysis.numbers import count
from itnet_nas.analysis.rank_correlation import RankCorrelation, rank_correlation
from itnet_nas.results.rungs import trial_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.results.record import CurvePoint, TrialRecord
    from itnet_nas.space.space import Space

START = 25  # complete trials before any is left behind
LEAST_PAIRS = 5  # of early and final quality, before any is left behind
LIMIT = 0.7  # rank correlation below which early figures are not trusted


@final
@dataclass(frozen=True)
class Halved:
    """How halving stands.

    rungs         steps after which trials pause
    total         steps of a full training
    correlations  of early and final quality, one per rung; None for fewer than four pairs
    ready         enough is known to leave trials behind
    off           early figures have turned out not to tell
    stopped       trials that were left behind
    paused        trials that have paused and not ended: they wait, or go on now
    spent, whole  steps of the trials that ended or pause, failures aside, and those of as many full
                  trainings
    """

    rungs: tuple[int, ...]
    total: int
    correlations: tuple[RankCorrelation | None, ...]
    ready: bool
    off: bool
    stopped: int
    paused: int
    spent: int
    whole: int

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)

    @property
    def summary(self) -> str:
        """One or two sentences for a person."""
        where = " and ".join(str(step) for step in self.rungs)
        parts = [f"{count(self.stopped, 'trial')} stopped early"]
        if self.paused:
            parts.append(f"{self.paused} paused or going on")
        steps = f"{self.spent} of {self.whole} steps of full trainings"
        if self.whole:
            steps += f" ({self.spent / self.whole:.0%})"
        said = f"halving after {where} of {self.total} steps: {', '.join(parts)}; {steps}"
        return f"{said}. {self.agreement}"

    @property
    def agreement(self) -> str:
        """How early and final quality agree, and what follows from it."""
        known = [
            f"at step {rung} {correlation}"
            for rung, correlation in zip(self.rungs, self.correlations, strict=True)
            if correlation is not None
        ]
        if not known:
            return "Rank correlation of early and final quality: too few full trials yet"
        told = f"Rank correlation of early and final quality: {'; '.join(known)}"
        if self.off:
            return f"{told}: below {LIMIT}, so halving is off and every trial trains in full"
        return told


def halved(
    space: Space, records: Sequence[TrialRecord], rungs: Sequence[TrialRecord]
) -> Halved | None:
    """How halving stands; None where the search is not set to it and no trial has ever paused.

    rungs   the records of `Store.rungs`
    """
    settings, total = space.search.halving, space.recipe.steps
    steps = settings.steps_of(total) if settings is not None else ()
    steps = steps or tuple(sorted({rung.steps for rung in rungs}))
    if not steps:
        return None
    ended = {record.number for record in records}
    waiting = {trial_of(rung.number): rung.steps for rung in rungs}  # the later pause comes last
    paused = {number: spent for number, spent in waiting.items() if number not in ended}
    counted = [one for one in records if str(one.state) != "failed" and not one.imported]
    complete = [record for record in records if record.complete]
    correlations, off = _agreement(space, complete, set(waiting), steps)
    first = correlations[0]
    return Halved(
        rungs=steps,
        total=total,
        correlations=correlations,
        ready=len(complete) >= START and first is not None and first.pairs >= LEAST_PAIRS,
        off=off,
        stopped=sum(str(record.state) == "stopped" for record in counted),
        paused=len(paused),
        spent=sum(record.steps for record in counted) + sum(paused.values()),
        whole=total * (len(counted) + len(paused)),
    )


def early_quality(space: Space, record: TrialRecord, step: int) -> float | None:
    """The quality of a trial after `step` steps; None where its curve has no such point."""
    points: Sequence[CurvePoint] = [point for point in record.curve if point.step == step]
    return points[0].metrics.get(space.objectives[0].name) if points else None


def _agreement(
    space: Space, complete: Sequence[TrialRecord], selected: set[int], steps: tuple[int, ...]
) -> tuple[tuple[RankCorrelation | None, ...], bool]:
    """The correlations at each rung, and whether they are such that halving is off."""
    ordered = sorted(complete, key=lambda one: (one.started + one.seconds, one.number))
    fair: list[tuple[tuple[float, ...], float]] = []
    begin = 0
    for place, record in enumerate(ordered, start=1):
        early = [early_quality(space, record, step) for step in steps]
        told = [figure for figure in early if figure is not None]
        # Another run may have chosen what it trained in full.
        chosen = record.number in selected or record.imported
        if not chosen and len(told) == len(steps):
            fair.append((tuple(told), record.objectives[space.objectives[0].name]))
        if place == START:
            begin = len(fair)
    found = _correlations(fair, len(steps))
    if len(ordered) < START:
        return found, False
    for known in range(max(begin, LEAST_PAIRS), len(fair) + 1):
        then = _correlations(fair[:known], len(steps))
        if any(one is not None and one.value < LIMIT for one in then):
            return then, True
    return found, False


def _correlations(
    pairs: Sequence[tuple[tuple[float, ...], float]], rungs: int
) -> tuple[RankCorrelation | None, ...]:
    final = [last for _, last in pairs]
    return tuple(rank_correlation([early[i] for early, _ in pairs], final) for i in range(rungs))
