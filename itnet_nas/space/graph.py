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

from typing import TYPE_CHECKING, Any

import networkx as nx

from itnet_nas.errors import Problem, SpaceError
from itnet_nas.space.findings import Findings
from itnet_nas.space.source import Source
from itnet_nas.space.space import INPUT, OUTPUT, Space
from itnet_nas.space.values import show

if TYPE_CHECKING:
    from pathlib import Path

    from itnet_nas.space.spec import SpaceSpec
    from itnet_nas.space.values import ValuePath

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
    plain: dict[str, Any] = found.data
    return plain


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
        "graph": dict(graph.graph),
        "nodes": [{**attributes, "id": node} for node, attributes in graph.nodes(data=True)],
        "edges": [{**rest, "source": s, "target": t} for s, t, rest in graph.edges(data=True)],
    }


def from_node_link(source: Source) -> Source:
    """The source of the file that says the same, with every place kept."""
    findings = Findings(source)
    data = source.data
    moved: list[tuple[ValuePath, ValuePath]] = []  # (path in the file, path in the graph)
    links = next((key for key in _LINKS if key in data), "edges")
    nodes, edges, top = data["nodes"], data.get(links, []), data.get("graph", {})
    for key, value, kind in (("nodes", nodes, list), (links, edges, list), ("graph", top, dict)):
        if not isinstance(value, kind):
            findings.add((key,), f"must be a {kind.__name__} in node-link form, got {show(value)}")
            findings.raise_if_any()
    plain = {key: value for key, value in top.items() if key != "name"}
    moved += [((key,), ("graph", key)) for key in plain]
    layers: dict[str, dict[str, Any]] = {}
    places: dict[str, int] = {}
    listed: list[Any] = []
    for index, node in enumerate(nodes):
        at: ValuePath = ("nodes", index)
        name = node.get("id") if isinstance(node, dict) else None
        if name in (INPUT, OUTPUT) and len(node) == 1:
            continue
        if isinstance(node, dict) and "choices" in node:
            findings.add(
                at,
                "this graph shows a checked space, and does not say what may be searched",
                "write the graph of the file: to_graph(parse(read(path)))",
            )
            findings.raise_if_any()
        new: ValuePath = ("layers", len(listed))
        moved.append((new, at))
        if not isinstance(node, dict):
            listed.append(node)
            continue
        own = "repeat" if "layers" in node or "count" in node else "name"
        layer = {key: value for key, value in node.items() if key != "id"}
        if "id" in node:
            layer = {own: name, **layer}
        moved += [((*new, own if key == "id" else key), (*at, key)) for key in node]
        if isinstance(name, str):
            layers[name], places[name] = layer, len(listed)
        listed.append(layer)
    for index, edge in enumerate(edges):
        at = (links, index)
        if not isinstance(edge, dict) or not {"source", "target"} <= edge.keys():
            findings.add(at, f"an edge has a source and a target, got {show(edge)}")
            continue
        origin, target = edge["source"], edge["target"]
        if target == OUTPUT:
            inner = [e for e in edges if isinstance(e, dict) and e.get("source") == origin]
            if len(inner) > 1:
                message = f'"{origin}" is read by another layer, so it does not go to the output'
                findings.add(at, message, "leave this edge out")
            continue
        if target not in layers:
            findings.add((*at, "target"), f"no layer is called {show(target)}", "add the node")
            continue
        after = layers[target].setdefault("after", [])
        new = ("layers", places[target], "after", len(after))
        extra = {key: value for key, value in edge.items() if key not in ("source", "target")}
        after.append({"from": origin, **extra} if extra else origin)
        moved += [(new, at), ((*new, "from"), (*at, "source"))]
        moved += [((*new, key), (*at, key)) for key in extra]
    plain["layers"] = listed
    return Source(
        source.name,
        source.text,
        plain,
        _moved(source.places, moved),
        _moved(source.keys, moved),
        tuple(findings.problems),
    )


def _moved(
    places: Any, moves: list[tuple[ValuePath, ValuePath]]
) -> dict[ValuePath, tuple[int, int]]:
    """Places under their new paths; below a moved path everything moves along."""
    found: dict[ValuePath, tuple[int, int]] = {}
    if not places:
        return found
    to: dict[ValuePath, ValuePath] = {old: new for new, old in moves}
    for path, place in places.items():
        for length in range(len(path), 0, -1):
            if path[:length] in to:
                found[to[path[:length]] + path[length:]] = place
                break
    found.setdefault((), places.get((), (1, 1)))
    return found


def _written(spec: SpaceSpec) -> nx.DiGraph:
    plain = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    layers = plain.pop("layers")
    graph = nx.DiGraph(**plain)
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
