"""`Broker`: the queue between a controller and its workers. It decides nothing.

It lives in an actor beside the driver, but it is a plain asyncio class and knows no Ray.

A worker has a name, and a life that is new each time its process is started. A job is leased to the
worker that took it; the lease ends with the outcome, or comes back as a "lost" event when the
worker is known to be dead: because somebody says so, or because its next life asks for work.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Literal, NamedTuple, final


class Event(NamedTuple):
    """What the controller has to know."""

    kind: Literal["up", "done", "lost"]
    worker: str
    number: int | None = None
    record: str = ""  # JSON of a TrialRecord, with "done"
    weights: bytes | None = None
    why: str = ""  # with "lost"
    failure: str = "lost_worker"  # what such a failure is called, with "lost"


class Handover(NamedTuple):
    """An outcome on its way from a worker to the controller."""

    number: int
    record: str
    weights: bytes | None


@final
class Broker:
    """Jobs one way, events the other. Every method is a coroutine on one event loop."""

    def __init__(self) -> None:
        self._jobs: deque[tuple[int, str]] = deque()
        self._leases: dict[str, int] = {}
        self._lives: dict[str, str] = {}
        self._events: list[Event] = []
        self._stopping = False
        self._halting = False
        self._changed = asyncio.Condition()

    async def put(self, number: int, job: str) -> None:
        """Queue a job (JSON of a TrialJob)."""
        async with self._changed:
            self._jobs.append((number, job))
            self._changed.notify_all()

    async def stop(self) -> None:
        """Send every worker home: at once if it waits, at its next report if it trains."""
        async with self._changed:
            self._stopping = True
            self._changed.notify_all()

    async def halt(self) -> None:
        """Stop, and end every worker that waits in `halted`, in the middle of its trial."""
        self._halting = True
        await self.stop()

    async def halted(self) -> None:
        """Return when `halt` has been called."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._halting)

    async def exchange(self, worker: str, life: str, handover: Handover | None) -> str | None:
        """Hand in an outcome, then wait for the next job. None: go home."""
        async with self._changed:
            if self._lives.get(worker) != life:
                self._release(worker, "its worker was lost")
                self._lives[worker] = life
                self._events.append(Event("up", worker))
            if handover is not None:
                self._leases.pop(worker, None)
                self._events.append(Event("done", worker, *handover))
            self._changed.notify_all()
            await self._changed.wait_for(
                lambda: self._jobs or self._stopping or self._lives.get(worker) != life
            )
            if self._stopping or self._lives.get(worker) != life:
                return None
            number, job = self._jobs.popleft()
            self._leases[worker] = number
            return job

    async def goes_on(self) -> bool:
        """Whether a trial that reports is to be trained further."""
        return not self._stopping

    async def lose(self, worker: str | None, why: str, failure: str = "lost_worker") -> None:
        """A worker is dead; None: all of them are."""
        async with self._changed:
            for name in [worker] if worker is not None else list(self._lives):
                self._release(name, why, failure)
                self._lives.pop(name, None)
            self._changed.notify_all()

    async def collect(self, seconds: float) -> list[Event]:
        """Events since the last call; waits up to `seconds` for the first."""
        async with self._changed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._changed.wait_for(lambda: bool(self._events)), timeout=seconds
                )
            events, self._events = self._events, []
            return events

    def _release(self, worker: str, why: str, failure: str = "lost_worker") -> None:
        number = self._leases.pop(worker, None)
        if number is not None:
            self._events.append(Event("lost", worker, number, why=why, failure=failure))
