"""`Confirmation`: what the front is worth under seeds that did not choose it.

    optimism of a trial    how much better its search-time value is than the mean of its fresh seeds
    of the front           the mean over its members, with the t interval over them
    non-dominated          P(no other confirmed trial dominates this one), by `DRAWS` draws

Which trials stand on the front and in which order is what the search saw; every figure reported for
them comes from fresh seeds alone. The fresh seeds took no part in the choice, so their mean is
unbiased whatever was chosen: nothing is left to be optimistic about.

A draw gives each trial a quality around its fresh mean. Where it has `OWN` seeds or more they are
drawn with replacement (bootstrap). A standard deviation of three seeds is worth little, so below
that it is the one pooled over all trials, s with ν degrees of freedom, and drawn as well:

    σ² = s² ν / χ²_ν,    quality ~ Normal(mean, σ² / n)

Costs that a formula gives are exact; measured ones are taken as their fresh mean.

Source  winner's curse and its correction by holding out: Cawley and Talbot, JMLR 11, 2010;
        the draws of σ: the posterior of a normal variance under the prior 1/σ².
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from itnet_nas.analysis.finalists import Noise, pooled
from itnet_nas.analysis.pareto import front
from itnet_nas.analysis.significance import deviation, interval, mean
from itnet_nas.results.confirm_ledger import rounds, rule_of, trainings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.results.record import Replicate, TrialRecord
    from itnet_nas.space.space import Space

DRAWS = 4000
OWN = 10  # seeds from which on a trial's own spread is trusted
SEED = 0  # of the draws: the same records give the same probabilities


@dataclass(frozen=True)
class Mean:
    """x̄ of n values; `sd` and the 95 % t interval from `low` to `high` need two."""

    mean: float
    n: int
    sd: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def half(self) -> float | None:
        """Half the width of the interval."""
        return None if self.high is None else self.high - self.mean


@dataclass(frozen=True)
class Confirmed:
    """One trial of the search, and what its architecture did under fresh seeds.

    on_front       whether it is on the front of the search
    search         its quality as the search saw it, under the seed that chose
    fresh, test    quality on the validation and on the test split; None where there is none
    nondominated   probability; None without fresh seeds or without any spread
    band           trials of one number, from 1 for the best, lie within one sd of each other
    failed         why it could not be trained again
    """

    trial: int
    key: str
    label: str
    quality: str
    on_front: bool
    search: float
    costs: dict[str, float]
    fresh: Mean | None = None
    test: Mean | None = None
    nondominated: float | None = None
    band: int | None = None
    failed: str = ""

    def as_json(self) -> dict[str, Any]:
        """Lists, dicts, texts and numbers alone."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return plain

    def __str__(self) -> str:
        from itnet_nas.analysis.confirmed_words import says

        return says(self)


