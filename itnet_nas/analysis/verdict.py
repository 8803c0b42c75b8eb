"""What a run says in words: the sentence about one candidate, and how far it can be trusted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from itnet_nas.analysis.bias_table import member
from itnet_nas.analysis.hypervolume import curve
from itnet_nas.analysis.numbers import count, short, times
from itnet_nas.analysis.pareto import signed
from itnet_nas.analysis.words import architecture_words, axis_words, figure, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Objective, Space

FLAT = 0.01  # a quarter of the trials that gains less than this share of the volume found little


@dataclass(frozen=True)
class Point:
    """One line about trust. `warns` marks what speaks against believing the page."""

    warns: bool
    text: str


def verdict(space: Space, record: TrialRecord, best: TrialRecord) -> str:
    """The candidate in one sentence, and what it costs against the best found."""
    quality, *costs = space.objectives
    spent = " and ".join(figure(cost.name, record.objectives[cost.name]) for cost in costs)
    words = architecture_words(record.architecture)
    sentence = f"{words}: {figure(quality.name, record.objectives[quality.name], 4)} at {spent}"
    if record.number == best.number:
        return f"{sentence}; no trial was better."
    gap = abs(record.objectives[quality.name] - best.objectives[quality.name])
    how = f"{figure(quality.name, gap)} worse than" if gap > 0 else "as good as"
    lost = f"{how} the best found (trial {best.number})"
    won = [text for cost in costs if (text := _against(cost, record, best))]
    return f"{sentence}; {lost}" + (f", for {' and '.join(won)}." if won else ".")


def biases_differ(space: Space, record: TrialRecord) -> str:
    """Whether the layers of one trial have different biases, in a sentence."""
    kernels = member(space, record)
    there = [kernel for kernel in kernels.kernels.values() if kernel is not None]
    if len(there) < 2:
        return "It has one layer, so there is nothing to compare."
    if kernels.layers_differ:
        return "Its layers have different biases."
    if len({tuple(axis_words(kernel.bias).items()) for kernel in there}) > 1:
        return "All its layers have the same bias, in different sizes."
    return "All its layers have the same bias."


FLATTERED = Point(
    warns=True,
    text="the search chose by these figures, so those of the front are flattered by selection; "
    "the data kept for testing were not used",
)
CONFIRMED = Point(
    warns=False,
    text="the search chose by these figures; what fresh seeds and the data kept for testing say of "
    "the front stands below",
)


def trust(
    space: Space,
    records: Sequence[TrialRecord],
    record: TrialRecord | None,
    confirmed: bool = False,
) -> list[Point]:
    """What to know before believing the figures; warnings first.

    confirmed   whether the front was trained again under seeds that took no part in the choice
    """
    complete = [one for one in records if one.complete]
    points = []
    if complete:
        points += [_seeds(complete), *_levels(space, record)]
        points.append(_rising(space, records))
        points.append(CONFIRMED if confirmed else FLATTERED)
    failed = [one for one in records if one.error is not None]
    if failed:
        text = f"{len(failed)} of {count(len(records), 'trial')} failed"
        points.append(Point(warns=len(failed) > len(records) / 10, text=text))
    return sorted(points, key=lambda point: not point.warns)


def _seeds(complete: Sequence[TrialRecord]) -> Point:
    repeats = Counter(one.key for one in complete)
    several = sum(times_ > 1 for times_ in repeats.values())
    if several == 0:
        return Point(
            warns=True,
            text="one seed per trial: differences below the seed-to-seed spread are ties",
        )
    return Point(
        warns=several < len(repeats),
        text=f"{several} of {count(len(repeats), 'architecture')} were trained more than once",
    )


def _levels(space: Space, record: TrialRecord | None) -> list[Point]:
    """The candidate against chance and baselines."""
    quality = space.objectives[0]
    metric = next((m for m in space.facts.metrics if m.name == quality.name), None)
    if metric is None or record is None:
        return []
    sign = 1 if quality.direction == "min" else -1
    mine = record.objectives[quality.name]
    levels = dict(metric.baselines)
    if metric.chance is not None:
        levels["chance"] = metric.chance
    if not levels:
        return [Point(warns=True, text="the task states no baseline to compare with")]
    points = []
    for name, value in levels.items():
        beaten = sign * (value - mine) > 0
        relation = "better than" if beaten else "no better than"
        points.append(
            Point(warns=not beaten, text=f"{relation} {name} ({value:.4g} {unit(quality.name)})")
        )
    return points


def _rising(space: Space, records: Sequence[TrialRecord]) -> Point:
    values = [value for _, value in curve(space, records)]
    now, before = values[-1], values[len(values) - 1 - len(values) // 4]
    if len(values) < 8:
        return Point(warns=True, text=f"only {count(len(values), 'trial')}: too few to judge by")
    gain = (now - before) / now if now > 0 else 0.0
    if gain > FLAT:
        return Point(
            warns=True,
            text=f"still improving: the last quarter of the trials added {gain:.1%} hypervolume",
        )
    return Point(warns=False, text=f"the last quarter of the trials added {gain:.1%} hypervolume")


def _against(cost: Objective, record: TrialRecord, best: TrialRecord) -> str:
    """`3.1 times fewer FLOP`; empty where there is no difference to speak of."""
    mine, theirs = record.objectives[cost.name], best.objectives[cost.name]
    less = signed(record, [cost])[0] < signed(best, [cost])[0]
    low, high = sorted((mine, theirs))
    if low == high:
        return ""
    if cost.name == "depth" or low <= 0 or cost.direction == "max":
        return f"{cost.name} {short(mine)} in place of {short(theirs)}"
    return f"{times(high / low)} times {'less' if less else 'more'} {_noun(cost.name)}"


def _noun(name: str) -> str:
    return _NOUNS.get(name, name.replace("_", " "))


_NOUNS = {
    "flops": "FLOP",
    "params": "parameters",
    "state_bytes": "state",
    "latency_ms": "latency",
    "memory_mb": "memory",
    "train_seconds": "training time",
}
