"""`Budget`: how much of a layer's Jacobian a probe reads.

Rows of the base scores, over all examples: positions · channels · (inputs + moved_inputs · shifts),
and once more positions · channels · inputs where content has to be put into other surroundings to
be compared (a mask, a cloud).

The default probe, before and after training, takes less than a twentieth of the time of a training
of 300 steps of 32 examples (`benchmarks/probe.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Budget:
    """How much is read. A cheap budget gives wider intervals, not other scores.

    inputs           examples
    positions        positions whose rows are read, the same for all examples
    channels         output channels of each of these positions
    moved_inputs     how many of the examples are also moved: before and after are compared row by
                     row, so that few of them say enough
    shifts           how far the field is moved, in positions; shortened where a domain is small
    memory_rows      cotangents on the future of each cut, per example; 0: `state` is not asked for
    memory_cuts      places where a sequence is cut into past and future
    third_positions  positions of each example that `beyond_pairwise` asks about; 0: none
    resamples        how many times the rows are drawn again for the intervals
    """

    name: str
    inputs: int
    positions: int
    channels: int
    moved_inputs: int
    shifts: tuple[int, ...]
    memory_rows: int = 0
    memory_cuts: int = 1
    third_positions: int = 0
    resamples: int = 200


DEFAULT = Budget(
    "default", inputs=8, positions=4, channels=4, moved_inputs=4, shifts=(1, 3), memory_rows=12
)
FULL = Budget(
    "full",
    inputs=24,
    positions=6,
    channels=6,
    moved_inputs=24,
    shifts=(1, 3, 7),
    memory_rows=24,
    memory_cuts=3,
    third_positions=8,
    resamples=400,
)
