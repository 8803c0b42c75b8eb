"""An attribution in words: lines for a terminal and for the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from itnet_nas.analysis.binomial import share_interval
from itnet_nas.analysis.numbers import count, share
from itnet_nas.analysis.words import unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itnet_nas.analysis.attributed import Attribution, Effect, GroupEffects

SAID = 8  # options at most, of those on the front and of those that fail


def heading(found: Attribution) -> list[str]:
    """What it rests on, and what is wrong with that."""
    if not found.surrogate:
        return [f"not resolved: {found.reason}"]
    some = "" if found.fitted == found.complete else f"{found.fitted} of "
    trials = f"{some}{count(found.complete, 'complete trial')}"
    lines = [
        f"{found.surrogate} on {trials}, {found.random} of them drawn at random; leave-one-out R² "
        f"{found.r2:.2f}; it explains {share(found.explained)} of the variance of "
        f"{unit(found.quality)} over the space"
    ]
    if found.reason:
        lines.append(f"not resolved: {found.reason}")
    if found.leans:
        lines.append(found.leans)
    if found.failed:
        lines.append(
            f"{count(found.failed, 'failed trial')} in no fit: what fails more often is seen less"
        )
    return lines


def foremost(found: Attribution) -> str:
    """One sentence: the layers that matter most."""
    known = sorted(
        (one for one in found.places if one.resolved), key=lambda one: (-one.share, one.place)
    )
    if not found.surrogate or not known:
        return f"No layer is resolved: {found.reason or 'every interval covers zero'}."
    said = [f"{one.place} ({percents(one.share, one.share_low, one.share_high)})" for one in known]
    rest = len(found.places) - len(known)
    more = f" {count(rest, 'place')} not resolved." if rest else ""
    of = f"of the variance of {unit(found.quality)}"
    return f"What matters most: {', '.join(said[:3])} {of}.{more}"


def pair_lines(found: Attribution) -> list[str]:
    """What each pair changes beyond the sum of its two."""
    if found.surrogate and not found.pairs:
        return [f"The {found.surrogate} knows no pairs: what it says adds up."]
    return [
        f"{pair.first} with {pair.second}: {percents(pair.share, pair.low, pair.high)} of the "
        f"variance{'' if pair.resolved else ', not resolved'}; most of all {pair.cell[0]} with "
        f"{pair.cell[1]}, {signed_span(pair.beyond, pair.beyond_low, pair.beyond_high)} beyond "
        "the sum"
        for pair in found.pairs
    ]


def front_lines(found: Attribution) -> list[str]:
    """Options whose share on the front is not that of the space; then what could be seen at all."""
    telling = [
        (-abs(one.front.count / one.front.members - one.front.chance), group.place, one)
        for group, one in _each(found.groups)
        if one.front.differs
    ]
    lines = [
        f"{place} {one.option}: on {one.front.count} of {one.front.members} "
        f"({percents(one.front.count / one.front.members, one.front.low, one.front.high)}), "
        f"{share(one.front.chance)} of the space"
        for _, place, one in sorted(telling, key=lambda row: row[:2])[:SAID]
    ]
    if not lines:
        lines.append("no option stands there more or less often than chance would have it")
    if found.told_apart is None:
        least = f"a front of {found.front} cannot tell any share from one half"
    else:
        least = (
            f"a front of {found.front} tells a share from one half when they are "
            f"{math.ceil(100 * found.told_apart)} points apart, not before"
        )
    return [*lines, least]


def failure_lines(found: Attribution) -> list[str]:
    """Options that fail more often than the whole."""
    every = found.failed + found.complete
    rate = found.failed / every if every else 0.0
    return [
        f"{group.place} {one.option}: {one.failed} of {one.failed + one.complete} failed, "
        f"{share(rate)} of all"
        for group, one in _each(found.groups)
        if one.failed and share_interval(one.failed, one.failed + one.complete)[0] > rate
    ][:SAID]


def short_rows(found: Attribution) -> tuple[list[str], list[list[str]]]:
    """The columns that fit on a terminal."""
    rows = [
        [
            group.place,
            group.what,
            one.label,
            signed_span(one.value, one.low, one.high),
            percents(group.share, group.share_low, group.share_high),
            "resolved" if group.resolved and one.resolved else "not resolved",
            f"{one.complete}",
            f"{one.failed}",
        ]
        for group in found.groups
        for one in group.effects
    ]
    head = ["place", "of", "option", f"effect on {unit(found.quality)}", "share of the group"]
    return [*head, "", "complete", "failed"], rows


def signed_span(value: float, low: float, high: float) -> str:
    """`-0.36 [-0.43, -0.30]`: to the second digit of the half width."""
    half = 0.5 * (high - low)
    places = max(0, 1 - math.floor(math.log10(half))) if half > 0 else 3
    return f"{value:+.{places}f} [{low:+.{places}f}, {high:+.{places}f}]"


def percents(value: float, low: float, high: float) -> str:
    """`46 % [31, 60]`."""
    return f"{100 * value:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


def _each(groups: Sequence[GroupEffects]) -> Iterator[tuple[GroupEffects, Effect]]:
    """Every option once: a value of an axis that one family alone has is said by the family."""
    for group in groups:
        for one in group.effects:
            if group.of[0] == "family" or len(one.families) != 1:
                yield group, one
