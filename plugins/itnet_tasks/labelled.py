"""Examples with a label each, out of .npz files: what `arrays` trains on when it classifies.

Shapes  B examples, N positions, C channels
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, final

import numpy as np

from itnet_nas.errors import DataUnavailable
from itnet_tasks.npz import complain, read_labels, read_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from itnet_nas.tasks import Batch, Split
    from itnet_tasks.files import Stamp

    Numbers = NDArray[np.float32]
    Labels = NDArray[np.int64]

Kind = Literal["sequence", "grid"]


@final
@dataclass(frozen=True, eq=False)
class Labelled:
    """The three splits: x float32 (n, N, C), standardised per channel; y int64 (n,)."""

    x: Mapping[Split, Numbers]
    y: Mapping[Split, Labels]
    kind: Kind
    shape: tuple[int, ...]  # of the domain
    classes: int
    digest: str

    @property
    def channels(self) -> int:
        """Numbers at each position."""
        return int(self.x["train"].shape[2])

    @property
    def majority(self) -> float:
        """Validation error of the most frequent training class; four decimals."""
        answer = np.bincount(self.y["train"]).argmax()
        return round(float((self.y["validation"] != answer).mean()), 4)

    def count(self, split: Split) -> int:
        """Examples of a split."""
        return len(self.y[split])

    def batch(self, split: Split, index_B: NDArray[np.int64]) -> Batch:
        """The examples with these numbers."""
        import torch

        from itnet_nas.tasks import Batch

        x_BNC, y_B = self.x[split][index_B], self.y[split][index_B]
        return Batch((torch.from_numpy(x_BNC),), torch.from_numpy(y_B))


@lru_cache(maxsize=2)
def load_labelled(
    train: Stamp,
    validation: Stamp | None,
    test: Stamp | None,
    x_key: str,
    y_key: str,
    kind: Kind | None,
    seed: int,
) -> Labelled:
    """Read, check, split and standardise. Raises DataUnavailable.

    A part without a file of its own is a tenth of `train`, drawn with `seed`.
    """
    x, y = _pair(train, x_key, y_key)
    found = _kind(train, x_key, x.shape, kind)
    digest = blake2b(digest_size=16)
    _add(digest, x, y)
    xs: dict[Split, Numbers] = {}
    ys: dict[Split, Labels] = {}
    given: dict[Split, Stamp | None] = {"validation": validation, "test": test}
    for split, file in given.items():
        if file is None:
            continue
        xs[split], ys[split] = _pair(file, x_key, y_key)
        _add(digest, xs[split], ys[split])
        if xs[split].shape[1:] != x.shape[1:]:
            raise complain(
                file,
                x_key,
                f"has shape {xs[split].shape}, expected (n, {_sizes(x.shape[1:])}) as in "
                f"{train.path}",
            )
    held_out = [split for split, file in given.items() if file is None]
    for split, index in divide(train, len(y), held_out, seed).items():
        xs[split], ys[split] = x[index], y[index]
    classes = count_classes(train, y_key, ys)
    domain = x.shape[1:3] if found == "grid" else x.shape[1:2]
    return Labelled(_standardise(xs, len(domain)), ys, found, domain, classes, digest.hexdigest())


def _pair(file: Stamp, x_key: str, y_key: str) -> tuple[Numbers, Labels]:
    x, y = read_numbers(file, x_key), read_labels(file, y_key)
    if x.ndim == 0 or len(x) != len(y):
        raise DataUnavailable(
            f'{file.path}: "{x_key}" has shape {x.shape} and "{y_key}" has shape {y.shape}; '
            f"expected as many examples in both"
        )
    return x, y


def _kind(file: Stamp, key: str, shape: tuple[int, ...], wanted: Kind | None) -> Kind:
    """(n, L) is a sequence, (n, H, W, C) a grid; three sizes may be either and must be named."""
    rank = len(shape)
    allowed: dict[Kind, tuple[int, ...]] = {"sequence": (2, 3), "grid": (3, 4)}
    if wanted is not None:
        if rank in allowed[wanted]:
            return wanted
        form = "(n, L) or (n, L, C)" if wanted == "sequence" else "(n, H, W) or (n, H, W, C)"
        raise complain(file, key, f"has shape {shape}, but a {wanted} has shape {form}")
    if rank == 3:
        raise complain(
            file,
            key,
            f"has shape {shape}, which may be sequences (n, L, C) or pictures (n, H, W); "
            f"say which with `domain: sequence` or `domain: grid`",
        )
    if rank not in (2, 4):
        raise complain(
            file,
            key,
            f"has shape {shape}, expected (n, L) or (n, L, C) for sequences, (n, H, W) or "
            f"(n, H, W, C) for pictures",
        )
    return "sequence" if rank == 2 else "grid"


def divide(
    file: Stamp, count: int, held_out: list[Split], seed: int
) -> dict[Split, NDArray[np.int64]]:
    """Which examples of a file train, and which tenth each split of `held_out` gets.

    Raises DataUnavailable where a tenth is less than one example.
    """
    if not held_out:
        return {"train": np.arange(count)}
    tenth = count // 10
    if tenth == 0:
        raise DataUnavailable(
            f"{file.path}: holds {count} examples, at least 10 are needed to hold a tenth out for "
            f"{' and '.join(held_out)}; give more, or files of their own"
        )
    order = np.random.Generator(np.random.PCG64(seed)).permutation(count)
    cuts = [count - tenth * left for left in range(len(held_out), 0, -1)]
    names: list[Split] = ["train", *held_out]
    return dict(zip(names, np.split(order, cuts), strict=True))


def count_classes(file: Stamp, key: str, ys: Mapping[Split, Labels]) -> int:
    """How many classes the splits have together. Raises DataUnavailable for a strange number."""
    classes = 1 + max(int(labels.max()) for labels in ys.values())
    if classes < 2:
        raise complain(file, key, "holds one class alone, expected at least two")
    if classes > ys["train"].size:
        raise complain(
            file,
            key,
            f"labels run up to {classes - 1}, but there are {ys['train'].size} training examples; "
            f"number the classes from 0 without gaps",
        )
    return classes


def _standardise(xs: Mapping[Split, Numbers], rank: int) -> dict[Split, Numbers]:
    """(n, *domain[, C]) -> (n, N, C) with mean 0, deviation 1 per channel of the training part."""
    flat: dict[Split, Numbers] = {}
    for split, x in xs.items():
        channels = x.shape[-1] if x.ndim > rank + 1 else 1
        flat[split] = x.reshape(len(x), -1, channels)
    mean = flat["train"].mean((0, 1), dtype=np.float64)
    deviation = flat["train"].std((0, 1), dtype=np.float64)
    deviation[deviation == 0] = 1  # a constant channel says nothing; it becomes 0
    return {
        split: ((x - mean.astype(np.float32)) / deviation.astype(np.float32))
        for split, x in flat.items()
    }


def _add(digest: blake2b, x: Numbers, y: Labels) -> None:
    digest.update(f"{x.shape}\n".encode())
    digest.update(np.ascontiguousarray(x).data)
    digest.update(y.data)


def _sizes(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
