"""The graph of a space: its names, its edges, its circles, and motifs written out.

A motif `body` with layers a, b becomes body_1_a, body_1_b, body_2_a, … for as many copies as may
be chosen. Inside it `input` is what the motif reads: the `after` of the repeat for the first copy,
the last layers of the copy before for the others. Elsewhere `after: [body]` reads the last layers
of the last copy; copies that are not chosen are bridged as layers that are left out are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import networkx as nx

from itnet_nas.errors import did_you_mean
from itnet_nas.space.space import INPUT, OUTPUT, Edge, Repeat
from itnet_nas.space.spec import EdgeSpec, LayerSpec, RepeatSpec
from itnet_nas.space.values import ValuePath, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itnet_nas.space.findings import Findings
    from itnet_nas.space.parse import Part

Item = LayerSpec | RepeatSpec
Ends = list[tuple[str, bool]]  # (layer, whether the edge from it is optional)


def name_of(item: Item) -> str:
    """The name by which other layers read the item."""
    return item.repeat if isinstance(item, RepeatSpec) else item.name


def counts_of(repeat: RepeatSpec) -> tuple[int, ...]:
    """The numbers of copies to try."""
    return repeat.count if isinstance(repeat.count, tuple) else (repeat.count,)


def check_graph(parts: Sequence[Part[Any]], path: ValuePath, findings: Findings) -> None:
    """Names, edges and circles of the items at `path`, and of the motifs among them."""
    known = [name_of(part.spec) for part in parts if part.whole("name", "repeat")]
    seen: dict[str, ValuePath] = {}
    for part in parts:
        if isinstance(part.spec, RepeatSpec):
            _check_counts(part, findings)
            check_graph(part.layers, (*part.path, "layers"), findings)
        key = "repeat" if isinstance(part.spec, RepeatSpec) else "name"
        if part.whole("name", "repeat"):
            _check_name(name_of(part.spec), (*part.path, key), seen, findings)
        if part.whole("after"):
            _check_after(part, known, findings)
    _check_circles(parts, findings)
    if not path[1:]:
        _check_written_out(parts, findings)


@final
@dataclass(frozen=True)
class Graph:
    """A space's layers, written out: name -> path of its spec; in topological order."""

    layers: dict[str, ValuePath]
    edges: tuple[Edge, ...]
    repeats: tuple[Repeat, ...]


def write_out(items: Sequence[Item]) -> Graph:
    """The graph of items that `check_graph` found nothing wrong with."""
    layers: dict[str, ValuePath] = {}
    edges: list[Edge] = []
    repeats: list[Repeat] = []
    ends: dict[str, list[str]] = {INPUT: [INPUT]}
    waiting: list[tuple[str, tuple[str | EdgeSpec, ...]]] = []
    for index, item in enumerate(items):
        path: ValuePath = ("layers", index)
        if isinstance(item, LayerSpec):
            layers[item.name] = path
            ends[item.name] = [item.name]
            waiting.append((item.name, item.after))
            continue
        copies, inner, last, entries = _copies(item)
        for copy in copies:
            for number, name in enumerate(copy):
                layers[name] = (*path, "layers", number)
        edges += inner
        ends[item.repeat] = last
        # A required entry reads each source as the repeat does; an optional one makes it optional.
        for name, optional in entries:
            after = item.after or (INPUT,)
            waiting.append((name, tuple(_loosened(source, optional) for source in after)))
        repeats.append(
            Repeat(name=item.repeat, counts=counts_of(item), copies=copies, tied=item.tied)
        )
    for name, after in waiting:
        for source, optional in _sources(after or (INPUT,)):
            edges += [Edge(source=end, target=name, optional=optional) for end in ends[source]]
    merged = _merged(edges)
    read = {edge.source for edge in merged}
    merged += [Edge(source=name, target=OUTPUT) for name in layers if name not in read]
    order = _order(layers, merged)
    place = {name: index for index, name in enumerate((INPUT, *order, OUTPUT))}
    merged.sort(key=lambda edge: (place[edge.target], place[edge.source]))
    return Graph({name: layers[name] for name in order}, tuple(merged), tuple(repeats))


def _copies(
    item: RepeatSpec,
) -> tuple[tuple[tuple[str, ...], ...], list[Edge], list[str], Ends]:
    """(names per copy, edges among copies, last layers of all, what reads the repeat's sources)."""
    read = {source for layer in item.layers for source, _ in _sources(layer.after)}
    last = [layer.name for layer in item.layers if layer.name not in read]
    edges: list[Edge] = []
    copies: list[tuple[str, ...]] = []
    entries: Ends = []
    for copy in range(1, max(counts_of(item)) + 1):
        names = {layer.name: f"{item.repeat}_{copy}_{layer.name}" for layer in item.layers}
        for layer in item.layers:
            target = names[layer.name]
            for source, optional in _sources(layer.after or (INPUT,)):
                if source != INPUT:
                    edges.append(Edge(source=names[source], target=target, optional=optional))
                elif copy == 1:
                    entries.append((target, optional))
                else:
                    edges += [
                        Edge(
                            source=f"{item.repeat}_{copy - 1}_{end}",
                            target=target,
                            optional=optional,
                        )
                        for end in last
                    ]
        copies.append(tuple(names.values()))
    final_names = [f"{item.repeat}_{len(copies)}_{end}" for end in last]
    return tuple(copies), edges, final_names, entries


def _sources(after: Iterable[str | EdgeSpec]) -> Ends:
    return [
        (edge.source, edge.optional) if isinstance(edge, EdgeSpec) else (edge, False)
        for edge in after
    ]


