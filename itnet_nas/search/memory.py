"""A worker that ends itself before it takes the memory of its neighbours.

Ray's own memory monitor kills too, but Tune then gives up the whole run, whoever was to blame. So
each worker watches its resident memory and stays within its share of the machine; one that does not
is a lost trial with a reason, and the others never notice.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SAFE = 0.85  # of all memory; Ray's monitor begins at 0.95, and the system needs some
EVERY = 0.2  # seconds between two looks


def share_of_memory(workers: int) -> int | None:
    """Bytes that one of `workers` on this machine may hold; None where nothing tells."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        page = Path("/proc/self/statm").exists()
    except OSError:
        return None
    total = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal"))
    return int(SAFE * total / workers) if page else None


def resident() -> int:
    """Bytes of memory that this process holds at present."""
    import resource

    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def guard(limit: int, exceeded: Callable[[int], None]) -> None:
    """Call `exceeded` with the bytes held, once, from a thread, when they pass `limit`."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(EVERY):
            held = resident()
            if held > limit:
                exceeded(held)
                done.set()

    threading.Thread(target=watch, name="memory", daemon=True).start()
