from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from itnet_nas.errors import DataUnavailable
from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.fashion_mnist import FOLDER, FashionMnistTask, patches

REMEDY = (
    "install the files with `apt install dataset-fashion-mnist` (Debian, Ubuntu), or point `root:` "
    "of the task at a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, "
    "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or with .gz"
)
needs_data = pytest.mark.skipif(
    not Path(FOLDER, "train-images-idx3-ubyte.gz").exists(),
    reason="Fashion-MNIST is not installed (apt install dataset-fashion-mnist)",
)


def task(**params: object) -> FashionMnistTask:
    return FashionMnistTask(FashionMnistTask.Params(**params))


@needs_data
class TestFashionMnist(TaskContract):
    task_class = FashionMnistTask
    cases = [
        {"n_train": 500, "n_validation": 300},
        {"n_train": 200, "n_validation": 100, "patch": 7},
    ]
    batch_size = 128


@needs_data
def test_every_official_training_picture_is_in_one_split_once() -> None:
    content = gzip.decompress(Path(FOLDER, "train-images-idx3-ubyte.gz").read_bytes())
    official = np.frombuffer(content, np.uint8, offset=16).reshape(60_000, 784)

    pixels = task()._pictures.pixels
    used = np.concatenate([pixels["train"], pixels["validation"]]).reshape(60_000, 784)

    assert len(pixels["validation"]) == 10_000
    assert sorted(map(bytes, used)) == sorted(map(bytes, official))


@needs_data
def test_labels_stay_with_their_pictures() -> None:
    content = gzip.decompress(Path(FOLDER, "train-images-idx3-ubyte.gz").read_bytes())
    pictures = np.frombuffer(content, np.uint8, offset=16).reshape(60_000, 784)
    names = gzip.decompress(Path(FOLDER, "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    label_of: dict[bytes, set[int]] = {}
    for picture, label in zip(pictures, names, strict=True):
        label_of.setdefault(bytes(picture), set()).add(label)

    data = task()._pictures

    for split in ("train", "validation"):
        for picture, label in zip(data.pixels[split], data.labels[split], strict=True):
            assert int(label) in label_of[picture.tobytes()]


@needs_data
def test_training_pixels_have_mean_0_and_deviation_1() -> None:
    pixels = torch.cat([batch.inputs[0] for batch in task().eval_batches("train", 5000)])

    assert float(pixels.mean()) == pytest.approx(0, abs=0.01)
    assert float(pixels.std()) == pytest.approx(1, abs=0.01)


@needs_data
def test_fewer_pictures_are_the_first_of_the_split() -> None:
    few = next(task(n_validation=50).eval_batches("validation", 50))
    many = next(task(n_validation=200).eval_batches("validation", 200))

    assert torch.equal(few.inputs[0], many.inputs[0][:50])
    assert sum(len(b.target) for b in task(n_validation=50).eval_batches("validation", 64)) == 50


@needs_data
def test_training_uses_no_more_pictures_than_it_may() -> None:
    small = task(n_train=40)
    allowed = next(small.eval_batches("train", 40)).inputs[0].flatten(1).unique(dim=0)
    drawn = torch.cat([small.train_batch(step, 64, seed=0).inputs[0] for step in range(5)])

    assert torch.equal(drawn.flatten(1).unique(dim=0), allowed)


@needs_data
@pytest.mark.parametrize(("patch", "domain"), [(4, "grid of 7 x 7"), (14, "grid of 2 x 2")])
def test_the_domain_is_the_grid_of_patches(patch: int, domain: str) -> None:
    facts = task(patch=patch).facts()

    assert str(facts.domain) == domain
    assert facts.inputs[0].channels == patch**2


def test_a_patch_holds_its_pixels_row_by_row() -> None:
    picture_BHW = np.arange(784).reshape(1, 28, 28)

    found = patches(picture_BHW, 14)

    assert found.shape == (1, 4, 196)
    assert (found[0, 1] == picture_BHW[0, :14, 14:].ravel()).all()
    assert (found[0, 2] == picture_BHW[0, 14:, :14].ravel()).all()


def test_a_patch_that_does_not_divide_28_is_refused() -> None:
    with pytest.raises(ValidationError, match="1, 2, 4, 7, 14 or 28"):
        FashionMnistTask.Params(patch=5)


def test_more_pictures_than_there_are_are_refused() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 50000"):
        FashionMnistTask.Params(n_train=60_000)


def test_the_folder_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert FashionMnistTask.Params(root="pictures").root == str(tmp_path / "pictures")


def test_a_folder_without_the_files_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailable) as caught:
        task(root=str(tmp_path)).facts()

    assert str(caught.value) == (
        f"Fashion-MNIST: {tmp_path}/train-images-idx3-ubyte is missing, and so is "
        f"train-images-idx3-ubyte.gz; {REMEDY}"
    )


def write_idx(path: Path, array: np.ndarray) -> None:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


def fill(folder: Path, count: int, labels: np.ndarray) -> None:
    for name in ("train", "t10k"):
        pictures = np.zeros((count if name == "train" else 10_000, 28, 28), np.uint8)
        write_idx(folder / f"{name}-images-idx3-ubyte", pictures)
        write_idx(
            folder / f"{name}-labels-idx1-ubyte",
            labels if name == "train" else np.zeros(10_000, np.uint8),
        )


def test_plain_files_are_read_too(tmp_path: Path) -> None:
    fill(tmp_path, 60_000, np.full(60_000, 9, np.uint8))

    batch = next(task(root=str(tmp_path)).eval_batches("validation", 10))

    assert batch.target.tolist() == [9] * 10


def test_another_number_of_pictures_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, 600, np.zeros(600, np.uint8))

    with pytest.raises(DataUnavailable) as caught:
        task(root=str(tmp_path)).facts()

    assert str(caught.value) == (
        f"{tmp_path}/train-images-idx3-ubyte: holds pictures of shape (600, 28, 28), expected "
        f"(60000, 28, 28); {REMEDY}"
    )


def test_a_label_beyond_the_classes_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, 60_000, np.full(60_000, 10, np.uint8))

    with pytest.raises(DataUnavailable) as caught:
        task(root=str(tmp_path)).facts()

    assert str(caught.value) == (
        f"{tmp_path}/train-labels-idx1-ubyte: holds 60000 labels up to 10, expected 60000 labels "
        f"from 0 to 9; {REMEDY}"
    )
