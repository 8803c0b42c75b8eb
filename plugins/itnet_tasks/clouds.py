"""Clouds of points with labels, out of .npz files: what `arrays` trains on where points stand.

    points  (n, N, A)                where each point stands
    x       (n, N) or (n, N, C)      what is known of it beside; without this key, a 1 at each point
    mask    (n, N)                   0 where a cloud has no such point; without this key, all are
    y       (n,) or (n, N)           the class of a cloud, or of each of its points

Scale   places are moved and scaled with the training part, all axes by one factor, so that their
        coordinates have mean 0 and, over all axes, deviation 1; each channel of x by itself
Shapes  B clouds, N points, A coordinates, C channels
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np

from itnet_tasks.labelled import count_classes, divide
from itnet_tasks.npz import (
    complain,
    demand_classes,
    has_key,
    read_array,
    read_integers,
    read_numbers,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itnet_nas.tasks import Batch, Split
    from itnet_tasks.files import Stamp

    Numbers = NDArray[np.float32]

NAMED_BY = "points_key, x_key, mask_key or y_key"
IGNORED = -100  # the class of a point that is not there


class Keys(NamedTuple):
    """What the arrays of a file are called."""

    points: str
    x: str
    mask: str
    y: str


class Part(NamedTuple):
    """Clouds of one file, or of one split."""

    points: Numbers  # (n, N, A)
    x: Numbers  # (n, N, C)
    mask: NDArray[np.bool_]  # (n, N)
    y: NDArray[np.int64]  # (n,) or (n, N)

    def pick(self, index: NDArray[np.int64]) -> Part:
        """The clouds with these numbers."""
        return Part(self.points[index], self.x[index], self.mask[index], self.y[index])


@final
@dataclass(frozen=True, eq=False)
class Clouds:
    """The three splits, standardised."""

    parts: dict[Split, Part]
    classes: int
    padded: bool  # whether some point of some cloud is not there
    digest: str

    @property
    def length(self) -> int:
        """Points of a cloud, those that are not there among them."""
        return int(self.parts["train"].points.shape[1])

    @property
    def coordinates(self) -> int:
        """Numbers that say where a point stands."""
        return int(self.parts["train"].points.shape[2])

    @property
    def channels(self) -> int:
        """Numbers at each point beside."""
        return int(self.parts["train"].x.shape[2])

    @property
    def per_point(self) -> bool:
        """Whether each point has a label, and not each cloud."""
        return self.parts["train"].y.ndim == 2

    @property
    def majority(self) -> float:
        """Validation error of the most frequent training class; four decimals."""
        train, validation = self.parts["train"].y, self.parts["validation"].y
        answer = np.bincount(train[train != IGNORED]).argmax()
        return round(float((validation[validation != IGNORED] != answer).mean()), 4)

    def count(self, split: Split) -> int:
        """Clouds of a split."""
        return len(self.parts[split].y)

    def batch(self, split: Split, index_B: NDArray[np.int64]) -> Batch:
        """The clouds with these numbers."""
        import torch

        from itnet_nas.tasks import Batch

        points, x, mask, y = map(torch.from_numpy, self.parts[split].pick(index_B))
        return Batch((x,), y, mask if self.padded else None, points)


@lru_cache(maxsize=2)
def load_clouds(
    train: Stamp, validation: Stamp | None, test: Stamp | None, keys: Keys, seed: int
) -> Clouds:
    """Read, check, split and standardise. Raises DataUnavailable.

    A part without a file of its own is a tenth of `train`, drawn with `seed`.
    """
    digest = blake2b(digest_size=16)
    whole = _read(train, keys, digest)
    parts: dict[Split, Part] = {}
    given: dict[Split, Stamp | None] = {"validation": validation, "test": test}
    for split, file in given.items():
        if file is not None:
            parts[split] = _read(file, keys, digest)
            _demand_same_sizes(file, keys, parts[split], train, whole)
    held_out = [split for split, file in given.items() if file is None]
    for split, index in divide(train, len(whole.y), held_out, seed).items():
        parts[split] = whole.pick(index)
    classes = count_classes(train, keys.y, {split: part.y for split, part in parts.items()})
    padded = not all(part.mask.all() for part in parts.values())
    return Clouds(_standardise(parts), classes, padded, digest.hexdigest())


def _read(file: Stamp, keys: Keys, digest: blake2b) -> Part:
    mask = None
    # Only a name that nobody chose may be missing: a slip of the pen must not be a default.
    if has_key(file, keys.mask) or keys.mask != "mask":
        mask = _read_mask(file, keys.mask)
    points = read_numbers(file, keys.points, NAMED_BY, mask)
    if points.ndim != 3:
        raise complain(file, keys.points, f"has shape {points.shape}, expected (n, N, A)")
    if points.shape[2] > 8:
        raise complain(
            file, keys.points, f"has {points.shape[2]} coordinates, at most 8 can be taken"
        )
    clouds = points.shape[:2]
    mask = np.ones(clouds, bool) if mask is None else mask
    if mask.shape != clouds:
        raise _unequal(file, keys.mask, mask.shape, keys.points, points.shape)
    x = np.where(mask, 1, 0).astype(np.float32)
    if has_key(file, keys.x) or keys.x != "x":
        x = read_numbers(file, keys.x, NAMED_BY, mask)
    if x.shape[:2] != clouds or x.ndim > 3:
        raise _unequal(file, keys.x, x.shape, keys.points, points.shape)
    y = read_integers(file, keys.y, NAMED_BY)
    if y.shape not in (clouds, clouds[:1]):
        raise complain(
            file,
            keys.y,
            f"has shape {y.shape}, expected one label per cloud, {clouds[:1]}, or per point, "
            f"{clouds}",
        )
    demand_classes(file, keys.y, y[mask] if y.ndim == 2 else y)
    if y.ndim == 2:
        y = np.where(mask, y, IGNORED)
    part = Part(points, x.reshape(*clouds, -1), mask, y)
    for array in part:
        digest.update(f"{array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return part


def _read_mask(file: Stamp, key: str) -> NDArray[np.bool_]:
    found = read_array(file, key, NAMED_BY)
    if found.dtype.kind not in "iub" or not np.isin(found, (0, 1)).all():
        raise complain(file, key, "expected 1 where a point is there and 0 where it is not")
    mask = found.astype(bool)
    empty = np.flatnonzero(~mask.reshape(len(mask), -1).any(1))
    if len(empty):
        raise complain(file, key, f"leaves the cloud {empty[0]} without a point")
    return mask


def _unequal(
    file: Stamp, key: str, shape: tuple[int, ...], points: str, clouds: tuple[int, ...]
) -> Exception:
    return complain(
        file, key, f'has shape {shape}, expected {clouds[:2]} and no more than a third size, as '
                   f'"{points}" has shape {clouds}'
    )  # fmt: skip


def _demand_same_sizes(file: Stamp, keys: Keys, part: Part, train: Stamp, whole: Part) -> None:
    named = ((keys.points, part.points, whole.points), (keys.x, part.x, whole.x),
             (keys.y, part.y, whole.y))  # fmt: skip
    for key, array, other in named:
        if array.shape[1:] != other.shape[1:]:
            raise complain(
                file,
                key,
                f"has shape {array.shape}, expected the sizes of {train.path}, {other.shape}, "
                f"but for the first; fill clouds up with points and say so in a mask",
            )


def _standardise(parts: dict[Split, Part]) -> dict[Split, Part]:
    """Figures of the real points of the training part alone; 0 at points that are not there."""
    train = parts["train"]
    points, x = (array[train.mask].astype(np.float64) for array in (train.points, train.x))
    middle_A = points.mean(0)
    spread = np.sqrt(np.square(points - middle_A).mean()) or 1.0
    mean_C, deviation_C = x.mean(0), x.std(0)
    constant_C = deviation_C == 0
    # A constant channel says nothing; it stays a 1, so that an encoder has something to read.
    mean_C[constant_C], deviation_C[constant_C] = x[0, constant_C] - 1, 1
    found: dict[Split, Part] = {}
    for split, part in parts.items():
        there = part.mask[..., None]
        places = np.where(there, (part.points - middle_A) / spread, 0).astype(np.float32)
        values = np.where(there, (part.x - mean_C) / deviation_C, 0).astype(np.float32)
        found[split] = Part(places, values, part.mask, part.y)
    return found
