"""What failed, grouped by what went wrong."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.results.record import TrialRecord


def failed_by_kind(records: Sequence[TrialRecord]) -> dict[str, list[TrialRecord]]:
    """Kind of error -> the records that have it; the most frequent first, ties by name."""
    found: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in records:
        if record.error is not None:
            found[record.error.kind].append(record)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))
