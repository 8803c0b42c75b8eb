"""Parity: the rule, checked by another way to compute it."""

from __future__ import annotations

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.parity import ParityTask


class TestParity(TaskContract):
    task_class = ParityTask


def test_the_answer_turns_over_with_every_one() -> None:
    (bits,), targets = ParityTask(ParityTask.Params()).draw(20, stream(0))
    for bit, target in zip(bits.tolist(), targets.tolist(), strict=True):
        odd, expected = False, []
        for one in bit:
            odd = odd != bool(one)
            expected.append(int(odd))

        assert target == expected


def test_all_positions_teach_and_those_from_16_on_are_scored() -> None:
    task = ParityTask(ParityTask.Params())
    held_out = next(iter(task.eval_batches("validation", 8))).target

    assert (task.train_batch(0, 8, 0).target >= 0).all()
    assert (held_out[:, :16] == -100).all()
    assert (held_out[:, 16:] >= 0).all()
