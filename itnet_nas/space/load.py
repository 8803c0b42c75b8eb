"""The one door to a space: a file, a networkx graph, or the same as a dict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itnet_nas.registry import KERNELS, TASKS
from itnet_nas.space.check import check
from itnet_nas.space.graph import from_node_link, graph_data, is_node_link
from itnet_nas.space.source import Source, from_data, read
from itnet_nas.space.values import plain

if TYPE_CHECKING:
    import networkx as nx

    from itnet_nas.registry import Registry
    from itnet_nas.space.space import Space


def load_space(
    what: str | Path | Mapping[str, Any] | nx.Graph,
    *,
    kernels: Registry = KERNELS,
    tasks: Registry = TASKS,
    notes: list[str] | None = None,
) -> Space:
    """Read and check a space.

    what   the path of a YAML or JSON file, networkx node-link JSON included; a dict as such a file
           would give; or a networkx.DiGraph with the attributes that `to_graph` writes
    notes  receives what the user should know though nothing is wrong

    The space is called like the file; a graph by its attribute `name`, else "space".

    Raises SpaceError with every problem; DataUnavailable when only the task's data is missing.
    """
    return check(load_source(what), kernels=kernels, tasks=tasks, notes=notes)


def load_source(what: str | Path | Mapping[str, Any] | nx.Graph) -> Source:
    """What `load_space` checks. Raises SpaceError for a file that cannot be read."""
    if isinstance(what, str | Path):
        source = read(what)
    elif isinstance(what, Mapping):
        source = from_data(plain(what), "space")
    else:
        data = graph_data(what)
        source = from_data(data, str(data["graph"].get("name") or "space"))
    return from_node_link(source) if is_node_link(source.data) else source
