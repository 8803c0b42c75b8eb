"""Ray without its own tables, loggers, notices and files. Nothing here imports Ray."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, final

if TYPE_CHECKING:
    from collections.abc import Iterator

# In place before Ray starts: its tables, loggers and working directories are in the way of ours.
QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}


@functools.cache
def own_token() -> str:
    """The token of the clusters that this process starts: the home's, else one of our own.

    Ray would write one into the home directory. It reads a token once per process, so the
    answer has to stay the same when the file, or the home, changes between two searches.
    """
    with contextlib.suppress(OSError):
        if found := (Path.home() / ".ray" / "auth_token").read_text().strip():
            return found
    return uuid.uuid4().hex


@contextlib.contextmanager
def quiet_environment(own: bool) -> Iterator[None]:
    """The variables that have to be set before Ray starts; `own` for a cluster that we start."""
    extra = dict(QUIET)
    if own and not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        extra["RAY_AUTH_TOKEN"] = own_token()
    before = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@final
class WithoutRay(io.TextIOBase):
    """Standard output without what Ray prints there of its own accord when a worker dies.

    It has no switch for that, and our standard output is data.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        if threading.current_thread().name == "ray_listen_error_messages":
            return len(text)
        return self._out.write(text)

    def flush(self) -> None:
        self._out.flush()

    @property
    def closed(self) -> bool:  # libraries keep this object and ask again when the process ends
        return self._out.closed

    def isatty(self) -> bool:
        return self._out.isatty()
