"""The loop between a controller and workers somewhere else. Nothing here imports Ray."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from itnet_nas.errors import SearchEnded
from itnet_nas.results.record import Outcome, TrialRecord

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from itnet_nas.results.job import TrialJob
    from itnet_nas.search.broker import Event
    from itnet_nas.search.session import Session

POLL = 0.5  # seconds the controller waits for an event before it looks at signals
RESTARTS = 5  # of the engine, without one trial finished in between


class Engine(Protocol):
    """Workers that can be started, fed and listened to."""

    error: str

    @property
    def alive(self) -> bool:
        """Whether there is anybody who could do the work."""

    def start(self) -> None:
        """Start the workers, for the first time or again."""

    def put(self, job: TrialJob) -> None:
        """Queue a job."""

    def collect(self, seconds: float) -> list[Event]:
        """What happened since the last call; waits up to `seconds` for the first event."""

    def lose_all(self, why: str) -> None:
        """Every worker is gone: what they held comes back as events."""


def serve(
    session: Session,
    engine: Engine,
    show: Callable[[], None],
    stop_now: threading.Event,
) -> None:
    """Feed the workers and keep what they send, until nothing is left to do or `stop_now` is set.

    An engine that ends by itself (Tune gives the whole run up when a memory monitor kills one
    worker) is started again; raises SearchEnded when that does not help.
    """
    restarts = 0
    while not stop_now.is_set():
        while len(session.running) < session.workers:
            job = session.next_job()
            if job is None:
                break
            engine.put(job)
        if session.idle:
            return
        show()
        for event in engine.collect(POLL):
            if event.kind == "done":
                restarts = 0
                record = TrialRecord.model_validate_json(event.record)
                session.tell(Outcome(record=record, weights=event.weights))
            elif event.kind == "lost" and event.number is not None:
                session.lost(event.number, event.why, event.failure)
        if not engine.alive:
            restarts += 1
            if restarts > RESTARTS:
                raise SearchEnded(
                    f"Ray Tune ended {restarts} times without one trial finished in between; the "
                    f"last time with: {engine.error}; every finished trial is safe, continue with "
                    f"`itnet-nas {session.verb} {session.ledger.folder}`"
                )
            engine.lose_all(f"Ray Tune ended: {engine.error}")
            engine.start()
