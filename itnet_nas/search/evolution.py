"""Evolution: children of the best trials so far, an edit or two away.

Steady state: there are no generations to wait for. At each question the population is read from
the log, so workers never idle and a resumed run goes on as it would have.

Source  selection of Deb et al., NSGA-II, 2002; one child at a time as in regularised evolution
        (Real et al., arXiv 1802.01548), with canonical keys against duplicates.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, final

from itnet_nas.analysis.pareto import crowding, nondominated_rank, signed
from itnet_nas.arch.cost import costs as computed_costs
from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import contains
from itnet_nas.arch.mutate import crossover, mutate
from itnet_nas.search.drawing import known_keys
from itnet_nas.search.newcomer import newcomer
from itnet_nas.search.priors import split
from itnet_nas.search.searcher import RANDOM, Proposal, Searcher
from itnet_nas.search.stratified import draw_stratified

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.stratified import CostsOf
    from itnet_nas.space.space import Space

POPULATION = 30
RANDOM_SHARE = 0.2
LEAST_RANDOM = 4
MOST_RANDOM = 20
TOURNAMENT = 8
CROSSOVER = 0.3
SECOND_EDIT = 0.3
CHILDREN = 100  # children that are known or break a constraint before a random one is drawn


@final
class EvolutionSearcher(Searcher):
    """NSGA-II's selection on a log, safe with any number of workers.

    The first proposals are random and spread over costs (`stratified`): a fifth of
    `search.trials`, at least 4 and at most 20. Random search goes on while no trial is complete.
    Then: two parents by tournaments of eight (better Pareto rank, then larger crowding distance)
    among the 30 best complete records; with probability 0.3 a crossover of both, else the first;
    then one mutation, and with probability 0.3 another. A child that is known or breaks a computed
    constraint is thrown away, and after 100 such a random architecture is proposed. Failed, stopped
    and infeasible trials are no parents, but their keys are known. What was found on another task
    plays no part.

    costs   what is known of an architecture before it is trained
    """

    name: ClassVar[str] = "evolution"

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
        records, _ = split(space, records)
        parents = []
        if len(records) + len(pending) >= random_start(space):
            parents = population(space, records)
        tried = [*(record.architecture for record in records), *pending]
        first = newcomer(space, parents, tried, known, rng)
        if first is not None:
            return Proposal(first, self.name)
        for _ in range(CHILDREN if parents else 0):
            child = _child(space, parents, rng)
            if child.key not in known and feasible(space, child):
                return Proposal(child, self.name)
        drawn = draw_stratified(space, known, len(known), rng, self._costs)
        return None if drawn is None else Proposal(drawn, RANDOM)


def random_start(space: Space) -> int:
    """How many proposals are random before the first child."""
    share = math.ceil(RANDOM_SHARE * space.search.trials)
    return min(max(share, LEAST_RANDOM), MOST_RANDOM)


def population(space: Space, records: Sequence[TrialRecord]) -> list[Architecture]:
    """The best complete records, best first; those of another space are left out."""
    names = {objective.name for objective in space.objectives}
    able = [r for r in records if r.complete and names <= r.objectives.keys()]
    points = [signed(record, space.objectives) for record in able]
    found: list[Architecture] = []
    for i in _best_first(points):
        if len(found) == POPULATION:
            break
        if contains(space, able[i].architecture):
            found.append(able[i].architecture)
    return found


def _best_first(points: Sequence[tuple[float, ...]]) -> list[int]:
    """Indices in the order of rank, then of crowding within the front; ties keep their order."""
    rank = nondominated_rank(points)
    room = [0.0] * len(points)
    for front in set(rank):
        members = [i for i, r in enumerate(rank) if r == front]
        for i, space in zip(members, crowding([points[i] for i in members]), strict=True):
            room[i] = space
    return sorted(range(len(points)), key=lambda i: (rank[i], -room[i]))


def _child(space: Space, parents: Sequence[Architecture], rng: Random) -> Architecture:
    first, second = _tournament(parents, rng), _tournament(parents, rng)
    if rng.random() < CROSSOVER:
        first = crossover(space, first, second, rng)
    child = mutate(space, first, rng)
    return mutate(space, child, rng) if rng.random() < SECOND_EDIT else child


def _tournament(parents: Sequence[Architecture], rng: Random) -> Architecture:
    """The best of a few; parents stand best first."""
    return parents[min(rng.randrange(len(parents)) for _ in range(TOURNAMENT))]
