"""Random architectures that differ in one decision alone.

`bases` are drawn as `arch.sample` draws. For a group, each base in which the decision is open is
given every option in turn, its answer drawn as the option has it; all else stays. So a difference
between two options is a mean of differences between twins.

Constraints are left aside, as in `arch.sample`: what is said is said of the whole space.

Shapes  B bases, O options, N = B·O rows with the options of one base next to each other
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.arch.genotype import genotype_of, realise
from itnet_nas.arch.plan import plan_of
from itnet_nas.arch.sample import EMPTY_DRAWS, draw
from itnet_nas.surrogate.many import ManyRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from itnet_nas.analysis.option_groups import Answer, Decision, Group, Option
    from itnet_nas.arch.genotype import Genotype
    from itnet_nas.space.space import Space
    from itnet_nas.surrogate.encoding import Rows


@final
class MatchedDraws:
    """`count` bases of a space; the same seed gives the same ones."""

    def __init__(self, space: Space, count: int, seed: int = 0) -> None:
        self.space = space
        self._plan = plan_of(space)
        self._many = ManyRows(space)
        self._seed = seed
        # Without edges and motifs to choose, answers and architectures are one to one.
        self._plain = not self._plan.edge_slots and not space.repeats
        rng = Random(seed)
        self.bases: list[Genotype] = []
        for _ in range(count + EMPTY_DRAWS):
            if len(self.bases) == count:
                break
            one = draw(space, rng)
            if self._as_found(one) is not None:
                self.bases.append(one)

    def rows(self) -> Rows:
        """The bases themselves."""
        found = [self._as_found(base) for base in self.bases]
        return self._many.of([one for one in found if one is not None])

    def places(self, group: Group) -> NDArray[np.int64]:
        """Per base the index of the option that it has; -1 where it has none."""
        found = []
        for base in self.bases:
            there = group.decision.open(self._plan, base)
            place = group.option_of(group.decision.answer(base)) if there else None
            found.append(-1 if place is None else place)
        return np.array(found, dtype=np.int64)

    def twins(
        self, decisions: Sequence[Decision], options: Sequence[Sequence[Option]], most: int
    ) -> tuple[Rows, int]:
        """Rows of at most `most` bases, and how many bases there are.

        An element of `options` holds one option per decision, all of which are given together. A
        base in which a decision is closed, or where an option leaves no layer, is left out.
        """
        names = " ".join(f"{one.field}{one.index}" for one in decisions)
        rng = Random(f"{self._seed} {names}")
        found: list[Genotype] = []
        bases = 0
        for base in self.bases:
            if bases == most:
                break
            if not all(decision.open(self._plan, base) for decision in decisions):
                continue
            twins = list(self._twins(base, decisions, options, rng))
            if len(twins) == len(options):
                found += twins
                bases += 1
        return self._many.of(found), bases

    def _twins(
        self,
        base: Genotype,
        decisions: Sequence[Decision],
        options: Sequence[Sequence[Option]],
        rng: Random,
    ) -> Iterator[Genotype]:
        for together in options:
            twin = base
            for decision, option in zip(decisions, together, strict=True):
                twin = decision.given(twin, _drawn(option, rng))
            found = self._as_found(twin)
            if found is not None:
                yield found

    def _as_found(self, genotype: Genotype) -> Genotype | None:
        """The answers that the architecture would be read as; None where it has no layer."""
        if self._plain:
            return genotype if any(choice is not None for choice in genotype.choices) else None
        try:
            return genotype_of(self.space, realise(self.space, genotype))
        except ValueError:
            return None


def _drawn(option: Option, rng: Random) -> Answer:
    if len(option.answers) == 1:
        return option.answers[0][0]
    answers, weights = zip(*option.answers, strict=True)
    drawn: Answer = rng.choices(answers, weights)[0]
    return drawn
