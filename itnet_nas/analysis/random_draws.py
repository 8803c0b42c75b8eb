"""What many random searches would draw, without making each of them.

Random search spreads its draws over the first cost: draw k is, of some thirty samples, the nearest
to place k of the van der Corput sequence on the range of their costs. Here a pool is drawn so once,
and every search takes members of it, again spread over their costs, each member once.
"""

from __future__ import annotations

import itertools
import math
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from itnet_nas.arch.cost import costs
from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.sample import sample
from itnet_nas.arch.van_der_corput import van_der_corput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.space.space import Space

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

POOL = (300, 1000)  # architectures, at least and at most; twice the trials in between
DRAWS = 5  # samples for each of them
LOOKS = 30  # samples that one draw of random search chooses from
BLUR = 0.05  # how far a draw lies from its place, as a share of the pool; sd


def pool(space: Space, trials: int) -> list[Architecture]:
    """Distinct feasible members; fewer than there are trials where the space has no more."""
    wanted = min(max(2 * trials, POOL[0]), max(POOL[1], trials))
    rng = Random(0)
    samples = [sample(space, rng) for _ in range(DRAWS * wanted)]
    left = [architecture for architecture in samples if feasible(space, architecture)]
    cost = spread_cost(space, left)
    found: dict[str, Architecture] = {}
    for place in itertools.count():
        if not left or len(found) == wanted:
            break
        looks = rng.sample(range(len(left)), min(LOOKS, len(left)))
        chosen = looks[0] if cost is None else _nearest(cost, looks, van_der_corput(place))
        architecture = left[chosen]
        left[chosen] = left[-1]
        left.pop()
        if cost is not None:
            cost[chosen] = cost[-1]
            cost.pop()
        found.setdefault(architecture.key, architecture)
    return list(found.values())


def orders(
    cost: Sequence[float] | None, size: int, trials: int, searches: int, rng: np.random.Generator
) -> Places:
    """Members of a pool of `size` that each search trains, (searches, at most trials), in order.

    cost    of the members; None draws them in any order
    """
    most = min(trials, size)
    if cost is None:
        return rng.random((searches, size)).argsort(axis=1)[:, :most]
    by_cost = np.argsort(np.asarray(cost), kind="stable")
    free_KP = np.zeros((searches, size))
    places_P = (np.arange(size) + 0.5) / size
    drawn = np.empty((searches, most), dtype=np.int64)
    for k in range(most):
        wanted_K = van_der_corput(k) + BLUR * rng.standard_normal(searches)
        far_KP = np.abs(places_P - np.clip(wanted_K, 0.0, 1.0)[:, None]) + free_KP
        drawn[:, k] = far_KP.argmin(axis=1)
        free_KP[np.arange(searches), drawn[:, k]] = np.inf
    return by_cost[drawn]


def spread_cost(space: Space, architectures: Sequence[Architecture]) -> list[float] | None:
    """Logarithm of the first cost that there is a formula for; None without one."""
    figures = [costs(space, architecture) for architecture in architectures]
    for objective in space.objectives[1:]:
        if figures and all(objective.name in one for one in figures):
            values = [one[objective.name] for one in figures]
            # A state of 0 bytes has no logarithm.
            beyond = 0.0 if min(values) > 0 else 1.0 - min(values)
            return [math.log(value + beyond) for value in values]
    return None


def _nearest(cost: Sequence[float], looks: Sequence[int], place: float) -> int:
    low, high = min(cost[i] for i in looks), max(cost[i] for i in looks)
    return min(looks, key=lambda i: abs(cost[i] - low - place * (high - low)))
