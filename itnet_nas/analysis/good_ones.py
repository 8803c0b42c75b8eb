"""What the good ones share: how often each option is on the front, beside its share of the space.

This is another question than what an option changes over the whole space. An option may be worth
nothing on the average and still be on every member of the front, as a cheap one is; and an option
that is worth much may be rare there, because it costs too much.

Intervals are exact for members that were found independently. Those of a search that breeds from
its own front are not: they inherit from each other, so the true uncertainty is larger.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from itnet_nas.analysis.binomial import noticed_from, share_interval
from itnet_nas.arch.genotype import genotype_of
from itnet_nas.arch.plan import plan_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.option_groups import Group
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


@final
@dataclass(frozen=True)
class Shared:
    """One option on the front.

    members   of the front in which its decision is open and answered within the group
    count     of them that have the option; low, high: 95 % interval of the share behind it
    chance    its share of the space
    """

    count: int
    members: int
    low: float
    high: float
    chance: float

    @property
    def differs(self) -> bool:
        """Whether the share on the front is another one than that of the space."""
        return not self.low <= self.chance <= self.high


def shared(group: Group, counts: Counter[int]) -> tuple[Shared, ...]:
    """Per option of the group; `counts` as `option_counts` gives them."""
    members = sum(counts.values())
    found = []
    for place, option in enumerate(group.options):
        low, high = share_interval(counts[place], members)
        found.append(Shared(counts[place], members, low, high, option.probability))
    return tuple(found)


def option_counts(
    space: Space, records: Sequence[TrialRecord], groups: Sequence[Group]
) -> list[Counter[int]]:
    """Per group how many records have each option; records of strangers are left out."""
    plan = plan_of(space)
    found: list[Counter[int]] = [Counter() for _ in groups]
    for record in records:
        genotype = genotype_of(space, record.architecture)
        if genotype is None:
            continue
        for group, counts in zip(groups, found, strict=True):
            if group.decision.open(plan, genotype):
                place = group.option_of(group.decision.answer(genotype))
                if place is not None:
                    counts[place] += 1
    return found


def told_apart(members: int, share: float = 0.5) -> float | None:
    """The smallest difference from `share`, upwards, that so many members can show; or None."""
    least = noticed_from(members, share)
    return None if least is None else least / members - share
