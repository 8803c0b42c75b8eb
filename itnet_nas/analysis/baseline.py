"""`Baseline`: what random search reaches with as many trials as the search had.

    real        it was made (`--with-baseline`): its hypervolume after n trials is the mean over
                every n of them in a row
    estimated   it was not: `random_model` says what it would reach. Up to ten times as many trials
                as the run drew at random, which is as far as the model was measured
    itself      the search is random search

The band, in both cases from the model: 95 of 100 random searches lie within it after n trials. A
real baseline is one such search, and its trials resampled with replacement do not say how another
would differ: on the planted landscape their 95 % interval held 65 of 100 other random searches, and
that of the model 95 (`benchmarks/random_search.py`). What no band here covers is the luck of the
search itself, which is one run.

A hypervolume that one reached and the other did not is no level to compare at, so what is compared
is how many trials each needed for the lower of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from itnet_nas.analysis.hypervolume import curve, scale
from itnet_nas.analysis.random_model import random_model
from itnet_nas.analysis.volumes import volumes
from itnet_nas.results.record import TrialState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.analysis.hypervolume import Scale
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

    Floats = NDArray[np.float64]

RANDOM = "random"  # who proposed what was drawn without looking at any result
FEWEST = 4  # random trials, before anything is said of what more of them would reach
FARTHEST = 10  # times as many as there were: no further was the model measured
STEPS = 32  # counts of trials at which a curve is computed
_SLACK = 1e-9

Kind = Literal["real", "estimated", "itself"]


@final
@dataclass(frozen=True)
class Needed:
    """Trials until a hypervolume of `level`; None for random search that did not get there.

    interval    of `random`: 95 of 100 random searches; an end that is None lies beyond `known`
    known       trials of random search of which anything is known
    """

    level: float
    search: int
    random: int | None
    interval: tuple[int | None, int | None] | None
    known: int

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "level": self.level,
            "search": self.search,
            "random": self.random,
            "interval": None if self.interval is None else list(self.interval),
            "known": self.known,
        }


@final
@dataclass(frozen=True)
class Baseline:
    """Random search beside a search. Hypervolumes are on `scale`, which both of them made.

    drawn       trials of random search that it rests on
    budget      trials at which the two are compared
    search      hypervolume of the search then, and `hypervolume` that of random search
    interval    within which 95 of 100 random searches lie then; None where there is no model
    curve       (trials, hypervolume) of random search, and `band` (trials, low, high)
    model       in words
    """

    kind: Kind
    scale: Scale
    drawn: int
    budget: int
    search: float
    hypervolume: float
    interval: tuple[float, float] | None = None
    needed: Needed | None = None
    curve: tuple[tuple[int, float], ...] = ()
    band: tuple[tuple[int, float, float], ...] = ()
    model: str = ""

    @property
    def difference(self) -> tuple[float, tuple[float, float] | None]:
        """Search minus random search, and its interval over other random searches."""
        if self.interval is None:
            return self.search - self.hypervolume, None
        low, high = self.interval
        return self.search - self.hypervolume, (self.search - high, self.search - low)

    def as_json(self) -> dict[str, Any]:
        """Plain values, unrounded."""
        return {
            "kind": self.kind,
            "trials": self.budget,
            "drawn": self.drawn,
            "search": self.search,
            "hypervolume": self.hypervolume,
            "interval": None if self.interval is None else list(self.interval),
            "needed": None if self.needed is None else self.needed.as_json(),
        }


def baseline(
    space: Space, records: Sequence[TrialRecord], made: Sequence[TrialRecord] = ()
) -> Baseline | None:
    """The baseline of a run, real where random search was `made` beside it.

    None where nothing is complete or where too few trials were drawn at random to say anything.
    """
    on = scale(space, [*records, *made])
    found = np.array([value for _, value in curve(space, records, on)])
    if not len(found) or not found[-1] > 0:
        return None
    if space.search.strategy == RANDOM:
        volume = float(found[-1])
        return Baseline("itself", on, len(records), len(records), volume, volume)
    if made:
        return _real(space, records, made, on, found)
    return _estimated(space, records, on, found)


def drawn_at_random(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Trials of this run that no result had a part in; those that were halted early are left out.

    Leaving them out is to the advantage of random search: they were halted for being worse.
    """
    return [
        record
        for record in records
        if record.proposed_by == RANDOM
        and not record.imported
        and record.state is not TrialState.STOPPED
    ]


