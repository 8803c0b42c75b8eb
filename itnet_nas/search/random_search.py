"""Random search: the baseline that every other strategy has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from itnet_nas.arch.cost import costs as computed_costs
from itnet_nas.search.drawing import known_keys
from itnet_nas.search.searcher import RANDOM, Proposal, Searcher
from itnet_nas.search.stratified import draw_stratified

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.stratified import CostsOf
    from itnet_nas.space.space import Space


@final
class RandomSearcher(Searcher):
    """Feasible samples spread over the first cost (`stratified`), each key once.

    A proposal depends on `rng` and on the set of keys already proposed, not on what came of them
    or in which order: one worker and many propose the same. A small space is searched to its last
    architecture. None when none was found.

    costs   what is known of an architecture before it is trained
    """

    name: ClassVar[str] = RANDOM

    def __init__(self, costs: CostsOf = computed_costs) -> None:
        self._costs = costs

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        """A feasible architecture with a new key."""
        known = known_keys(space, records, pending)
        drawn = draw_stratified(space, known, len(known), rng, self._costs)
        return None if drawn is None else Proposal(drawn, RANDOM)
