"""`finalists`: which trials of a search a confirmation trains again. Search-time values alone say.

A trial is a finalist where it is on the front, on the front of what is left without it (Pareto rank
at most 2), or would be on the front were its quality better by one standard deviation of a single
training. That noise is pooled over architectures that were trained under several seeds; where a run
has none, rank alone decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from itnet_nas.analysis.numbers import short
from itnet_nas.analysis.pareto import nondominated_rank, signed
from itnet_nas.analysis.significance import deviation
from itnet_nas.results.confirm_ledger import trainings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

RANKS = 2


@dataclass(frozen=True)
class Noise:
    """The standard deviation of the quality of one training, over seeds alone.

    sd        pooled over architectures: √(Σ (n − 1) s² / Σ (n − 1))
    freedom   Σ (n − 1)
    source    what trained them: "an earlier confirmation", "certificates"
    """

    sd: float
    freedom: int
    source: str = ""


def pooled(groups: Iterable[Sequence[float]], source: str = "") -> Noise | None:
    """The noise within groups of values of one architecture each; None where none has two."""
    spread, freedom = 0.0, 0
    for values in groups:
        if len(values) > 1:
            spread += (len(values) - 1) * deviation(values) ** 2
            freedom += len(values) - 1
    return Noise(math.sqrt(spread / freedom), freedom, source) if freedom else None


def known_noise(
    space: Space, confirmed: Sequence[TrialRecord], swaps: Sequence[TrialRecord]
) -> Noise | None:
    """What a run knows of the noise: from confirmations, else from certificates, else nothing."""
    quality = space.objectives[0].name
    return pooled(_by_key(confirmed, quality), "an earlier confirmation") or pooled(
        _by_key(swaps, quality), "certificates"
    )


def finalists(
    space: Space, records: Sequence[TrialRecord], noise: Noise | None
) -> list[TrialRecord]:
    """The trials to train again, the front first, then by rank, cheapest first; each key once."""
    complete = [record for record in records if record.complete]
    points = [signed(record, space.objectives) for record in complete]
    ranks = nondominated_rank(points)
    front = [point for point, rank in zip(points, ranks, strict=True) if rank == 0]
    sd = 0.0 if noise is None else noise.sd
    kept = sorted(
        (
            (rank, point[1], point, record)
            for rank, point, record in zip(ranks, points, complete, strict=True)
            if rank < RANKS or not _dominated((point[0] - sd, *point[1:]), front)
        ),
        key=lambda one: (*one[:3], one[3].number),
    )
    unique: dict[str, TrialRecord] = {}
    for *_, record in kept:
        unique.setdefault(record.key, record)
    return list(unique.values())


def rule(noise: Noise | None) -> str:
    """By what `finalists` chose, in words."""
    if noise is None:
        return "the first two fronts, since the noise of a training is not known"
    return (
        f"the first two fronts, and what is within {short(noise.sd)} of the front, the noise of "
        f"a training as {noise.source} measured it"
    )


def _by_key(records: Sequence[TrialRecord], quality: str) -> list[list[float]]:
    found: dict[str, list[float]] = {}
    for record in records:
        found.setdefault(record.key, []).extend(
            one.objectives[quality] for one in trainings(record) if quality in one.objectives
        )
    return list(found.values())


def _dominated(point: Sequence[float], others: Iterable[Sequence[float]]) -> bool:
    return any(
        tuple(other) != tuple(point) and all(a <= b for a, b in zip(other, point, strict=True))
        for other in others
    )
