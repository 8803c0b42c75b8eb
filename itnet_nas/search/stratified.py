"""Random architectures spread evenly over costs.

Costs of samples pile up around a middle, so plain samples say little of what is cheap or dear. Here
the k-th draw looks at some thirty samples and takes the one whose cost lies nearest to a place on
the range of their costs (log scale). The places are the van der Corput sequence 0, 1/2, 1/4, 3/4,
1/8, …: any stretch of it covers the range evenly, so it does not matter how many draws there will
be. No result has a part in it.

Source  van der Corput, Verteilungsfunktionen, 1935.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING

from itnet_nas.arch.cost import costs as computed_costs
from itnet_nas.arch.van_der_corput import van_der_corput
from itnet_nas.search.drawing import draw_rest, new_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.space.space import Space

    CostsOf = Callable[[Space, Architecture], Mapping[str, float]]

POOL = 30


def draw_stratified(
    space: Space,
    known: Collection[str],
    place: int,
    rng: Random,
    costs: CostsOf = computed_costs,
) -> Architecture | None:
    """A feasible architecture whose key is not known; None where none was found.

    place   how many draws came before this one
    costs   what is known of an architecture before it is trained: name -> figure

    The first objective after quality that `costs` knows is spread; without one this is a plain
    sample.
    """
    pool = list(islice(new_samples(space, known, rng), POOL))
    if not pool:
        return draw_rest(space, known, rng)
    scale = _scale(space, pool, costs)
    if scale is None:
        return pool[0]
    low, high = min(scale.values()), max(scale.values())
    wanted = low + van_der_corput(place) * (high - low)
    nearest = min(scale, key=lambda index: abs(scale[index] - wanted))
    return pool[nearest]


def _scale(space: Space, pool: Sequence[Architecture], costs: CostsOf) -> dict[int, float] | None:
    """Index in the pool -> log of the cost that is spread; None where no objective is such a cost.

    What has no such figure, as a network that cannot decode has no state, is left out.
    """
    figures = [costs(space, architecture) for architecture in pool]
    for objective in space.objectives[1:]:
        name = objective.name
        values = {index: found[name] for index, found in enumerate(figures) if name in found}
        if values:
            # A state of 0 bytes has no logarithm; log(1 + x) is as good a scale for whole numbers.
            beyond = 0.0 if min(values.values()) > 0 else 1.0 - min(values.values())
            return {index: math.log(value + beyond) for index, value in values.items()}
    return None
