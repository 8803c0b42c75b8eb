"""What may be searched: from the text of a file to a checked `Space`. No torch anywhere in here.

text -> `Source` -> `SpaceSpec` -> check -> `Space`; `load_space` is the one door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itnet_nas.space.load import load_space

__all__ = ["load_space"]


def __getattr__(name: str) -> Any:
    # Those who only read a stored Space must not pay for yaml and networkx.
    if name == "load_space":
        from itnet_nas.space.load import load_space

        return load_space
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
