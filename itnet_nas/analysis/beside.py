"""`Beside`: what a report shows beside the records of the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.certificate import Certificate
    from itnet_nas.results.record import TrialRecord


@final
@dataclass(frozen=True)
class Beside:
    """Empty where nothing was asked for.

    certificate     of the trial whose layers are shown
    confirmations   records of the front again, under fresh seeds (`Store.confirmations`)
    baseline        records of random search at the same budget (`Store.baseline`)
    rungs           records of trials where they were halted (`Store.rungs`)
    """

    certificate: Certificate | None = None
    confirmations: Sequence[TrialRecord] = ()
    baseline: Sequence[TrialRecord] = ()
    rungs: Sequence[TrialRecord] = ()


NOTHING = Beside()