def _loosened(source: str | EdgeSpec, optional: bool) -> str | EdgeSpec:
    if not optional:
        return source
    name = source.source if isinstance(source, EdgeSpec) else source
    return EdgeSpec.model_validate({"from": name, "optional": True})


def _merged(edges: Iterable[Edge]) -> list[Edge]:
    """One edge per pair; where one of several is required, it is required."""
    found: dict[tuple[str, str], bool] = {}
    for edge in edges:
        pair = edge.source, edge.target
        found[pair] = found.get(pair, True) and edge.optional
    return [Edge(source=s, target=t, optional=optional) for (s, t), optional in found.items()]


def _order(layers: Iterable[str], edges: Iterable[Edge]) -> list[str]:
    """Topological, ties in the order given."""
    place = {name: index for index, name in enumerate(layers)}
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from(place)
    graph.add_edges_from(
        (e.source, e.target) for e in edges if e.source in place and e.target in place
    )
    return list(nx.lexicographical_topological_sort(graph, key=place.__getitem__))


def _check_counts(part: Part[RepeatSpec], findings: Findings) -> None:
    if not part.whole("count") or not isinstance(part.spec.count, tuple):
        return
    if not part.spec.count:
        findings.add((*part.path, "count"), "no number to try", "such as: count: [1, 2, 3]")
    for index, count in enumerate(part.spec.count):
        if count in part.spec.count[:index]:
            findings.add(
                (*part.path, "count", index), f"{count} is given twice", "keep one of them"
            )


def _check_name(name: str, path: ValuePath, seen: dict[str, ValuePath], findings: Findings) -> None:
    if name in (INPUT, OUTPUT):
        findings.add(
            path, f'"{name}" is taken: it stands for the {name} of the network', "rename it"
        )
    elif name in seen:
        line, _ = findings.source.place(seen[name])
        where = f"at line {line} already" if line is not None else "by an earlier layer already"
        findings.add(path, f'the name "{name}" is used {where}', "names must be unique")
    seen.setdefault(name, path)


def _check_after(part: Part[Any], known: list[str], findings: Findings) -> None:
    path = (*part.path, "after")
    me = name_of(part.spec) if part.whole("name", "repeat") else ""
    sources = _sources(part.spec.after)
    given: set[str] = set()
    for index, (source, _) in enumerate(sources):
        at: ValuePath = (*path, index)
        if isinstance(part.spec.after[index], EdgeSpec):
            at = (*at, "from")
        if source in given:
            findings.add(at, f'"{source}" is given twice', "keep one of them")
        elif source == me:
            findings.add(at, f'"{me}" reads itself', "name a layer before it")
        elif source != INPUT and source not in known:
            hint = did_you_mean(source, [name for name in (*known, INPUT) if name != me])
            others = dict.fromkeys(name for name in known if name != me)
            what = f"{hint + ' ' if hint else ''}layers: {listed(others)}"
            if part.path[2:]:  # a motif sees its own layers
                what += "; inside a repeat, input is what the repeat reads"
            findings.add(at, f'no layer is called "{source}"', what)
        given.add(source)
    if sources and all(optional for _, optional in sources):
        findings.add(
            path,
            f'every edge into "{me}" is optional, so it could end up reading nothing',
            "make one of them required, or add input",
        )


def _check_circles(parts: Sequence[Part[Any]], findings: Findings) -> None:
    """One problem for each knot of layers that wait for each other."""
    graph: nx.DiGraph = nx.DiGraph()
    path: dict[str, ValuePath] = {}
    for part in parts:
        if part.whole("name", "repeat"):
            path.setdefault(name_of(part.spec), (*part.path, "after"))
    for part in parts:
        if part.whole("name", "repeat", "after"):
            me = name_of(part.spec)
            graph.add_edges_from(
                (s, me) for s, _ in _sources(part.spec.after) if s in path and s != me
            )
    order = list(path)
    for knot in nx.strongly_connected_components(graph):
        if len(knot) == 1:
            continue
        first = min(knot, key=order.index)
        within: nx.DiGraph = nx.DiGraph()
        within.add_edges_from((s, t) for s, t in graph.edges if s in knot and t in knot)
        circle = [source for source, _ in nx.find_cycle(within, first)]
        start = min(range(len(circle)), key=lambda i: order.index(circle[i]))
        circle = [*circle[start:], *circle[:start]]
        findings.add(
            path[circle[0]],
            f"layers wait for each other in a circle: {' -> '.join([*circle, circle[0]])}",
            "leave one of these edges out",
        )


def _check_written_out(parts: Sequence[Part[Any]], findings: Findings) -> None:
    """Names of copies must not meet names that were written."""
    copies: Counter[str] = Counter()
    for part in parts:
        if isinstance(part.spec, RepeatSpec) and part.whole("repeat", "count", "layers"):
            names = [one.spec.name for one in part.layers if one.whole("name")]
            for copy in range(1, max(counts_of(part.spec), default=0) + 1):
                copies.update({f"{part.spec.repeat}_{copy}_{name}" for name in names})
    for part in parts:
        if isinstance(part.spec, LayerSpec) and part.whole("name") and part.spec.name in copies:
            findings.add(
                (*part.path, "name"),
                f'"{part.spec.name}" is also the name of a layer in a copy of a repeat',
                "rename one of them",
            )
    repeats = [part for part in parts if isinstance(part.spec, RepeatSpec)]
    if any(count > 1 for count in copies.values()):
        together = listed([part.spec.repeat for part in repeats])
        twice = next(name for name, count in copies.items() if count > 1)
        if len({part.spec.repeat for part in repeats}) == len(repeats):
            findings.add(
                (*repeats[-1].path, "repeat"),
                f'the copies of the repeats {together} give two layers the name "{twice}"',
                "rename one of the repeats",
            )
