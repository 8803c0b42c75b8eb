"""Which two groups work together: what a pair of options changes beyond the sum of the two.

With cells (o₁, o₂) of two groups, p(c) the probability of a cell and μ(c) = E[f | c],

    μ(c) = a(o₁) + b(o₂) + e(c),      a, b by weighted least squares,     V = Σ_c p(c) e(c)²

V is the variance of the pair less both mains. Where the groups are of two layers, cells are
independent and a and b are the mains themselves; two axes of one layer have only the cells that
some choice has.

All pairs are ordered by the surrogate's mean on random architectures, additive part taken out. The
foremost, one for each pair of layers, are then measured on twins with the joint posterior, from
which e and V are drawn. V is never negative, so a pair counts as *resolved* where the interval of
some e(c) leaves out 0, at a level that is shared out among the cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.analysis.option_effects import POINTS, mean_covariance
from itnet_nas.analysis.option_groups import Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.analysis.matched_draws import MatchedDraws
    from itnet_nas.analysis.option_effects import Posterior
    from itnet_nas.analysis.option_groups import Decision, Group

    Floats = NDArray[np.float64]

FOREMOST = 8  # pairs that are measured
MOST_CELLS = 64
DRAWN = 2000  # of the posterior


@final
@dataclass(frozen=True)
class Pair:
    """Two groups that work together.

    variance, low, high   of V: the median of the posterior and its 95 % interval
    cell                  the options of the cell with the largest |e|, `beyond` its e
    beyond_low, _high     95 % interval of that e alone
    resolved              whether some e differs from 0
    """

    first: Group
    second: Group
    variance: float
    low: float
    high: float
    cell: tuple[str, str]
    beyond: float
    beyond_low: float
    beyond_high: float
    resolved: bool


def strongest_pairs(
    model: Posterior, draws: MatchedDraws, groups: Sequence[Group], most: int
) -> tuple[Pair, ...]:
    """At most `most` pairs, the largest variance first."""
    found = []
    for first, second in _foremost(model, draws, groups):
        pair = _measured(model, draws, first, second)
        if pair is not None:
            found.append(pair)
    found.sort(key=lambda pair: (-pair.variance, pair.first.name, pair.second.name))
    return tuple(found[:most])


def _foremost(
    model: Posterior, draws: MatchedDraws, groups: Sequence[Group]
) -> list[tuple[Group, Group]]:
    rows = draws.rows()
    values = model.predict(rows)[0]
    # What columns say one by one is taken out: a projection, since the linear model shrinks.
    columns, _ = np.linalg.qr(np.hstack([np.ones((len(values), 1)), rows.features]))
    size = float(np.abs(values).max())
    values = values - columns @ (columns.T @ values)
    if float(np.abs(values).max()) <= 1e-9 * size:
        return []  # it adds up: nothing works together
    places = [draws.places(group) for group in groups]
    spread = float(values.var())
    scores = []
    for i, j in combinations(range(len(groups)), 2):
        width = len(groups[j].options)
        both = (places[i] >= 0) & (places[j] >= 0)
        cells = places[i][both] * width + places[j][both]
        if len(cells) < 2:
            continue
        size = len(groups[i].options) * width
        counts = np.bincount(cells, minlength=size)
        sums = np.bincount(cells, values[both], minlength=size)
        there = counts > 0
        between = float((sums[there] ** 2 / counts[there]).sum()) / len(cells)
        # By chance alone every cell adds a share of the spread.
        score = between - spread * int(there.sum()) / len(cells)
        scores.append((-score, i, j))
    # Of two layers the strongest pair alone: family and axes of a layer say much the same.
    found: dict[frozenset[Decision], tuple[Group, Group]] = {}
    for _, i, j in sorted(scores):
        found.setdefault(
            frozenset((groups[i].decision, groups[j].decision)), (groups[i], groups[j])
        )
    return list(found.values())[:FOREMOST]


def _measured(model: Posterior, draws: MatchedDraws, first: Group, second: Group) -> Pair | None:
    cells = _cells(first, second)
    if not 3 < len(cells) <= MOST_CELLS:
        return None
    decisions: list[Decision] = [first.decision]
    if second.decision != first.decision:
        decisions.append(second.decision)
    bases = max(16, min(128, POINTS // len(cells)))
    rows, bases = draws.twins(decisions, [cell.options for cell in cells], bases)
    if bases < 2:
        return None
    weights = np.array([cell.probability for cell in cells])
    beyond = _beyond(
        np.array([cell.first for cell in cells]), np.array([cell.second for cell in cells]), weights
    )
    if beyond is None:
        return None
    means = model.predict(rows)[0].reshape(bases, -1).mean(axis=0)
    joint = beyond @ mean_covariance(model, rows, bases, len(cells)) @ beyond.T
    mean = beyond @ means
    sd = np.sqrt(np.maximum(np.diag(joint), 0.0))
    drawn = mean + np.random.default_rng(0).standard_normal((DRAWN, len(cells))) @ _root(joint).T
    low, middle, high = np.quantile(drawn**2 @ weights, (0.025, 0.5, 0.975)).tolist()
    strict = NormalDist().inv_cdf(1.0 - 0.025 / len(cells))
    top = int(np.argmax(np.abs(mean)))
    z = NormalDist().inv_cdf(0.975)
    return Pair(
        first=first,
        second=second,
        variance=middle,
        low=low,
        high=high,
        cell=(first.options[cells[top].first].name, second.options[cells[top].second].name),
        beyond=float(mean[top]),
        beyond_low=float(mean[top] - z * sd[top]),
        beyond_high=float(mean[top] + z * sd[top]),
        resolved=bool(np.any(np.abs(mean) > strict * np.maximum(sd, 1e-12))),
    )


@final
@dataclass(frozen=True)
class _Cell:
    first: int
    second: int
    probability: float
    options: tuple[Option, ...]


def _cells(first: Group, second: Group) -> list[_Cell]:
    """The pairs of options that exist."""
    found = []
    for i, one in enumerate(first.options):
        for j, other in enumerate(second.options):
            if first.decision != second.decision:
                found.append(_Cell(i, j, one.probability * other.probability, (one, other)))
                continue
            theirs = {answer for answer, _ in other.answers}
            shared = [(answer, weight) for answer, weight in one.answers if answer in theirs]
            total = sum(weight for _, weight in shared)
            if total > 0:
                answers = tuple((answer, weight / total) for answer, weight in shared)
                chance = one.probability * total
                found.append(_Cell(i, j, chance, (Option("", chance, answers),)))
    total = sum(cell.probability for cell in found)
    return [_Cell(c.first, c.second, c.probability / total, c.options) for c in found]


def _beyond(first: NDArray[np.int64], second: NDArray[np.int64], weights: Floats) -> Floats | None:
    """The map (cells, cells) to what no sum over both groups says; None where there is nothing."""
    design = np.hstack([np.eye(first.max() + 1)[first], np.eye(second.max() + 1)[second]])
    weighted = design * weights[:, None]
    fitted = design @ np.linalg.pinv(design.T @ weighted) @ weighted.T
    found = np.eye(len(weights)) - fitted
    return None if float(np.abs(found).max()) < 1e-9 else np.asarray(found)


def _root(matrix: Floats) -> Floats:
    """R with R Rᵀ = matrix, whatever its rank."""
    scales, axes = np.linalg.eigh(matrix)
    return np.asarray(axes * np.sqrt(np.maximum(scales, 0.0)))
