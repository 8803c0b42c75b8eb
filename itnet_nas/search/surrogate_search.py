"""The surrogate strategy: children of the front, ranked by what they are expected to add to it.

1  Random. The first proposals are random and spread over costs.
2  Model. Quality is guessed by a surrogate; a cost that can be computed is computed, never guessed.
3  Propose. Children of the two best fronts, in rounds, and of those the one with the largest
   expected improvement of the hypervolume (`improvement`).

What is pending counts as if it had ended as expected, so many workers do not propose the same.
Trials that failed say how likely another one fails, and an improvement counts by the chance that
it comes about; of quality, which they do not have, they say nothing. One proposal in ten is a child
that the surrogate had no part in, so that a surrogate that is wrong is found out.

Source  expected hypervolume improvement as in Emmerich et al. 2006; mutations of the best as the
        candidates follows White et al., arXiv 2107.07343.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from itnet_nas.arch.cost import costs as computed_costs
from itnet_nas.search.candidates import children
from itnet_nas.search.drawing import known_keys
from itnet_nas.search.guess import Guess, Observations
from itnet_nas.search.searcher import RANDOM, Proposal, Searcher
from itnet_nas.search.stratified import draw_stratified

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.candidates import Candidate
    from itnet_nas.search.stratified import CostsOf
    from itnet_nas.space.space import Space

START = 20
TOLD_START = 8
ROUNDS = 10
CHILDREN = 100  # in each round
STRANGERS = 0.15  # of the first round, from the whole space
BEST = 20  # parents of a later round
BLIND = 0.1
LEAST = 5  # complete trials before anything is modelled


@final
class SurrogateSearcher(Searcher):
    """See the top of the file. `costs` gives what can be known of an architecture beforehand.

    Without an expected improvement anywhere, or a candidate, a random architecture is proposed.
    """

    name: ClassVar[str] = "surrogate"

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
        seen = Observations.of(space, records)
        start = random_start(space, len(pending), told=bool(seen.others))
        if len(known) < start or len(seen.complete) < LEAST:
            return self._random(space, known, rng)
        guess = Guess(space, seen, pending, self._costs)
        if not guess.surrogate.informed and len(known) < random_start(space, len(pending), False):
            return self._random(space, known, rng)  # what was told does not hold here
        chosen = self._chosen(guess, space, known, rng)
        if chosen is None:
            return self._random(space, known, rng)
        return Proposal(chosen, self.name, str(guess.surrogate))

    def _random(self, space: Space, known: set[str], rng: Random) -> Proposal | None:
        drawn = draw_stratified(space, known, len(known), rng, self._costs)
        return None if drawn is None else Proposal(drawn, RANDOM)

    def _chosen(
        self, guess: Guess, space: Space, known: set[str], rng: Random
    ) -> Architecture | None:
        """The candidate with the largest expected improvement; None where none has any."""
        parents, tried = guess.parents, set(guess.known)
        if rng.random() < BLIND:
            return _new(children(space, parents, 20, tried, rng), known)
        found: list[tuple[float, int, Candidate]] = []
        for round_ in range(ROUNDS):
            strangers = STRANGERS if round_ == 0 else 0.0
            fresh = children(space, parents, CHILDREN, tried, rng, strangers)
            if not fresh:
                break
            tried |= {one.genotype for one in fresh}
            for one, gain in zip(fresh, guess.improvement(fresh), strict=True):
                # Rounded, so that how sums came out on another machine decides nothing.
                found.append((-float(f"{gain:.9g}"), len(found), one))
            found.sort()
            parents = [one.genotype for _, _, one in found[:BEST]]
        return _new([one for gain, _, one in found if gain < 0], known)


def _new(candidates: Sequence[Candidate], known: set[str]) -> Architecture | None:
    """The first that was not proposed before."""
    return next((one.architecture for one in candidates if one.architecture.key not in known), None)


def random_start(space: Space, pending: int, told: bool) -> int:
    """So many proposals are random: 20, or two per worker, but no more than half of the trials.

    Who was told of another task has something to go by, and needs a few to see whether it holds.
    """
    workers = max(pending + 1, space.search.workers or 1)
    most = max(LEAST, space.search.trials // 2)
    return min(max(TOLD_START if told else START, 2 * workers), most)
