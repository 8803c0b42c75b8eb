"""Ortho: a fixed rotation of the whole sequence.

    y = Q x                         Q a random orthogonal 48 x 48 matrix over positions, x white

2,048 sequences to learn from. Metric: R², 0 by chance.

Planted  A rule of its own for each pair of positions, over all of them. One kernel for all lags has
         95 numbers and not 2,304; a window sees too little; weights of a softmax are positive, and
         content says nothing about where something stands.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from itnet_nas.axes import Content, Sharing, State, Support
from itnet_nas.tasks import Domain, Input, Real
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import Examples, PlantedReals, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTH = 48
RULE = 3  # seed of the matrix


@final
class OrthoTask(PlantedReals):
    """Where does a rotation of all positions send this?"""

    summary = "planted: a random rotation over positions; a position mixer wins"
    planted = (
        LayerAnswer(
            "position_mixer",
            {
                "support": Support.FULL,
                "sharing": Sharing.POSITION_SPECIFIC,
                "state": State.NONE,
                "content": Content.NONE,
            },
        ),
    )
    domain = Domain(kind="sequence", shape=(LENGTH,))
    inputs: ClassVar[tuple[Input, ...]] = (Real(channels=1),)
    steps = 400
    n_train = 2048

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """Q, (48, 48)."""
        q_NN, r_NN = np.linalg.qr(stream(RULE).standard_normal((LENGTH, LENGTH)))
        # The signs of a QR factorisation are the library's choice; these are not.
        return np.asarray(q_NN * np.sign(np.diag(r_NN)))

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        x_BN = rng.standard_normal((count, LENGTH))
        y_BN = x_BN @ self.matrix.T
        return Examples((x_BN[..., None].astype(np.float32),), y_BN[..., None].astype(np.float32))

    def variance(self) -> float:
        """A row of Q has length 1."""
        return 1.0
