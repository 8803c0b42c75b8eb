"""`Searcher`: a strategy, as a pure function of the log."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


class Searcher(ABC):
    """Proposes the next architecture.

    The controller calls `ask` from one thread, once per proposal, with every record so far (ordered
    by number) and what is still being trained. A searcher keeps no state of its own: the same
    arguments give the same proposal, so resuming a run is reading its log.
    """

    name: ClassVar[str]

    @abstractmethod
    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Architecture | None:
        """A feasible member of `space` whose key is in neither `records` nor `pending`.

        None when no such architecture could be found.
        """
