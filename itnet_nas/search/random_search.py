"""Random search: the baseline that every other strategy has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from itnet_nas.arch.count import ENUMERABLE, enumerate_all, raw_count
from itnet_nas.arch.feasible import feasible, sample_feasible
from itnet_nas.search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

MISSES = 100  # feasible samples that are all known before the rest of the space is looked at
TRIES = 200  # samples before one of them walks to what is feasible


@final
class RandomSearcher(Searcher):
    """Feasible samples (`arch.sample`), each key once.

    A proposal depends on `rng` and on the set of keys already proposed, not on what came of them
    or in which order: one worker and many propose the same. When samples keep hitting known keys
    and the space is small (`ENUMERABLE` answers), what is left is written out and drawn from, so a
    small space is searched to its last architecture. None when nothing is left.
    """

    name: ClassVar[str] = "random"

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Architecture | None:
        """A feasible architecture with a new key."""
        return draw_new(space, known_keys(records, pending), rng)


def known_keys(records: Sequence[TrialRecord], pending: Sequence[Architecture]) -> set[str]:
    """Keys that were proposed already, whatever came of them."""
    return {record.key for record in records} | {architecture.key for architecture in pending}


def draw_new(space: Space, known: Collection[str], rng: Random) -> Architecture | None:
    """A feasible architecture whose key is not known; None where none was found."""
    for _ in range(MISSES):
        architecture = sample_feasible(space, rng, TRIES)
        if architecture is None:
            break
        if architecture.key not in known:
            return architecture
    if raw_count(space) > ENUMERABLE:
        return None
    rest = [a for a in enumerate_all(space) if a.key not in known and feasible(space, a)]
    return rng.choice(rest) if rest else None
