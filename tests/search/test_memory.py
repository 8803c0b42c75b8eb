"""The guard against a trial that takes the memory of its neighbours."""

from __future__ import annotations

import re
import threading

import pytest
import torch

from itnet_nas.search import memory
from itnet_nas.search.memory import guard, resident, share_gpu, share_of_memory


def test_two_workers_may_hold_half_as_much_as_one() -> None:
    one, two = share_of_memory(1), share_of_memory(2)

    assert one is not None
    assert two is not None
    assert abs(one - 2 * two) <= 1


def test_what_is_allocated_and_touched_is_resident() -> None:
    before = resident()
    hoard = bytearray(b"x" * 50_000_000)

    assert resident() - before > 40_000_000
    assert hoard


def test_the_guard_calls_once_with_the_reason_when_the_share_is_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "share_of_memory", lambda workers: resident() - 1)
    told = threading.Event()
    reasons: list[str] = []

    def exceeded(why: str) -> None:
        reasons.append(why)
        told.set()

    guard(4, exceeded)

    assert told.wait(10)
    (why,) = reasons
    assert re.fullmatch(
        r"it took \d+\.\d GB, more than one of 4 workers may; make the network or the batch "
        r"smaller, or give --workers less",
        why,
    )


def test_a_shared_gpu_is_only_touched_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    fractions: list[float] = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", fractions.append)

    share_gpu(0.5)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    share_gpu(0.25)
    share_gpu(1.0)
    share_gpu(0.0)

    assert fractions == [0.25]
