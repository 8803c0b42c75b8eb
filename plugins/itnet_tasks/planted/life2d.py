"""Life: one step of a two-dimensional cellular automaton, from very few boards.

    y[p] = rule[ u[p] ][ Σ u[q] over the eight neighbours q of p ]

Boards are 10 x 10 cells, alive or dead with probability 1/2; the 64 inner cells are scored. The
rule is a random table of 2 x 9 bits under which a cell lives next with probability exactly 1/2,
whether it lives now or not. Metric: accuracy, 0.5 by chance.

Planted  A window that is the same everywhere: the table has 18 entries, and 32 boards hold 2,048
         cells to learn it from. A kernel that looks at the whole board, or has a rule of its own in
         every place, learns these 32 boards by heart. With unlimited boards a kernel over the whole
         board solves it too, so their number is what plants the window. Nearest comes a long
         convolution whose first taps fade with the distance (0.87 to 0.95).
Beside   Content does not matter: `dynamic_conv`, a window whose weights read it, solves it too.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from itnet_nas.axes import Sharing, Support
from itnet_nas.tasks import Categorical, Domain, Input
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import IGNORED, Examples, PlantedClasses, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 10
RULE = 4  # seed of the table
WAYS = (1, 8, 28, 56, 70, 56, 28, 8, 1)  # of the 256 neighbourhoods, how many hold 0 … 8 live cells


@final
class Life2dTask(PlantedClasses):
    """Does this cell live in the next step?"""

    summary = "planted: one step of a cellular automaton; a shared window wins"
    planted = (LayerAnswer("conv", {"support": Support.WINDOW, "sharing": Sharing.TRANSLATION}),)
    domain = Domain(kind="grid", shape=(SIDE, SIDE))
    inputs: ClassVar[tuple[Input, ...]] = (Categorical(classes=2),)
    classes = 2
    steps = 300
    n_train = 32

    @cached_property
    def rule(self) -> NDArray[np.int64]:
        """(2, 9): what becomes of a dead and of a live cell with 0 … 8 live neighbours."""
        rng = stream(RULE)
        return np.stack([_balanced(rng), _balanced(rng)])

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        board_BHW = rng.integers(0, 2, (count, SIDE, SIDE))
        around_BHW = sum(
            np.roll(board_BHW, (down, right), (1, 2))
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            if down or right
        )
        target_BHW = np.full_like(board_BHW, IGNORED)
        # Rolling joins opposite borders, but no inner cell sees across them.
        inner = (slice(None), slice(1, -1), slice(1, -1))
        target_BHW[inner] = self.rule[board_BHW, around_BHW][inner]
        return Examples((board_BHW.reshape(count, -1),), target_BHW.reshape(count, -1))


def _balanced(rng: np.random.Generator) -> NDArray[np.int64]:
    """Nine random bits that are 1 for exactly half of all neighbourhoods."""
    ways = np.array(WAYS)
    while True:
        bits = rng.integers(0, 2, len(ways))
        if bits @ ways == 128:
            return bits
