"""What of the log is a result of this search, and what the search was merely told beforehand.

A record of another task, of other data or of another recipe says nothing certain about an
architecture here: it is no member of a front, no parent, and its key may be proposed. A strategy
that learns from it does so knowingly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


def split(
    space: Space, records: Sequence[TrialRecord]
) -> tuple[list[TrialRecord], list[TrialRecord]]:
    """(results, priors), each in the order given.

    A result was trained on the task of the space and on the same data; every other is a prior, and
    so is what was taken over from a run with another recipe.
    """
    results: list[TrialRecord] = []
    priors: list[TrialRecord] = []
    for record in records:
        (results if is_result(space, record) else priors).append(record)
    return results, priors


def is_result(space: Space, record: TrialRecord) -> bool:
    """Whether the record's figures are those that a trial of this space would leave."""
    if record.data != space.facts.data or record.task != space.task:
        return False
    return not record.imported or record.recipe == space.recipe
