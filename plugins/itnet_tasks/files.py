"""Files that a task reads: where they are, whether they can be read, when they last changed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from itnet_nas.errors import DataUnavailable


class Stamp(NamedTuple):
    """A file and the state it was seen in: the key of what is kept in memory of it."""

    path: str
    changed: int  # nanoseconds since the epoch
    size: int  # bytes


def absolute(path: str) -> str:
    """`path` seen from the current directory, with `~` written out.

    Params hold absolute paths: a worker and a resumed run have other current directories.
    """
    return str(Path(path).expanduser().absolute())


def stamp(path: str, remedy: str) -> Stamp:
    """The state of a file. Raises DataUnavailable, closing with `remedy`, when it is none."""
    place = Path(path)
    try:
        state = place.stat()
    except OSError as error:
        raise DataUnavailable(f"{path}: {_reason(error)}; {remedy}") from error
    if not place.is_file():
        raise DataUnavailable(f"{path}: is a folder, not a file; {remedy}")
    return Stamp(path, state.st_mtime_ns, state.st_size)


def read(seen: Stamp, remedy: str) -> bytes:
    """The contents. Raises DataUnavailable, closing with `remedy`."""
    try:
        return Path(seen.path).read_bytes()
    except OSError as error:
        raise DataUnavailable(f"{seen.path}: {_reason(error)}; {remedy}") from error


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "this user may not read it"
    return error.strerror or type(error).__name__
