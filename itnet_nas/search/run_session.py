"""A session and a backend, joined."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.search.progress import Progress
    from itnet_nas.search.session import Session

Backend = Literal["ray", "local"]
SHOW_EVERY = 0.5  # seconds


def run_session(
    session: Session,
    backend: Backend = "ray",
    address: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> None:
    """Work until the session is over. `progress` hears of it, at most twice a second."""
    shown = -SHOW_EVERY

    def show() -> None:
        nonlocal shown
        now = time.monotonic()
        if progress is not None and now - shown >= SHOW_EVERY:
            shown = now
            progress(session.progress())

    if session.ended is None:  # one that has nothing left to do needs no workers
        if backend == "ray":
            from itnet_nas.search.ray_backend import run_ray

            run_ray(session, show, address)
        else:
            from itnet_nas.search.local_backend import run_local

            run_local(session, show)
    if progress is not None:
        progress(session.progress())
