"""Duplicate: the rule, checked by another way to compute it."""

from __future__ import annotations

from collections import Counter

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.duplicate import DuplicateTask


class TestDuplicate(TaskContract):
    task_class = DuplicateTask


def test_a_token_is_marked_where_it_stands_twice() -> None:
    (tokens,), targets = DuplicateTask(DuplicateTask.Params()).draw(20, stream(0))
    for token, target in zip(tokens.tolist(), targets.tolist(), strict=True):
        times = Counter(token)

        assert target == [times[one] - 1 for one in token]
        assert sorted(times.values()) == [1] * 16 + [2] * 8
