"""Point clouds of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from itnet_nas.errors import DataUnavailable
from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.arrays import ArraysTask

N = 60


def task(**params: Any) -> ArraysTask:
    return ArraysTask(ArraysTask.Params(**{"train": "a.npz", "domain": "points", **params}))


def points(n: int = N, length: int = 7, coordinates: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(5.0, 2.0, (n, length, coordinates))


def labels(*shape: int, classes: int = 3) -> np.ndarray:
    return (np.arange(np.prod(shape)) % classes).reshape(shape)


def mask(n: int = N, length: int = 7) -> np.ndarray:
    """The last point is missing in every second cloud."""
    there = np.ones((n, length), int)
    there[::2, -1] = 0
    return there


def whole(found: ArraysTask, split: str = "train") -> Any:
    (batch,) = found.eval_batches(split, 1000)
    return batch


def problem(**params: Any) -> str:
    with pytest.raises(DataUnavailable) as caught:
        task(**params).facts()
    return str(caught.value)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class TestClouds(TaskContract):
    task_class = ArraysTask
    cases = [
        {"domain": "points", "train": "bare.npz"},
        {"domain": "points", "train": "full.npz", "split_seed": 3},
        {"domain": "points", "train": "parts.npz", "y_key": "part", "test": "held.npz"},
    ]

    @pytest.fixture(autouse=True)
    def _files(self, _here: None) -> None:
        np.savez("bare.npz", points=points(100), y=labels(100))
        x = np.random.default_rng(1).normal(0, 3, (100, 7, 2))
        np.savez("full.npz", points=points(100), y=labels(100), x=x, mask=mask(100))
        np.savez("parts.npz", points=points(100), part=labels(100, 7), mask=mask(100))
        np.savez("held.npz", points=points(20, seed=1), part=labels(20, 7), mask=mask(20))


def test_a_cloud_says_in_how_many_dimensions_it_stands() -> None:
    np.savez("a.npz", points=points(), y=labels(N))

    assert str(task().facts().domain) == "points of 7 in 3 dimensions"


def test_without_numbers_beside_each_point_has_a_one() -> None:
    np.savez("a.npz", points=points(), y=labels(N), mask=mask())

    batch = whole(task())

    assert task().facts().inputs[0].channels == 1
    assert torch.equal(batch.inputs[0][..., 0], batch.mask.float())


def test_places_keep_their_shape_and_come_to_deviation_one() -> None:
    given = points() * [1, 1, 10]
    np.savez("a.npz", points=given, y=labels(N))
    np.savez("b.npz", points=given, y=labels(N))

    places = whole(task(validation="b.npz", test=None)).places.double()

    deviation = places.flatten(0, 1).std(0, correction=0)
    assert float(places.square().mean()) == pytest.approx(1, abs=1e-4)
    assert float(deviation[2] / deviation[0]) == pytest.approx(10, rel=0.1)


def test_points_that_are_not_there_count_for_nothing() -> None:
    given, x = points(), np.ones((N, 7)) * np.arange(7)
    np.savez("a.npz", points=given, y=labels(N), x=x, mask=mask())
    expected = whole(task())
    missing = mask() == 0
    given[missing], x[missing] = np.nan, 1e30
    np.savez("b.npz", points=given, y=labels(N), x=x, mask=mask())

    batch = whole(task(train="b.npz"))

    assert torch.equal(batch.places, expected.places)
    assert torch.equal(batch.inputs[0], expected.inputs[0])
    assert not batch.places[~batch.mask].any()


def test_labels_may_stand_at_points() -> None:
    np.savez("a.npz", points=points(), y=labels(N, 7), mask=mask())
    found = task()

    batch = whole(found)

    assert found.facts().target.where == "per_position"
    assert found.facts().quality.description == "fraction of points put into a wrong class"
    assert torch.equal(batch.target == -100, ~batch.mask)


def test_a_label_of_a_point_that_is_not_there_is_not_looked_at() -> None:
    y = np.where(mask() == 1, labels(N, 7), -1)
    np.savez("a.npz", points=points(), y=y, mask=mask())

    assert task().facts().target.size == 3


def test_clouds_keep_their_labels() -> None:
    y = labels(N)
    np.savez("a.npz", points=points() * 0 + y[:, None, None], y=y)
    found = task()

    for split in ("train", "validation", "test"):
        batch = whole(found, split)
        first = batch.places[:, 0, 0]
        assert torch.equal(torch.unique(first, return_inverse=True)[1], batch.target)


def test_whole_clouds_have_no_mask() -> None:
    np.savez("a.npz", points=points(), y=labels(N), mask=np.ones((N, 7), bool))

    assert whole(task()).mask is None


def test_the_majority_counts_points_that_are_there() -> None:
    y = np.where(mask() == 1, 1, 0)
    y[:, 0] = 0
    np.savez("a.npz", points=points(), y=y, mask=mask())
    np.savez("b.npz", points=points(), y=y, mask=mask())

    majority = task(validation="b.npz").facts().quality.baselines["majority"]

    assert majority == pytest.approx(1 / 6.5, abs=1e-4)


@pytest.mark.parametrize("key", ["x", "mask", "y", "points"])
def test_the_hash_covers_every_array(key: str) -> None:
    arrays = {
        "points": points(),
        "x": np.random.default_rng(1).normal(size=(N, 7)),
        "mask": mask(),
        "y": labels(N),
    }
    np.savez("a.npz", **arrays)
    np.savez("b.npz", **arrays | {key: np.roll(arrays[key], 1, axis=0)})

    assert task().facts().data != task(train="b.npz").facts().data


def test_points_cannot_be_causal() -> None:
    with pytest.raises(ValidationError, match="points have no order, so they cannot be causal"):
        task(causal=True)


P, Y, M = points(20), labels(20), mask(20)


@pytest.mark.parametrize(
    ("arrays", "params", "message"),
    [
        ({"y": Y}, {}, 'has no key "points"; its keys: y; name the right one with points_key, '
         "x_key, mask_key or y_key"),
        ({"points": P, "y": Y}, {"x_key": "colour"}, 'has no key "colour"; its keys: points, y; '
         "name the right one with points_key, x_key, mask_key or y_key"),
        ({"points": P, "y": Y}, {"mask_key": "there"}, 'has no key "there"; its keys: points, y; '
         "name the right one with points_key, x_key, mask_key or y_key"),
        ({"points": P[0], "y": Y}, {}, 'key "points": has shape (7, 3), expected (n, N, A)'),
        ({"points": points(20, 7, 9), "y": Y}, {}, 'key "points": has 9 coordinates, at most 8 '
         "can be taken"),
        ({"points": P, "y": Y, "mask": M[:, :6]}, {}, 'key "mask": has shape (20, 6), expected '
         '(20, 7) and no more than a third size, as "points" has shape (20, 7, 3)'),
        ({"points": P, "y": Y, "x": P[:19]}, {}, 'key "x": has shape (19, 7, 3), expected (20, 7) '
         'and no more than a third size, as "points" has shape (20, 7, 3)'),
        ({"points": P, "y": Y[:5]}, {}, 'key "y": has shape (5,), expected one label per cloud, '
         "(20,), or per point, (20, 7)"),
        ({"points": P, "y": Y, "mask": 2 * M}, {}, 'key "mask": expected 1 where a point is there '
         "and 0 where it is not"),
        ({"points": P, "y": Y, "mask": M * (np.arange(20) != 3)[:, None]}, {}, 'key "mask": leaves '
         "the cloud 3 without a point"),
        ({"points": P, "y": Y - 1}, {}, 'key "y": holds the label -1, expected the classes '
         "numbered from 0"),
        ({"points": P, "y": 0 * Y}, {}, 'key "y": holds one class alone, expected at least two'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_clouds_is_said(
    tmp_path: Path, arrays: dict[str, np.ndarray], params: dict[str, str], message: str
) -> None:
    np.savez("a.npz", **arrays)

    assert problem(**params) == f"{tmp_path}/a.npz: {message}"


def test_clouds_of_other_sizes_are_refused(tmp_path: Path) -> None:
    np.savez("a.npz", points=P, y=Y)
    np.savez("b.npz", points=points(20, 9), y=Y)

    assert problem(validation="b.npz") == (
        f'{tmp_path}/b.npz: key "points": has shape (20, 9, 3), expected the sizes of '
        f"{tmp_path}/a.npz, (20, 7, 3), but for the first; fill clouds up with points and say so "
        "in a mask"
    )
