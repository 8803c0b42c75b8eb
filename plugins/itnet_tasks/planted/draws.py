"""Random draws for many examples at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def some_of(total: int, wanted: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`wanted` different numbers below `total` in random order, for each of `count` examples.

    Returns (count, wanted) int64. With `wanted` = `total` these are permutations.
    """
    whole = np.broadcast_to(np.arange(total), (count, total))
    return rng.permuted(whole, axis=1)[:, :wanted].copy()
