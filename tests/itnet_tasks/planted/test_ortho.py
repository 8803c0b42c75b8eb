"""Ortho: the rule, checked by another way to compute it."""

from __future__ import annotations

import numpy as np

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.ortho import OrthoTask


class TestOrtho(TaskContract):
    task_class = OrthoTask


def test_least_squares_find_a_rotation_without_remainder() -> None:
    (x,), y = OrthoTask(OrthoTask.Params()).draw(200, stream(0))

    found, squares, *_ = np.linalg.lstsq(x[..., 0], y[..., 0], rcond=None)

    assert squares.max() < 1e-6
    assert np.allclose(found @ found.T, np.eye(48), atol=1e-4)


def test_every_position_hears_all_of_them() -> None:
    matrix = OrthoTask(OrthoTask.Params()).matrix

    assert (np.abs(matrix).max(1) < 0.6).all()
