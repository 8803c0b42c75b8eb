"""Trials that a run took over from another one: not counted as its own, and named."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from itnet_nas.analysis.numbers import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.results.record import TrialRecord


def own(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The records of trials that this run trained."""
    return [record for record in records if not record.imported]


def imported_text(records: Sequence[TrialRecord], what: str = "result") -> str:
    """`7 results from runs/a, 2 results from runs/b`; empty where nothing was taken over."""
    runs = Counter(record.imported for record in records if record.imported)
    return ", ".join(f"{count(number, what)} from {run}" for run, number in runs.most_common())
