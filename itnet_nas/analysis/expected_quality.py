"""What a surrogate expects of networks: it orders what is trained next, and is never evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.analysis.pareto import signed
from itnet_nas.surrogate import fit
from itnet_nas.surrogate.encoding import encoding_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


def expected_quality(
    space: Space, records: Sequence[TrialRecord], networks: Mapping[str, Architecture]
) -> dict[str, float]:
    """Signed quality by key, as a surrogate of the complete records has it; 0 without any."""
    members = encoding_of(space)
    known = sorted(
        (one for one in records if one.complete and members.genotype(one.architecture) is not None),
        key=lambda one: (one.number, one.seed),
    )
    if not known or not networks:
        return dict.fromkeys(networks, 0.0)
    quality = [signed(one, space.objectives[:1])[0] for one in known]
    surrogate = fit(space, [one.architecture for one in known], quality)
    mean, _ = surrogate.predict(list(networks.values()))
    return dict(zip(networks, mean.tolist(), strict=True))
