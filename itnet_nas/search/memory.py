"""A worker that ends itself before it takes the memory of its neighbours.

Ray's own memory monitor kills too, but Tune then gives up the whole run, whoever was to blame. So
each worker watches its resident memory and stays within its share of the machine; one that does not
is a lost trial with a reason, and the others never notice.
"""

from __future__ import annotations

import threading
import time
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


def guard(workers: int, exceeded: Callable[[str], None]) -> None:
    """Watch from a thread that this process stays within the share of one of `workers`.

    Calls `exceeded` once, with the reason in words, when it does not.
    """
    limit = share_of_memory(workers)
    if limit is not None:
        threading.Thread(target=_watch, args=(limit, workers, exceeded), daemon=True).start()


def _watch(limit: int, workers: int, exceeded: Callable[[str], None]) -> None:
    while (held := resident()) <= limit:
        time.sleep(EVERY)
    exceeded(
        f"it took {held / 1e9:.1f} GB, more than one of {workers} workers may; make the network or "
        f"the batch smaller, or give --workers less"
    )


def share_gpu(fraction: float) -> None:
    """Take no more of a shared GPU's memory than was asked for: one too greedy fails alone."""
    if 0 < fraction < 1:
        import torch

        if torch.cuda.is_available():
            torch.cuda.set_per_process_memory_fraction(fraction)
