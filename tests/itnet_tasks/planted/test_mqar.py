"""Mqar: the rule, checked by another way to compute it."""

from __future__ import annotations

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.mqar import MqarTask


class TestMqar(TaskContract):
    task_class = MqarTask


def test_the_answer_is_what_followed_the_key() -> None:
    (tokens,), targets = MqarTask(MqarTask.Params()).draw(20, stream(0))
    for token, target in zip(tokens.tolist(), targets.tolist(), strict=True):
        told = dict(zip(token[0:24:2], token[1:24:2], strict=True))

        assert len(told) == 12
        assert target == [-100] * 24 + [told[asked] - 32 for asked in token[24:]]


def test_keys_and_values_are_other_symbols() -> None:
    (tokens,), _ = MqarTask(MqarTask.Params()).draw(100, stream(0))

    assert set(tokens[:, 0:24:2].ravel()) == set(range(32))
    assert set(tokens[:, 1:24:2].ravel()) == set(range(32, 64))
