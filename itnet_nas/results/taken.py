"""`Taken`: what a new run takes over from another one, so that it never needs that one again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from itnet_nas.results.record import TrialRecord


@final
@dataclass(frozen=True)
class Taken:
    """Empty for a run that begins from nothing.

    results   records of the new run, numbered from 0
    priors    records of another task, numbered apart from them
    weights   number of a result -> the file that holds its weights
    notes     what was taken and what was not, for a person
    """

    results: tuple[TrialRecord, ...] = ()
    priors: tuple[TrialRecord, ...] = ()
    weights: Mapping[int, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


NOTHING = Taken()
