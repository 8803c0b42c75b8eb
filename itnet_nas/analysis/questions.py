"""The questions of a certificate as they stand: answered, settled, or in need of more trainings.

A question is one layer and axis. Its p-value is the largest of its replacements' (all of them must
lose), and Holm's procedure runs over all questions that have replacements, trained or not, so that
their number does not depend on the data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from itnet_nas.analysis.significance import holm
from itnet_nas.analysis.swaps import axis_swaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.evidence import Comparison, Evidence, Replacement
    from itnet_nas.analysis.swaps import AxisSwaps
    from itnet_nas.arch.architecture import Architecture


@final
@dataclass(frozen=True)
class Question:
    """One layer and axis, and its replacements in the order of `asked.swaps`.

    necessary   whether it fell in Holm's procedure: every replacement that was tested loses
    level       the level that it was held to
    """

    asked: AxisSwaps
    tested: tuple[Replacement, ...]
    necessary: bool = False
    level: float = 0.0

    @property
    def compared(self) -> list[tuple[Replacement, Comparison]]:
        """The replacements with enough pairs."""
        return [(one, one.comparison) for one in self.tested if one.comparison is not None]

    @property
    def p(self) -> float:
        """Of "some replacement does as well", not corrected for other questions."""
        return max((said.p for _, said in self.compared), default=1.0)

    @property
    def waiting(self) -> bool:
        """Whether some replacement has too few trainings so far."""
        return any(one.state == "waiting" for one in self.tested)

    @property
    def settled(self) -> bool:
        """Whether no more training is spent on it: one is harmless, or all of them lose."""
        harmless = any(said.harmless for _, said in self.compared)
        return harmless or (self.necessary and not self.waiting)

    def target(self, one: Replacement, least: int) -> int:
        """How many pairs a replacement should have now."""
        if self.settled or one.state == "failed":
            return 0
        if one.state == "waiting":
            return least
        # One that has lost teaches no more; and while others wait, those may settle the question.
        lost = one.comparison is not None and one.comparison.p <= self.level
        return 0 if lost or self.waiting else one.seeds + 1


def questions(
    evidence: Evidence, architecture: Architecture, *, most: int = 2
) -> tuple[Question, ...]:
    """Every layer and axis of the candidate, also those without a replacement."""
    asked = axis_swaps(evidence.space, architecture, most=most)
    found = [Question(one, tuple(evidence.compare(swap) for swap in one.swaps)) for one in asked]
    family = [place for place, question in enumerate(found) if question.tested]
    said = holm([found[place].p for place in family], evidence.alpha)
    for place, necessary, level in zip(family, said.rejected, said.level, strict=True):
        question = found[place]
        found[place] = replace(
            question,
            tested=tuple(evidence.bounded(one, level) for one in question.tested),
            necessary=necessary and bool(question.compared),
            level=level,
        )
    return tuple(found)


def wanted(evidence: Evidence, asked: Sequence[Question]) -> set[tuple[str, int]]:
    """(key, index of the seed) of every training that may start now, as `next_trainings` says."""
    mine = evidence.key
    if evidence.hopeless(mine):
        return set()
    missing = evidence.least - len(evidence.figures(mine))
    unknown = [i for i in range(len(evidence.seeds)) if not evidence.known(mine, i)]
    found = {(mine, index) for index in unknown[: max(0, missing)]}
    metric = evidence.metric
    if metric is not None and metric.solved is not None and not evidence.solved:
        return found
    for question in asked:
        for one in question.tested:
            more = max(0, question.target(one, evidence.least) - one.seeds)
            for index in evidence.open_pairs(one.key)[:more]:
                found |= {(key, index) for key in (mine, one.key) if not evidence.known(key, index)}
    return found
