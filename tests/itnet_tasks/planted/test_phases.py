"""Phases: the rule, checked by another way to compute it."""

from __future__ import annotations

import numpy as np

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.phases import PhasesTask


class TestPhases(TaskContract):
    task_class = PhasesTask


def test_the_rule_comes_round_again_after_four_places_and_not_before() -> None:
    weights = PhasesTask(PhasesTask.Params()).weights

    assert np.array_equal(weights[4:], weights[:-4])
    for shift in (1, 2, 3):
        assert np.abs((weights[shift:] * weights[:-shift]).sum(1)).max() < 0.9


def test_what_is_said_moves_with_the_input_by_four_places_alone() -> None:
    task = PhasesTask(PhasesTask.Params())
    row = stream(0).standard_normal(60)

    said = {shift: _said(task, row[shift : shift + 48]) for shift in range(5)}

    inner = slice(8, 40)
    assert np.allclose(said[4][inner], said[0][12:44])
    for shift in (1, 2, 3):
        moved = said[0][8 + shift : 40 + shift]
        assert not np.allclose(said[shift][inner], moved, atol=0.1)


def _said(task: PhasesTask, row: np.ndarray) -> np.ndarray:
    padded = np.pad(row, 3)
    return np.array([task.weights[n] @ padded[n : n + 7] for n in range(48)])


def test_targets_follow_the_rule() -> None:
    task = PhasesTask(PhasesTask.Params())
    (x,), y = task.draw(2, stream(0))

    assert np.allclose(y[0, :, 0], _said(task, x[0, :, 0]), atol=1e-5)
