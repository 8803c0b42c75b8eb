"""Fashion-MNIST: 28 x 28 grey pictures of clothes, ten classes, cut into square patches.

Data    70,000 pictures (Xiao, Rasul, Vollgraf, arXiv 1708.07747; MIT licence), as the four IDX
        files of the original, gzipped or plain
Split   the official training set, in a fixed order drawn with seed 0: the first 50,000 train, the
        other 10,000 validation; the official test set is test
Input   the patches of a picture, row by row; the pixels of a patch, row by row, are its channels,
        standardised with the mean and deviation of the training pixels

The objects stand in the middle and upright, so a rule of its own at every position does well
here: that is a property of the data.

Shapes  B pictures, N patches, C pixels of a patch
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, final

import numpy as np
from pydantic import AfterValidator, Field

from itnet_nas.errors import DataUnavailable
from itnet_nas.tasks import (
    Domain,
    Metric,
    Real,
    Recipe,
    Target,
    Task,
    TaskFacts,
    TaskParams,
    classification_loss,
    count_errors,
)
from itnet_tasks.files import Stamp, absolute, stamp
from itnet_tasks.idx import read_idx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from itnet_nas.tasks import Batch, Split

SIDE = 28
CLASSES = 10
TRAIN, VALIDATION = 50_000, 10_000
MEAN, DEVIATION = 0.2860, 0.3530  # of the 60,000 training pictures, pixels from 0 to 1
FOLDER = "/usr/share/datasets/fashion-mnist"
REMEDY = (
    "install the files with `apt install dataset-fashion-mnist` (Debian, Ubuntu), or point `root:` "
    "of the task at a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, "
    "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or with .gz"
)


class FashionMnistParams(TaskParams):
    """Where the files are, how pictures are cut, and how many are used."""

    root: Annotated[
        str,
        AfterValidator(absolute),
        Field(description="folder with the four IDX files, relative to the current directory"),
    ] = FOLDER
    patch: Annotated[
        Literal[1, 2, 4, 7, 14, 28], Field(description="pixels on the side of a patch")
    ] = 4
    n_train: Annotated[
        int, Field(ge=1, le=TRAIN, description="pictures to train on, the first of the split")
    ] = TRAIN
    n_validation: Annotated[
        int, Field(ge=1, le=VALIDATION, description="pictures to validate on")
    ] = VALIDATION


@final
@dataclass(frozen=True, eq=False)
class Pictures:
    """Pixels uint8 (n, 28, 28) and labels uint8 (n,) of the three splits."""

    pixels: Mapping[Split, NDArray[np.uint8]]
    labels: Mapping[Split, NDArray[np.uint8]]
    digest: str


@final
class FashionMnistTask(Task[FashionMnistParams]):
    """Which piece of clothing is it?"""

    Params = FashionMnistParams
    summary = "ten kinds of clothes in 28 x 28 pictures"

    @cached_property
    def _pictures(self) -> Pictures:
        return _pictures(_files(self.params.root))

    def facts(self) -> TaskFacts:
        params = self.params
        side = SIDE // params.patch
        error = Metric(
            name="error",
            direction="min",
            description="fraction of pictures put into a wrong class",
            chance=0.9,
        )
        return TaskFacts(
            domain=Domain(kind="grid", shape=(side, side)),
            inputs=(Real(channels=params.patch**2),),
            target=Target(where="pooled", kind="classes", size=CLASSES),
            metrics=(error,),
            recipe=Recipe(steps=400, batch_size=128, lr=6e-3),
            licence="MIT (Zalando SE)",
            source="Fashion-MNIST, arXiv 1708.07747",
            data=self._pictures.digest,
        )

    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        from itnet_nas.tasks import visit

        return self._batch("train", visit(self.params.n_train, batch_size, seed, step).numpy())

    def eval_batches(self, split: Split, batch_size: int) -> Iterator[Batch]:
        count = {
            "train": self.params.n_train,
            "validation": self.params.n_validation,
            "test": len(self._pictures.labels["test"]),
        }[split]
        for first in range(0, count, batch_size):
            yield self._batch(split, np.arange(first, min(first + batch_size, count)))

    def _batch(self, split: Split, index_B: NDArray[np.int64]) -> Batch:
        import torch

        from itnet_nas.tasks import Batch

        pixel_BNC = torch.from_numpy(
            patches(self._pictures.pixels[split][index_B], self.params.patch)
        )
        label_B = torch.from_numpy(self._pictures.labels[split][index_B].astype(np.int64))
        return Batch(((pixel_BNC.float() / 255 - MEAN) / DEVIATION,), label_B)

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        return classification_loss(out, batch.target)

    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        return {"error": count_errors(out, batch.target)}


def patches(picture_BHW: NDArray[np.uint8], patch: int) -> NDArray[np.uint8]:
    """(B, 28, 28) -> (B, N, C): patches row by row, and within each its pixels row by row."""
    side = SIDE // patch
    cut = picture_BHW.reshape(-1, side, patch, side, patch).transpose(0, 1, 3, 2, 4)
    return cut.reshape(-1, side * side, patch * patch)


def _files(root: str) -> tuple[Stamp, ...]:
    """Training pictures and labels, test pictures and labels. Raises DataUnavailable."""
    found = []
    for name in (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ):
        plain, zipped = Path(root, name), Path(root, f"{name}.gz")
        if not plain.exists() and not zipped.exists():
            raise DataUnavailable(
                f"Fashion-MNIST: {plain} is missing, and so is {zipped.name}; {REMEDY}"
            )
        found.append(stamp(str(plain if plain.exists() else zipped), REMEDY))
    return tuple(found)


@lru_cache(maxsize=2)
def _pictures(files: tuple[Stamp, ...]) -> Pictures:
    train = _pair(files[0], files[1], TRAIN + VALIDATION)
    test = _pair(files[2], files[3], 10_000)
    digest = hashlib.blake2b(digest_size=16)
    for array in (*train, *test):
        digest.update(array.tobytes())
    order = np.random.Generator(np.random.PCG64(0)).permutation(TRAIN + VALIDATION)
    pixels, labels = train[0][order], train[1][order]
    return Pictures(
        {"train": pixels[:TRAIN], "validation": pixels[TRAIN:], "test": test[0]},
        {"train": labels[:TRAIN], "validation": labels[TRAIN:], "test": test[1]},
        digest.hexdigest(),
    )


def _pair(images: Stamp, labels: Stamp, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    pixels, names = read_idx(images, 3, REMEDY), read_idx(labels, 1, REMEDY)
    if pixels.shape != (count, SIDE, SIDE):
        raise DataUnavailable(
            f"{images.path}: holds pictures of shape {pixels.shape}, expected "
            f"{(count, SIDE, SIDE)}; {REMEDY}"
        )
    if names.shape != (count,) or names.max() >= CLASSES:
        raise DataUnavailable(
            f"{labels.path}: holds {len(names)} labels up to {names.max(initial=0)}, expected "
            f"{count} labels from 0 to {CLASSES - 1}; {REMEDY}"
        )
    return pixels, names
