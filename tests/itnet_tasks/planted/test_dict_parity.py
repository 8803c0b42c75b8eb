"""DictParity: the rule, checked by another way to compute it."""

from __future__ import annotations

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.dict_parity import DictParityTask


class TestDictParity(TaskContract):
    task_class = DictParityTask


def test_the_answer_counts_the_bits_that_were_looked_up() -> None:
    (keys, bits), targets = DictParityTask(DictParityTask.Params()).draw(20, stream(0))
    for key, bit, target in zip(keys.tolist(), bits.tolist(), targets.tolist(), strict=True):
        told = dict(zip(key[:8], bit[:8], strict=True))
        odd, expected = 0, []
        for asked in key[8:]:
            odd ^= told[asked]
            expected.append(odd)

        assert len(told) == 8
        assert bit[8:] == [2] * 12
        assert target == [-100] * 8 + expected


def test_all_queries_teach_and_those_from_the_fifth_on_are_scored() -> None:
    task = DictParityTask(DictParityTask.Params())
    held_out = next(iter(task.eval_batches("validation", 8))).target

    assert (task.train_batch(0, 8, 0).target[:, 8:] >= 0).all()
    assert (held_out[:, :12] == -100).all()
    assert (held_out[:, 12:] >= 0).all()
