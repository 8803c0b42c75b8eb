"""Reverb: the rule, checked by another way to compute it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.reverb import ReverbTask


class TestReverb(TaskContract):
    task_class = ReverbTask


def test_what_is_left_after_the_filter_is_the_noise() -> None:
    task = ReverbTask(ReverbTask.Params())
    (x,), y = task.draw(200, stream(0))

    dry = np.stack([np.convolve(row, task.taps)[:96] for row in x[..., 0]])
    left = y[..., 0] - dry

    assert np.std(left) == pytest.approx(0.05, rel=0.03)
    assert abs(np.corrcoef(left.ravel(), x[..., 0].ravel())[0, 1]) < 0.02


def test_the_filter_does_not_fade() -> None:
    taps = ReverbTask(ReverbTask.Params()).taps

    assert len(taps) == 48
    assert np.sum(taps**2) == pytest.approx(1)
    assert np.sum(taps[24:] ** 2) > 0.3


def test_the_filter_itself_scores_the_ceiling() -> None:
    task = ReverbTask(ReverbTask.Params())
    (batch,) = task.eval_batches("validation", 1024)
    dry = np.stack([np.convolve(row, task.taps)[:96] for row in batch.inputs[0][..., 0].numpy()])
    out = torch.from_numpy(dry[..., None].astype(np.float32))

    total, weight = task.score(out, batch)["r2"]

    assert total / weight == pytest.approx(task.facts().quality.ceiling, abs=2e-4)
