"""Which decisions matter in a space, by what all trials of a run say together.

Per layer and axis (`option_groups`), over architectures drawn as `arch.sample` draws them:

    effect of an option    E[quality | option here] − E[quality], with a 95 % credible interval from
                           the joint posterior of the surrogate (`option_effects`)
    share                  of the variance of the quality, with a 95 % interval over `RESAMPLES`
                           bootstrap samples of the records, each of which the linear model alone
                           is fitted to again
    pairs                  which groups work together (`option_pairs`)
    on the front           what the good ones share (`good_ones`), another question

This is importance over a space. It says nothing of one network: what its layers need is tested by
replacing them, which is the certificate's business.

What the effect of a value of an axis means: the average over the families of the layer that have
this value, weighted as they are drawn. Axes come with families, a convolution is a window *and*
translation; so the effect of "window" is that of the window families with all that they bring.
Groups of one layer that split its choices alike are one group. Shares of groups of one layer
overlap; those of different layers do not, and together they are at most 1.

*Not resolved*: the interval of every option covers 0, or the surrogate's leave-one-out R² is under
`LEAST_R2`, or there are fewer than `LEAST` complete trials. The reason is given.

Trials that failed are in no fit; they are counted per option, since what fails more often is seen
less. Effects rest on what was tried: with fewer than `RANDOM_ENOUGH` random trials, they lean on
the choices of the strategy (`attributed`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from itnet_nas.analysis.attributed import (
    Attribution,
    Effect,
    GroupEffects,
    PairShare,
    PlaceShare,
)
from itnet_nas.analysis.good_ones import option_counts, shared, told_apart
from itnet_nas.analysis.matched_draws import MatchedDraws
from itnet_nas.analysis.numbers import count
from itnet_nas.analysis.option_effects import (
    measure,
    measure_whole,
    total_variance,
    variances_by,
)
from itnet_nas.analysis.option_groups import groups_of
from itnet_nas.analysis.option_pairs import strongest_pairs
from itnet_nas.analysis.pareto import front as front_of
from itnet_nas.analysis.pareto import signed
from itnet_nas.arch.genotype import contains
from itnet_nas.surrogate import fit
from itnet_nas.surrogate.encoding import encoding_of
from itnet_nas.surrogate.linear import LinearModel

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.analysis.option_effects import Measured
    from itnet_nas.analysis.option_groups import Group
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space
    from itnet_nas.surrogate import Surrogate

    Floats = NDArray[np.float64]

LEAST = 10  # complete trials, below which nothing is fitted
LEAST_R2 = 0.3
MOST = 400  # trials that are fitted, since the time grows with their square and more
DRAWS = 2048  # random architectures
RESAMPLES = 100
PAIRS = 5
RANDOM = "random"  # `proposed_by` of draws that looked at no result
Z = 1.959963984540054  # of a two-sided interval of 95 %


def attribution(space: Space, records: Sequence[TrialRecord], seed: int = 0) -> Attribution:
    """What matters in the space; the same records and seed give the same answer."""
    groups = groups_of(space)
    members = [one for one in records if contains(space, one.architecture)]
    complete = sorted((one for one in members if one.complete), key=lambda one: one.number)
    failed = [one for one in members if one.error is not None]
    front = front_of(space, complete)
    surrogate = None
    fitted = _fitted(complete)
    if len(complete) >= LEAST and groups:
        quality = [signed(one, space.objectives[:1])[0] for one in fitted]
        surrogate = fit(space, [one.architecture for one in fitted], quality)
    reason = _reason(groups, len(complete), surrogate)
    found = _Found((), (), (), 0.0)
    if surrogate is not None:
        counts = [option_counts(space, of, groups) for of in (complete, failed, front)]
        found = _look(space, surrogate, fitted, groups, counts, reason, seed)
    return Attribution(
        quality=space.objectives[0].name,
        direction=space.objectives[0].direction,
        surrogate="" if surrogate is None else surrogate.name,
        r2=0.0 if surrogate is None else surrogate.loo_r2,
        noise=0.0 if surrogate is None else surrogate.noise,
        explained=found.explained,
        complete=len(complete),
        fitted=len(fitted),
        random=sum(one.proposed_by == RANDOM for one in complete),
        failed=len(failed),
        front=len(front),
        told_apart=told_apart(len(front)),
        groups=found.groups,
        places=found.places,
        pairs=found.pairs,
        reason=reason,
    )


def _fitted(complete: Sequence[TrialRecord]) -> list[TrialRecord]:
    """At most `MOST`: first those drawn at random, then others, both at even steps of the run."""
    drawn = [one for one in complete if one.proposed_by == RANDOM]
    others = [one for one in complete if one.proposed_by != RANDOM]
    kept = _spread(drawn, MOST)
    kept += _spread(others, MOST - len(kept))
    return sorted(kept, key=lambda one: one.number)


def _spread(records: Sequence[TrialRecord], most: int) -> list[TrialRecord]:
    if len(records) <= most:
        return list(records)
    return [records[place * len(records) // most] for place in range(most)]


class _Found(NamedTuple):
    groups: tuple[GroupEffects, ...]
    places: tuple[PlaceShare, ...]
    pairs: tuple[PairShare, ...]
    explained: float


def _reason(groups: Sequence[Group], complete: int, surrogate: Surrogate | None) -> str:
    """Why nothing at all is resolved; "" where something may be."""
    if not groups:
        return "the space leaves nothing to decide"
    if surrogate is None:
        return f"{count(complete, 'complete trial')}, at least {LEAST} are needed"
    if surrogate.loo_r2 < LEAST_R2:
        return (
            f"the {surrogate.name} foretells trials that it has not seen with an R² of "
            f"{surrogate.loo_r2:.2f}, at least {LEAST_R2} is needed"
        )
    return ""


def _look(
    space: Space,
    surrogate: Surrogate,
    fitted: Sequence[TrialRecord],
    groups: Sequence[Group],
    counts: Sequence[Sequence[Counter[int]]],
    reason: str,
    seed: int,
) -> _Found:
    draws = MatchedDraws(space, DRAWS, seed)
    model = surrogate.model
    measured = [
        (place, group, one)
        for place, group in enumerate(groups)
        if (one := measure(model, draws, group)) is not None
    ]
    decisions = {group.decision: group.place for _, group, _ in measured}
    wholes = [
        (place, one)
        for decision, place in decisions.items()
        if (one := measure_whole(model, draws, decision)) is not None
    ]
    total, explained = total_variance(model, draws)
    every = [one for _, _, one in measured] + [one for _, one in wholes]
    shares = [one.variance / total for one in every]
    spans = _bootstrap(space, fitted, every, total, seed)
    sign = 1.0 if space.objectives[0].direction == "min" else -1.0
    found = []
    for (place, group, one), share, span in zip(measured, shares, spans, strict=False):
        of = [each[place] for each in counts]
        effects = _effects(group, one, sign, of)
        covers = "" if any(effect.resolved for effect in effects) else COVERS
        found.append(
            GroupEffects(group.place, group.of, effects, share, *span, reason=reason or covers)
        )
    resolved = {group.place for group in found if group.resolved}
    tail = list(zip(wholes, shares[len(measured) :], spans[len(measured) :], strict=True))
    places = tuple(
        PlaceShare(place, share, *span, resolved=place in resolved)
        for (place, _), share, span in tail
    )
    pairs = tuple(
        PairShare(
            first=pair.first.name,
            second=pair.second.name,
            share=pair.variance / total,
            low=pair.low / total,
            high=pair.high / total,
            cell=pair.cell,
            beyond=sign * pair.beyond,
            beyond_low=min(sign * pair.beyond_low, sign * pair.beyond_high),
            beyond_high=max(sign * pair.beyond_low, sign * pair.beyond_high),
            resolved=pair.resolved and not reason,
        )
        for pair in strongest_pairs(model, draws, [group for _, group, _ in measured], PAIRS)
    )
    return _Found(tuple(found), places, pairs, explained / total)


COVERS = "every interval covers zero"


def _effects(
    group: Group, one: Measured, sign: float, counts: Sequence[Counter[int]]
) -> tuple[Effect, ...]:
    complete, failed, front = counts
    found = []
    for place, (option, on_front) in enumerate(
        zip(group.options, shared(group, front), strict=True)
    ):
        value, half = sign * float(one.effect[place]), Z * float(one.sd[place])
        found.append(
            Effect(
                option=option.name,
                families=option.families,
                probability=option.probability,
                value=value,
                low=value - half,
                high=value + half,
                complete=complete[place],
                failed=failed[place],
                front=on_front,
            )
        )
    return tuple(found)


def _bootstrap(
    space: Space,
    fitted: Sequence[TrialRecord],
    measured: Sequence[Measured],
    total: float,
    seed: int,
) -> list[tuple[float, float]]:
    """95 % interval of each share: the linear model fitted to records drawn with replacement.

    A variance is a square: noise makes it larger, and a second draw of records adds as much again.
    So the interval has both what the second draws spread over and its mirror image about the first.
    """
    rows = encoding_of(space).rows([one.architecture for one in fitted])
    values = np.array([signed(one, space.objectives[:1])[0] for one in fitted])
    rng = np.random.default_rng(seed)
    again = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(values), size=len(values))
        again.append(variances_by(LinearModel(rows.take(drawn), values[drawn]), measured))
    low, high = np.quantile(np.array(again), (0.025, 0.975), axis=0)
    first = variances_by(LinearModel(rows, values), measured)
    least = np.clip(np.minimum(low, 2 * first - high) / total, 0.0, 1.0)
    most = np.clip(np.maximum(high, 2 * first - low) / total, 0.0, 1.0)
    return list(zip(least.tolist(), most.tolist(), strict=True))
