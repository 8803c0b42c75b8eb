"""GatedSum: the rule, checked by another way to compute it."""

from __future__ import annotations

import numpy as np
import pytest

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.gated_sum import GatedSumTask


class TestGatedSum(TaskContract):
    task_class = GatedSumTask


def test_two_sums_are_kept_as_the_symbols_say() -> None:
    (signs, symbols), targets = GatedSumTask(GatedSumTask.Params()).draw(20, stream(0))
    unit = np.abs(targets[targets != 0]).min()
    for sign, symbol, target in zip(signs, symbols.tolist(), targets, strict=True):
        sums = {0: np.zeros(8), 1: np.zeros(8)}
        for n, what in enumerate(symbol):
            if what == 4:
                sums, said = {0: np.zeros(8), 1: np.zeros(8)}, np.zeros(8)
            elif what >= 2:
                sums[what - 2] = sums[what - 2] + sign[n]
                said = sums[what - 2]
            else:
                said = sums[what]

            assert np.allclose(target[n], said * unit, atol=1e-5)


def test_half_of_the_tokens_add_and_one_in_twenty_clears() -> None:
    (_, symbols), _ = GatedSumTask(GatedSumTask.Params()).draw(2000, stream(0))

    assert np.mean((symbols == 2) | (symbols == 3)) == pytest.approx(0.5, abs=0.01)
    assert np.mean(symbols == 4) == pytest.approx(0.05, abs=0.005)
