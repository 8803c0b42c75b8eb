"""`load`: a pickle that may hold numbers, texts, lists and dicts, and nothing that runs.

A pickle can name any function and call it while it is read. Here a name is looked up in a table of
two, and both stand for code of this file: the number of numpy, which becomes a float, and its type.
Whatever else a pickle names is an error.
"""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from pathlib import Path


@final
class UnsafePickle(ValueError):
    """A pickle names what no table of figures needs."""


@final
class _Type:
    """What `numpy.dtype` is in a pickle: a name such as f8; the rest of its state is left out."""

    def __init__(self, name: str, *_: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or state[1] != "<":
            raise UnsafePickle(f"a number that is not little-endian: {state!r}")


def _number(kind: object, data: object) -> float:
    """What `numpy.core.multiarray.scalar` is in a pickle."""
    if not (isinstance(kind, _Type) and kind.name == "f8" and isinstance(data, bytes)):
        raise UnsafePickle(f"a number of another type than f8: {getattr(kind, 'name', kind)!r}")
    return float(struct.unpack("<d", data)[0])


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Type,
    ("numpy.core.multiarray", "scalar"): _number,
    ("numpy._core.multiarray", "scalar"): _number,
}


@final
class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise UnsafePickle(
                f"the pickle names {module}.{name}, which a table of figures does not need; "
                f"it is not the file that was published, so it was not read"
            )
        return _KNOWN[module, name]

    def persistent_load(self, pid: object) -> Any:
        raise UnsafePickle(f"the pickle refers to something outside itself: {pid!r}")


def load(path: Path) -> Any:
    """The plain values in a file. UnsafePickle where it names anything that could run."""
    with path.open("rb") as file:
        return _Reader(file).load()
