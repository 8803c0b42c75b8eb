"""Which inductive bias does each layer of a network need, and what does accuracy cost?

run = itnet_nas.search("space.yaml")
model = run.pareto().pick("knee").module()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itnet_nas.api import open_run, search

__version__ = "0.1.0"

__all__ = ["__version__", "open_run", "search"]


def __getattr__(name: str) -> Any:
    # `import itnet_nas` must cost nothing: the command line and every worker pay for it.
    if name == "open_run":
        from itnet_nas.api import open_run

        return open_run
    if name == "search":
        # The name is also a package's. Importing the package binds it to this module's namespace,
        # and from then on `itnet_nas.search` would be the package.
        from itnet_nas.api import search

        return search
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