@dataclass(frozen=True)
class Confirmation:
    """What `confirm` found. Members: the front, cheapest first, then the other finalists.

    reads      how often the test split was read
    rule       how the newest round chose whom to train
    noise      sd of the quality of one training, pooled over the members
    optimism   of the front: positive where the search-time values were too good
    left       trainings of the newest round that have not ended
    """

    quality: str
    direction: str
    costs: tuple[str, ...]
    reads: int
    rule: str
    members: tuple[Confirmed, ...]
    noise: Noise | None
    optimism: Mean | None
    left: int = 0

    @property
    def front(self) -> tuple[Confirmed, ...]:
        """The members on the front of the search."""
        return tuple(one for one in self.members if one.on_front)

    def of(self, trial: int) -> Confirmed | None:
        """The member with that number that was trained again, if there is one."""
        return next((one for one in self.members if one.trial == trial and one.fresh), None)

    def as_json(self) -> dict[str, Any]:
        """Lists, dicts, texts and numbers alone."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return plain

    def __str__(self) -> str:
        from itnet_nas.analysis.confirmed_words import text

        return text(self)


def confirmation(
    space: Space, records: Sequence[TrialRecord], confirmed: Sequence[TrialRecord], left: int = 0
) -> Confirmation | None:
    """Read what was trained again; None where nothing was.

    records     of the search: they say who is on the front
    confirmed   of `Store.confirmations`; those of one architecture are taken together
    left        trainings that have not ended
    """
    if not confirmed:
        return None
    quality, *others = space.objectives
    fresh: dict[str, list[Replicate]] = {}
    failures: dict[str, str] = {}
    for record in confirmed:
        fresh.setdefault(record.key, []).extend(trainings(record))
        if record.error is not None:
            failures[record.key] = f"{record.error.kind}: {record.error.message}"
        elif not record.complete:
            failures[record.key] = str(record.state)
    chosen = _members(space, records, fresh)
    values = [[one.objectives[quality.name] for one in fresh.get(r.key, ())] for r, _ in chosen]
    sign = 1.0 if quality.direction == "min" else -1.0
    noise = pooled(values)
    costs = [_costs(space, record, fresh.get(record.key, ())) for record, _ in chosen]
    signs = [1.0 if other.direction == "min" else -1.0 for other in others]
    turned = np.array([list(cost.values()) for cost in costs]).reshape(-1, len(others)) * signs
    likely = nondominated_probability([[sign * v for v in row] for row in values], turned, noise)
    bands = _bands([sign * mean(row) if row else None for row in values], noise)
    members = []
    for place, (record, on_front) in enumerate(chosen):
        tested = [
            one.test[quality.name] for one in fresh.get(record.key, ()) if quality.name in one.test
        ]
        members.append(
            Confirmed(
                trial=record.number,
                key=record.key,
                label=record.architecture.label,
                quality=quality.name,
                on_front=on_front,
                search=record.objectives[quality.name],
                costs=costs[place],
                fresh=_mean(values[place]),
                test=_mean(tested),
                nondominated=likely[place],
                band=bands[place],
                failed="" if values[place] else failures.get(record.key, ""),
            )
        )
    return Confirmation(
        quality=quality.name,
        direction=quality.direction,
        costs=tuple(other.name for other in others),
        reads=rounds(record.proposed_by for record in confirmed),
        rule=rule_of(confirmed),
        members=tuple(members),
        noise=noise,
        optimism=_mean(
            [
                sign * (one.fresh.mean - one.search)
                for one in members
                if one.on_front and one.fresh is not None
            ]
        ),
        left=left,
    )


def nondominated_probability(
    values: Sequence[Sequence[float]], costs_NC: NDArray[np.float64], noise: Noise | None
) -> list[float | None]:
    """Per trial how probable it is that no other dominates it; see the head of this module.

    values     fresh qualities of each of N trials, less is better; one without any takes no part
    costs_NC   their C costs, less is better
    """
    there = [place for place, row in enumerate(values) if row]
    found: list[float | None] = [None] * len(values)
    if not there or (noise is None and any(len(values[place]) < OWN for place in there)):
        return found
    rng = np.random.default_rng(SEED)
    sd_S = np.zeros(DRAWS)
    if noise is not None:
        sd_S = noise.sd * np.sqrt(noise.freedom / rng.chisquare(noise.freedom, DRAWS))
    drawn_NS = np.stack([_draws(values[place], sd_S, rng) for place in there])
    costs_NC = costs_NC[there]
    for row, place in enumerate(there):
        cheaper_N = (costs_NC <= costs_NC[row]).all(axis=1)
        strictly_N = cheaper_N & (costs_NC < costs_NC[row]).any(axis=1)
        cheaper_N[row] = strictly_N[row] = False
        beaten_S = (drawn_NS[cheaper_N] < drawn_NS[row]).any(axis=0)
        beaten_S |= (drawn_NS[strictly_N] <= drawn_NS[row]).any(axis=0)
        found[place] = float(1.0 - beaten_S.mean())
    return found


def _draws(
    values: Sequence[float], sd_S: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    row = np.asarray(values)
    drawn_S: NDArray[np.float64] = (
        row[rng.integers(len(row), size=(len(sd_S), len(row)))].mean(axis=1)
        if len(row) >= OWN
        else mean(values) + sd_S * rng.standard_normal(len(sd_S)) / np.sqrt(len(row))
    )
    return drawn_S


def _members(
    space: Space, records: Sequence[TrialRecord], fresh: dict[str, list[Replicate]]
) -> list[tuple[TrialRecord, bool]]:
    """The front, cheapest first, then what was trained beside it; each with whether it is on it."""
    first = front(space, records)
    seen = {record.key for record in first}
    found = [(record, True) for record in first]
    cost = space.objectives[1]
    sign = 1.0 if cost.direction == "min" else -1.0
    rest = [r for r in records if r.complete and r.key in fresh and r.key not in seen]
    for record in sorted(rest, key=lambda r: (sign * r.objectives[cost.name], r.number)):
        if record.key not in seen:
            seen.add(record.key)
            found.append((record, False))
    return found


def _costs(space: Space, record: TrialRecord, fresh: Sequence[Replicate]) -> dict[str, float]:
    """Each cost by name: as the search has it where the fresh seeds agree, else their mean."""
    found = {one.name: record.objectives[one.name] for one in space.objectives[1:]}
    for name, figure in found.items():
        measured = [again.objectives[name] for again in fresh]
        if any(one != figure for one in measured):
            found[name] = mean(measured)
    return found


def _bands(means: Sequence[float | None], noise: Noise | None) -> list[int | None]:
    """From the best mean on, all that is within one sd of a band's best is of that band."""
    found: list[int | None] = [None] * len(means)
    if noise is None:
        return found
    order = sorted((value, place) for place, value in enumerate(means) if value is not None)
    band, best = 0, -np.inf
    for value, place in order:
        if value > best + noise.sd:
            band, best = band + 1, value
        found[place] = band
    return found


def _mean(values: Sequence[float]) -> Mean | None:
    if not values:
        return None
    if len(values) == 1:
        return Mean(mean(values), 1)
    low, high = interval(values)
    return Mean(mean(values), len(values), deviation(values), low, high)
