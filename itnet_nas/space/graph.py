"""A space as a networkx graph: node-link JSON in and out, GraphML out.

    graph    version, task, network, objectives, constraints, training, search, as in the file
    node     a layer: kernels, axes, optional; or a repeat: count, tied, layers
    edge     what stands under `after`: optional

A repeat stays one node, so nothing of a file is lost. Nodes `input` and `output` may be there;
edges from `input` say the same as `after: [input]`, edges to `output` must come from layers that
nothing else reads.

The graph of a checked `Space` is for looking at: it has every layer written out, with the list of
its choices, and is no way back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import networkx as nx

from itnet_nas.errors import Problem, SpaceError
from itnet_nas.space.findings import Findings
from itnet_nas.space.source import Source
from itnet_nas.space.space import INPUT, OUTPUT, Space
from itnet_nas.space.values import path_text, plain, show

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from itnet_nas.space.spec import SpaceSpec
    from itnet_nas.space.values import Place, ValuePath

_LINKS = ("edges", "links")  # networkx before 3.4 wrote links


def to_graph(space: Space | SpaceSpec) -> nx.DiGraph:
    """A spec as a graph that `load_space` accepts; or a checked space as a graph to look at."""
    return _drawn(space) if isinstance(space, Space) else _written(space)


def from_graph(graph: nx.Graph) -> dict[str, Any]:
    """The same as a search-space file would say. Raises SpaceError for what is no such graph."""
    data = graph_data(graph)
    name = str(data["graph"].get("name") or "space")
    found = from_node_link(Source(name, "", data))
    Findings(found).raise_if_any()
    file: dict[str, Any] = found.data
    return file


def to_node_link(space: Space | SpaceSpec) -> dict[str, Any]:
    """Plain JSON in the node-link form of networkx."""
    return graph_data(to_graph(space))


def write_graphml(space: Space | SpaceSpec, path: str | Path) -> None:
    """Write a file for drawing tools. GraphML holds no lists: they become text."""
    graph = to_graph(space)
    flat = nx.DiGraph(**{key: _text(value) for key, value in graph.graph.items()})
    for node, attributes in graph.nodes(data=True):
        choices = attributes.get("choices")
        flat.add_node(node, **{key: _text(value) for key, value in attributes.items()})
        if choices:
            families = dict.fromkeys(choice["family"] for choice in choices)
            flat.nodes[node]["families"] = ", ".join(families)
    for source, target, attributes in graph.edges(data=True):
        flat.add_edge(source, target, **{key: _text(value) for key, value in attributes.items()})
    nx.write_graphml(flat, path)


def is_node_link(data: Any) -> bool:
    """Whether plain data is a graph in node-link form, not a space as a file has it."""
    return isinstance(data, dict) and "nodes" in data and "layers" not in data


def graph_data(graph: Any) -> dict[str, Any]:
    """Node-link form of a directed graph. Raises SpaceError for anything else."""
    if not isinstance(graph, nx.DiGraph) or isinstance(graph, nx.MultiDiGraph):
        raise SpaceError(
            "space",
            [
                Problem(
                    "",
                    f"a space is a path, a dict or a networkx.DiGraph, got {type(graph).__name__}",
                    "data flow has a direction, and there is one edge from a layer to another",
                )
            ],
        )
    # By hand: networkx has changed the keyword for "edges" twice.
    return {
        "directed": True,
        "multigraph": False,
        "graph": plain(graph.graph),
        "nodes": [{**plain(rest), "id": node} for node, rest in graph.nodes(data=True)],
        "edges": [{**plain(rest), "source": s, "target": t} for s, t, rest in graph.edges.data()],
    }


def from_node_link(source: Source) -> Source:
    """The source of the file that says the same, with every place kept."""
    return _Unlinked(source).source()


@final
class _Unlinked:
    """One conversion. `moved` maps paths in the graph to paths in the file, `called` to words."""

    def __init__(self, source: Source) -> None:
        self.given = source
        self.findings = Findings(source)
        self.moved: dict[ValuePath, ValuePath] = {}
        self.called: dict[ValuePath, str] = {("layers",): "nodes"}
        self.listed: list[Any] = []
        self.places: dict[str, int] = {}  # name -> its place in `listed`

    def source(self) -> Source:
        data = self.given.data
        links = next((key for key in _LINKS if key in data), "edges")
        top = self._part("graph", dict, {})
        for index, node in enumerate(self._part("nodes", list, [])):
            self._node(("nodes", index), node)
        edges = self._part(links, list, [])
        for index, edge in enumerate(edges):
            self._edge((links, index), edge, edges)
        file = {key: value for key, value in top.items() if key != "name"}
        self.moved |= {("graph", key): (key,) for key in file}
        self.called |= {(key,): path_text(("graph", key)) for key in file}
        return Source(
            self.given.name,
            self.given.text,
            {**file, "layers": self.listed},
            self._moved(self.given.places),
            self._moved(self.given.keys),
            tuple(self.findings.problems),
            self.called,
        )

    def _part(self, key: str, kind: type, default: Any) -> Any:
        value = self.given.data.get(key, default)
        if not isinstance(value, kind):
            word = "list" if kind is list else "mapping"
            self.findings.add((key,), f"must be a {word} in node-link form, got {show(value)}")
            self.findings.raise_if_any()
        return value

    def _node(self, at: ValuePath, node: Any) -> None:
        name = node.get("id") if isinstance(node, dict) else None
        if name in (INPUT, OUTPUT) and len(node) == 1:
            return
        new: ValuePath = ("layers", len(self.listed))
        self.moved[at] = new
        if not isinstance(node, dict):
            self.listed.append(node)
            return
        if "choices" in node:
            self.findings.add(
                at,
                "this graph shows a checked space, and does not say what may be searched",
                "write the graph of the file: to_graph(parse(read(path)))",
            )
            self.findings.raise_if_any()
        own = "repeat" if "layers" in node or "count" in node else "name"
        layer = {own if key == "id" else key: value for key, value in node.items()}
        self.moved |= {(*at, key): (*new, own if key == "id" else key) for key in node}
        called = path_text(at) if name is None else f"nodes[{show(name)}]"
        # Circles are told at `after`, which a graph does not have.
        self.called |= {new: called, (*new, own): path_text((*at, "id")), (*new, "after"): called}
        if isinstance(name, str):
            self.places[name] = len(self.listed)
        self.listed.append(layer)

    def _edge(self, at: ValuePath, edge: Any, edges: list[Any]) -> None:
        if not isinstance(edge, dict) or not {"source", "target"} <= edge.keys():
            self.findings.add(at, f"an edge has a source and a target, got {show(edge)}")
            return
        origin, target = edge["source"], edge["target"]
        if target == OUTPUT:
            if sum(isinstance(e, dict) and e.get("source") == origin for e in edges) > 1:
                message = (
                    f"{show(origin)} is read by another layer, so it does not go to the output"
                )
                self.findings.add(at, message, "leave this edge out")
            return
        if not isinstance(target, str) or target not in self.places:
            message = f"no layer is called {show(target)}"
            self.findings.add((*at, "target"), message, "add the node")
            return
        place = self.places[target]
        after = self.listed[place].setdefault("after", [])
        if not isinstance(after, list):
            return  # reported with the shape of the layer
        new = ("layers", place, "after", len(after))
        rest = {key: value for key, value in edge.items() if key not in ("source", "target")}
        after.append({"from": origin, **rest} if rest else origin)
        self.moved |= {at: new, (*at, "source"): (*new, "from")}
        called = f"edges[{show(origin)}, {show(target)}]"
        self.called |= {new: called, (*new, "from"): f"{called}.source"}
        self.moved |= {(*at, key): (*new, key) for key in rest}

    def _moved(self, places: Mapping[ValuePath, Place]) -> dict[ValuePath, Place]:
        """Places under their new paths; below a moved path everything moves along."""
        found: dict[ValuePath, Place] = {(): (1, 1)} if places else {}
        for path, place in places.items():
            for length in range(len(path), 0, -1):
                new = self.moved.get(path[:length])
                if new is not None:
                    found[new + path[length:]] = place
                    break
        return found


def _written(spec: SpaceSpec) -> nx.DiGraph:
    file = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    layers = file.pop("layers")
    graph = nx.DiGraph(**file)
    for layer in layers:
        name = layer.get("repeat") or layer.get("name")
        attributes = {k: v for k, v in layer.items() if k not in ("repeat", "name", "after")}
        graph.add_node(name, **attributes)
    for layer in layers:
        for edge in layer.get("after", []):
            long = edge if isinstance(edge, dict) else {"from": edge}
            rest = {key: value for key, value in long.items() if key != "from"}
            graph.add_edge(long["from"], layer.get("repeat") or layer["name"], **rest)
    return graph


def _drawn(space: Space) -> nx.DiGraph:
    graph = nx.DiGraph(
        name=space.name,
        task=space.task.name,
        domain=str(space.facts.domain),
        width=space.width,
        objectives=[objective.name for objective in space.objectives],
        constraints=list(space.constraints),
    )
    graph.add_node(INPUT)
    for layer in space.layers:
        graph.add_node(
            layer.name,
            optional=layer.optional,
            choices=[
                {"family": c.family, "params": c.params, "label": c.label, "bias": str(c.bias)}
                for c in layer.choices
            ],
        )
    graph.add_node(OUTPUT)
    for edge in space.edges:
        graph.add_edge(edge.source, edge.target, optional=edge.optional)
    return graph


def _text(value: Any) -> str | int | float | bool:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return ", ".join(
            str(item.get("label", item)) if isinstance(item, dict) else str(item) for item in value
        )
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(inner)}" for key, inner in value.items())
    return str(value)
