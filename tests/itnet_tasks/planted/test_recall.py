"""Recall: the rule, checked by another way to compute it."""

from __future__ import annotations

import numpy as np

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.recall import RecallTask


class TestRecall(TaskContract):
    task_class = RecallTask


def test_the_answer_is_the_value_beside_the_key() -> None:
    (keys, values), targets = RecallTask(RecallTask.Params()).draw(20, stream(0))
    for key, value, target in zip(keys.tolist(), values.tolist(), targets.tolist(), strict=True):
        told = dict(zip(key[:24], value[:24], strict=True))

        assert len(told) == 24
        assert value[24:] == [16] * 24
        assert target == [-100] * 24 + [told[asked] for asked in key[24:]]


def test_every_key_is_asked_for_once_in_another_order() -> None:
    (keys, _), _ = RecallTask(RecallTask.Params()).draw(20, stream(0))

    assert (np.sort(keys[:, :24], 1) == np.sort(keys[:, 24:], 1)).all()
    assert (keys[:, :24] != keys[:, 24:]).any(1).all()
