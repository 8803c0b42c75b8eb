"""The lock of a run's folder: one process writes; the system frees it when that process dies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from itnet_nas.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path


def take_lock(folder: Path) -> int | None:
    """A handle to close when done; None where the system has no such locks.

    Raises RunError when another process holds it, or it cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # Windows: SQLite still serialises writes, two searches are not refused
        return None
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RunError(f"{folder / 'lock'} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise RunError(
            f"another process is searching in {folder}; wait for it, or look on with "
            f"`itnet-nas status {folder}`"
        ) from error
    return handle
