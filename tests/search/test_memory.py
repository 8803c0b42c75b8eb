"""The guard against a trial that takes the memory of its neighbours."""

from __future__ import annotations

import threading

from itnet_nas.search.memory import guard, resident, share_of_memory


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


def test_the_guard_calls_once_when_the_limit_is_passed() -> None:
    told = threading.Event()
    held: list[int] = []

    def exceeded(amount: int) -> None:
        held.append(amount)
        told.set()

    limit = resident() - 1
    guard(limit, exceeded)

    assert told.wait(10)
    assert held[0] > limit
    assert len(held) == 1
