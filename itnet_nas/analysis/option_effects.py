"""What an option changes, by a surrogate's posterior over the noiseless quality.

    effect(o) = E[f | option o here] − E[f]
              = mean_b f(b with o) − Σ_o' p(o') mean_b f(b with o')

over bases b that are the same on both sides (`matched_draws`). This is a linear functional w of the
posterior N(m, C) over all those architectures: its mean is w·m and its variance wᵀ C w.

    variance(group) = Σ_o p(o) effect(o)²,      share = variance / E[Var f],
    E[Var f] = Var m + mean C(x, x) − mean C(x, x')      over random architectures x, x'

so a share is one of all that differs in the space, also of what the surrogate does not know yet.

The mean rests on `BASES` bases, the covariance on the first `COVERED` of them: fewer bases make it
larger, never smaller, on average. A variance of means over B bases has what works together with the
other decisions added, divided by B; that is taken off.

Shapes  B bases, O options, M = B·O, C columns of the encoding
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, final

import numpy as np

from itnet_nas.analysis.option_groups import Option, whole_of
from itnet_nas.surrogate.encoding import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.analysis.matched_draws import MatchedDraws
    from itnet_nas.analysis.option_groups import Decision, Group

    Floats = NDArray[np.float64]

BASES = 256
COVERED = 128
COMMON = 400  # random architectures behind their mean covariance
POINTS = 1024  # rows whose joint covariance is asked for at once
WHOLE_BASES, WHOLE_ANSWERS = 64, 64  # for all choices of a layer


class Posterior(Protocol):
    """What is asked of a surrogate's model."""

    def predict(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation (m,) of the noiseless values."""

    def posterior(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean (m,) and covariance (m, m) of the noiseless values."""


@final
@dataclass(frozen=True)
class Measured:
    """Effects of the options of one group.

    effect (O,), covariance (O, O), variance; `columns` (O, C) are mean features per option, which a
    linear model needs to say its own effects; `probabilities` (O,).
    """

    effect: Floats
    covariance: Floats
    variance: float
    columns: Floats
    probabilities: Floats

    @property
    def sd(self) -> Floats:
        """Of each effect (O,)."""
        return np.asarray(np.sqrt(np.maximum(np.diag(self.covariance), 0.0)))


def measure(model: Posterior, draws: MatchedDraws, group: Group) -> Measured | None:
    """The effects of a group's options; None where no draw leaves its decision open."""
    options = [(option,) for option in group.options]
    rows, bases = draws.twins([group.decision], options, BASES)
    if not bases:
        return None
    weights = np.array(group.probabilities)
    values = model.predict(rows)[0].reshape(bases, -1)
    contrast = contrasts(weights)
    covered = max(1, min(bases, COVERED, POINTS // len(options)))
    joint = mean_covariance(model, rows, covered, len(options))
    return Measured(
        effect=contrast @ values.mean(axis=0),
        covariance=contrast @ joint @ contrast.T,
        variance=variance_of(values, weights),
        columns=_columns(rows, bases),
        probabilities=weights,
    )


def measure_whole(model: Posterior, draws: MatchedDraws, decision: Decision) -> Measured | None:
    """The same of every answer of a decision, at most `WHOLE_ANSWERS` of them, no covariance."""
    answers = whole_of(draws.space, decision)
    if len(answers) > WHOLE_ANSWERS:
        rng = np.random.default_rng(len(answers))
        chances = np.array([chance for _, chance in answers])
        kept = rng.choice(len(answers), WHOLE_ANSWERS, p=chances / chances.sum())
        answers = tuple((answers[int(i)][0], 1 / WHOLE_ANSWERS) for i in kept)
    options = [(Option("", chance, ((answer, 1.0),)),) for answer, chance in answers]
    rows, bases = draws.twins([decision], options, WHOLE_BASES)
    if not bases:
        return None
    weights = np.array([chance for _, chance in answers])
    values = model.predict(rows)[0].reshape(bases, -1)
    return Measured(
        effect=contrasts(weights) @ values.mean(axis=0),
        covariance=np.zeros((len(weights), len(weights))),
        variance=variance_of(values, weights),
        columns=_columns(rows, bases),
        probabilities=weights,
    )


def total_variance(model: Posterior, draws: MatchedDraws) -> tuple[float, float]:
    """E[Var f], and Var m: what there is to explain, and what is explained."""
    rows = draws.rows()
    mean, sd = model.predict(rows)
    _, covariance = model.posterior(rows.take(np.arange(min(len(rows), COMMON))))
    explained = float(mean.var())
    unknown = float((sd**2).mean()) - float(covariance.mean())
    return max(explained + max(0.0, unknown), 1e-30), explained


def contrasts(weights: Floats) -> Floats:
    """The map (O, O) from means per option to effects."""
    return np.asarray(np.eye(len(weights)) - np.outer(np.ones(len(weights)), weights))


def mean_covariance(model: Posterior, rows: Rows, bases: int, options: int) -> Floats:
    """Covariance (O, O) of the means per option over the first `bases` bases."""
    _, covariance = model.posterior(rows.take(np.arange(bases * options)))
    joint = covariance.reshape(bases, options, bases, options)
    return np.asarray(joint.mean(axis=(0, 2)))


def variance_of(values: Floats, weights: Floats) -> float:
    """Σ_o p(o) effect(o)² of values (B, O), less what B bases add to it by chance; at least 0."""
    centred = values - (values @ weights)[:, None]
    effect = centred.mean(axis=0)
    bases = len(values)
    by_chance = 0.0
    if bases > 1:
        by_chance = float(weights @ centred.var(axis=0, ddof=1)) / bases
    return max(0.0, float(weights @ effect**2) - by_chance)


def variances_by(model: Posterior, measured: Sequence[Measured]) -> Floats:
    """The variance of each, as a linear `model` sees it: exact for effects that add up."""
    columns = np.concatenate([one.columns for one in measured])
    values = model.predict(Rows(columns, np.ones((len(columns), 1))))[0]
    ends = np.cumsum([len(one.columns) for one in measured])[:-1]
    return np.array(
        [
            one.probabilities @ (part - part @ one.probabilities) ** 2
            for one, part in zip(measured, np.split(values, ends), strict=True)
        ]
    )


def _columns(rows: Rows, bases: int) -> Floats:
    return np.asarray(rows.features.reshape(bases, -1, rows.features.shape[1]).mean(axis=0))
