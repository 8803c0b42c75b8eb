"""The queue between controller and workers, on a plain event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from itnet_nas.search.broker import Broker, Event, Handover

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def run(scenario: Callable[[Broker], Coroutine[Any, Any, Any]]) -> Any:
    async def start() -> Any:
        return await asyncio.wait_for(scenario(Broker()), timeout=20)

    return asyncio.run(start())


def test_jobs_are_handed_out_in_the_order_they_came() -> None:
    async def scenario(broker: Broker) -> list[str | None]:
        await broker.put(0, "first")
        await broker.put(1, "second")
        return [await broker.exchange("w0", "a", None), await broker.exchange("w1", "b", None)]

    assert run(scenario) == ["first", "second"]


def test_a_worker_waits_for_a_job_that_comes_later() -> None:
    async def scenario(broker: Broker) -> str | None:
        waiting = asyncio.create_task(broker.exchange("w0", "a", None))
        await asyncio.sleep(0)
        assert not waiting.done()
        await broker.put(0, "late")
        return await waiting

    assert run(scenario) == "late"


def test_an_outcome_ends_the_lease_and_reaches_the_controller_once() -> None:
    async def scenario(broker: Broker) -> tuple[list[Event], list[Event]]:
        await broker.put(7, "job")
        await broker.exchange("w0", "a", None)
        await broker.put(8, "next")
        await broker.exchange("w0", "a", Handover(7, "{}", b"w"))
        return await broker.collect(1), await broker.collect(0.01)

    events, later = run(scenario)

    assert events == [Event("up", "w0"), Event("done", "w0", 7, "{}", b"w")]
    assert later == []


def test_a_dead_worker_gives_its_job_back() -> None:
    async def scenario(broker: Broker) -> list[Event]:
        await broker.put(3, "job")
        await broker.exchange("w0", "a", None)
        await broker.lose("w0", "its worker died")
        return await broker.collect(1)

    assert run(scenario)[-1] == Event("lost", "w0", 3, why="its worker died")


def test_the_next_life_of_a_worker_gives_the_old_job_back() -> None:
    async def scenario(broker: Broker) -> list[Event]:
        await broker.put(3, "job")
        await broker.exchange("w0", "first life", None)
        await broker.put(4, "other")
        await broker.exchange("w0", "second life", None)
        return await broker.collect(1)

    assert Event("lost", "w0", 3, why="its worker was lost") in run(scenario)


def test_a_job_is_not_given_to_a_waiting_worker_that_has_died() -> None:
    async def scenario(broker: Broker) -> tuple[str | None, str | None]:
        ghost = asyncio.create_task(broker.exchange("w0", "a", None))
        await asyncio.sleep(0)
        await broker.lose("w0", "its worker died")
        await broker.put(0, "job")
        return await ghost, await broker.exchange("w1", "b", None)

    assert run(scenario) == (None, "job")


def test_stopping_sends_waiting_workers_home_and_ends_trials_at_their_next_report() -> None:
    async def scenario(broker: Broker) -> tuple[str | None, bool, bool]:
        before = await broker.goes_on()
        waiting = asyncio.create_task(broker.exchange("w0", "a", None))
        await asyncio.sleep(0)
        await broker.stop()
        return await waiting, before, await broker.goes_on()

    assert run(scenario) == (None, True, False)


def test_a_halt_reaches_those_who_train() -> None:
    async def scenario(broker: Broker) -> tuple[bool, str | None]:
        watching = asyncio.create_task(broker.halted())
        await broker.stop()
        await asyncio.sleep(0)
        before = watching.done()
        await broker.halt()
        await watching
        return before, await broker.exchange("w0", "a", None)

    assert run(scenario) == (False, None)


def test_losing_everybody_gives_every_job_back() -> None:
    async def scenario(broker: Broker) -> set[int | None]:
        for number in range(3):
            await broker.put(number, "job")
            await broker.exchange(f"w{number}", "a", None)
        await broker.lose(None, "Ray Tune ended")
        return {event.number for event in await broker.collect(1) if event.kind == "lost"}

    assert run(scenario) == {0, 1, 2}
