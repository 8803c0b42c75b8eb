"""One long series of numbers, out of an .npz file: what `arrays` trains on when it forecasts.

    windows of `context` rows predict the next `horizon` rows of some columns

Split   by time: the first 70 % of the rows train, the next 10 % validation, the rest test. A window
        lies wholly in its part, so no row is in two parts.
Scale   every column is standardised with mean and deviation of the training rows

Shapes  B windows, T rows, N context, H horizon, C columns, K predicted columns
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, final

import numpy as np

from itnet_tasks.npz import complain, read_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from itnet_nas.tasks import Batch, Split
    from itnet_tasks.files import Stamp

    Numbers = NDArray[np.float32]


@final
@dataclass(frozen=True, eq=False)
class Series:
    """The three parts, float32 (T, C), standardised; and what is predicted of them."""

    rows: Mapping[Split, Numbers]
    context: int
    horizon: int
    columns: tuple[int, ...]
    digest: str

    @property
    def channels(self) -> int:
        """Numbers in a row."""
        return int(self.rows["train"].shape[1])

    @property
    def persistence(self) -> float:
        """Validation MSE of saying that everything stays as it last was; four decimals."""
        x_TK = self.rows["validation"][:, self.columns].astype(np.float64)
        count = self.count("validation")
        last_BK = x_TK[self.context - 1 :][:count]
        errors = [
            ((x_TK[self.context + ahead :][:count] - last_BK) ** 2).mean()
            for ahead in range(self.horizon)
        ]
        return round(float(np.mean(errors)), 4)

    def count(self, split: Split) -> int:
        """Windows of a split, one beginning at every row that leaves room for it."""
        return len(self.rows[split]) - self.context - self.horizon + 1

    def batch(self, split: Split, index_B: NDArray[np.int64]) -> Batch:
        """The windows that begin at these rows; targets (B, H·K), row by row."""
        import torch

        from itnet_nas.tasks import Batch

        x_TC = self.rows[split]
        x_BNC = x_TC[index_B[:, None] + np.arange(self.context)]
        ahead_BH = index_B[:, None] + np.arange(self.context, self.context + self.horizon)
        y_BHK = x_TC[:, self.columns][ahead_BH]
        return Batch((torch.from_numpy(x_BNC),), torch.from_numpy(y_BHK.reshape(len(index_B), -1)))


@lru_cache(maxsize=2)
def load_series(
    file: Stamp, key: str, context: int, horizon: int, columns: tuple[int, ...] | None
) -> Series:
    """Read, check, split and standardise. Raises DataUnavailable."""
    x = read_numbers(file, key)
    if x.ndim not in (1, 2):
        raise complain(
            file, key, f"has shape {x.shape}, expected one series: (T,) or (T, C), time first"
        )
    x_TC = x.reshape(len(x), -1)
    length, channels = x_TC.shape
    beyond = [column for column in columns or () if column >= channels]
    if beyond:
        raise complain(
            file,
            key,
            f"has {channels} columns, numbered from 0, but `columns` names {beyond[0]}",
        )
    first, second = length * 7 // 10, length * 8 // 10
    needed = context + horizon
    if second - first < needed:
        raise complain(
            file,
            key,
            f"has {length} rows, so {second - first} in the validation part (a tenth), but one "
            f"window takes context + horizon = {needed}; give at least {10 * needed} rows, or a "
            f"smaller context or horizon",
        )
    digest = blake2b(f"{x_TC.shape}\n".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(x_TC).data)
    mean_C = x_TC[:first].mean(0, dtype=np.float64)
    deviation_C = x_TC[:first].std(0, dtype=np.float64)
    deviation_C[deviation_C == 0] = 1  # a constant column says nothing; it becomes 0
    x_TC = ((x_TC - mean_C) / deviation_C).astype(np.float32)
    return Series(
        {"train": x_TC[:first], "validation": x_TC[first:second], "test": x_TC[second:]},
        context,
        horizon,
        tuple(range(channels)) if columns is None else columns,
        digest.hexdigest(),
    )