def _real(
    space: Space,
    records: Sequence[TrialRecord],
    made: Sequence[TrialRecord],
    on: Scale,
    found: Floats,
) -> Baseline:
    budget = min(len(records), len(made))
    counts = _counts(len(made), budget)
    curve_C = over_stretches(on, made, counts)
    at = counts.index(budget)
    # What was taken over stands in both, and one training must not count as two.
    known = {(record.key, record.seed) for record in made}
    others = [record for record in records if (record.key, record.seed) not in known]
    model = random_model(space, [*made, *others], made, on, counts)
    level = float(min(found[budget - 1], curve_C[at]))
    needed = None
    if level > 0:
        reached = _first(counts, curve_C, level)
        needed = Needed(level, _search_needs(found, level), reached, None, len(made))
    return Baseline(
        kind="real",
        scale=on,
        drawn=len(made),
        budget=budget,
        search=float(found[budget - 1]),
        hypervolume=float(curve_C[at]),
        interval=None if model is None else _pair(model.band, at),
        needed=needed,
        curve=tuple(zip(counts, curve_C.tolist(), strict=True)),
        band=() if model is None else _rows(counts, *model.band),
        model="" if model is None else str(model.surrogate),
    )


def _estimated(
    space: Space, records: Sequence[TrialRecord], on: Scale, found: Floats
) -> Baseline | None:
    drawn = drawn_at_random(records)
    if len(drawn) < FEWEST:
        return None
    budget = min(len(records), FARTHEST * len(drawn))
    known = FARTHEST * len(drawn)
    counts = _counts(known, budget)
    model = random_model(space, records, drawn, on, counts)
    if model is None:
        return None
    at = counts.index(budget)
    level = float(found[-1])
    mean, (low, high) = model.mean, model.band
    interval = (_first(counts, high, level), _first(counts, low, level))
    needed = Needed(
        level, _search_needs(found, level), _first(counts, mean, level), interval, known
    )
    return Baseline(
        kind="estimated",
        scale=on,
        drawn=len(drawn),
        budget=budget,
        search=float(found[budget - 1]),
        hypervolume=float(mean[at]),
        interval=_pair(model.band, at),
        needed=needed,
        curve=tuple(zip(counts, mean.tolist(), strict=True)),
        band=_rows(counts, low, high),
        model=str(model.surrogate),
    )


def over_stretches(on: Scale, made: Sequence[TrialRecord], counts: Sequence[int]) -> Floats:
    """Mean hypervolume of n trials in a row, wherever they begin; failures count as trials.

    Draws of random search are spread over costs so that any stretch of them is spread evenly, and
    results have no part in their order; so each stretch is what a search of n trials might have
    been. The last trial is followed by the first.
    """
    nothing = (np.nan,) * len(on.axes)
    points_ND = np.array([on.point(one) if one.complete else nothing for one in made])
    count = len(points_ND)
    start_KN = np.arange(count)[:, None] + np.arange(count)[None, :]
    return np.asarray(volumes(points_ND[start_KN % count], counts).mean(axis=0))


def _counts(most: int, budget: int) -> list[int]:
    """Numbers of trials from 1 to `most`, in growing steps; the budget is one of them."""
    steps = np.geomspace(1, most, STEPS).round().astype(int).tolist()
    return sorted({*steps, most, budget})


def _first(counts: Sequence[int], volume_C: Floats, level: float) -> int | None:
    """The first number of trials with that volume, straight between the counts; None for none."""
    for place, (count, volume) in enumerate(zip(counts, volume_C, strict=True)):
        if volume < level - _SLACK:
            continue
        if not place:
            return count
        before, start = volume_C[place - 1], counts[place - 1]
        share = (level - before) / (volume - before) if volume > before else 1.0
        return int(np.ceil(start + min(1.0, max(0.0, share)) * (count - start) - _SLACK))
    return None


def _search_needs(found: Floats, level: float) -> int:
    return int(np.argmax(found >= level - _SLACK)) + 1


def _pair(band: tuple[Floats, Floats], at: int) -> tuple[float, float]:
    return float(band[0][at]), float(band[1][at])


def _rows(counts: Sequence[int], low: Floats, high: Floats) -> tuple[tuple[int, float, float], ...]:
    return tuple(zip(counts, low.tolist(), high.tolist(), strict=True))
