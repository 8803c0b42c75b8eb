"""The part of the report that says whether the search has settled, with random search beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from itnet_nas.analysis.baseline import baseline
from itnet_nas.analysis.baseline_words import TOO_FEW, sentences
from itnet_nas.analysis.hypervolume import scale
from itnet_nas.analysis.hypervolume_chart import HypervolumeChart, hypervolume_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.hypervolume import Scale
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


@final
@dataclass(frozen=True)
class BaselineSection:
    """The picture, the hypervolume at its end with its scale, and what to say of random search."""

    picture: HypervolumeChart
    hypervolume: float
    scale: Scale
    sentences: list[str]


def baseline_section(
    space: Space, records: Sequence[TrialRecord], made: Sequence[TrialRecord]
) -> BaselineSection | None:
    """None where there is no hypervolume to show yet."""
    found = baseline(space, records, made)
    picture = hypervolume_chart(space, records, found)
    if picture is None:
        return None
    on = scale(space, [*records, *made]) if found is None else found.scale
    said = [TOO_FEW[0].upper() + TOO_FEW[1:] + "."] if found is None else sentences(found)
    return BaselineSection(picture, on.hypervolume(records), on, said)
