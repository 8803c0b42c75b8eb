"""`Searcher`: a strategy, as a pure function of the log."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

RANDOM = "random"  # `Proposal.by` of what was drawn without looking at any result


class Proposal(NamedTuple):
    """What to train next.

    by   how it came about, as the record will have it: `RANDOM` for a draw that no result had a
         part in, so that what is said of the whole space can rest on fair samples; else the name of
         the strategy
    why  in a few words what it rests on; "" where there is nothing to say
    """

    architecture: Architecture
    by: str
    why: str = ""


class Searcher(ABC):
    """Proposes the next architecture.

    The controller calls `ask` from one thread, once per proposal, with every record so far (ordered
    by number) and what is still being trained. A searcher keeps no state of its own: the same
    arguments give the same proposal, so resuming a run is reading its log.

    Records of another task or of other data may stand before them: what a run was told beforehand.
    They are no results of this search, and their keys may be proposed; `priors.split` tells which.
    """

    name: ClassVar[str]

    @abstractmethod
    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        """A feasible member of `space` whose key is in neither `records` nor `pending`.

        None when no such architecture could be found.
        """
