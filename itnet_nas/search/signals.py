"""Ctrl-C and SIGTERM during a search."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itnet_nas.search.session import Session


@contextlib.contextmanager
def stop_signals(session: Session) -> Iterator[threading.Event]:
    """Ctrl-C once: hand out nothing more. Twice, or SIGTERM: the event is set, stop now."""
    stop_now = threading.Event()

    def on_interrupt(number: int, frame: object) -> None:
        del frame
        if session.interrupted or number == signal.SIGTERM:
            stop_now.set()
            session.note = "stopping now"
        else:
            session.note = (
                f"finishing {len(session.running)} running trials; Ctrl-C again stops now"
            )
        session.interrupt()

    if threading.current_thread() is not threading.main_thread():
        yield stop_now  # only the main thread may set handlers; the caller's stay
        return
    before = {one: signal.signal(one, on_interrupt) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop_now
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
