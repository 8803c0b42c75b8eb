"""Spaces as networkx graphs: there and back, and for drawing."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from itnet_nas.errors import SpaceError
from itnet_nas.registry import Registry
from itnet_nas.space.check import check
from itnet_nas.space.graph import from_graph, to_graph, to_node_link, write_graphml
from itnet_nas.space.load import load_source, load_space
from itnet_nas.space.parse import parse
from itnet_nas.space.source import parse_text
from itnet_nas.space.space import Space
from itnet_nas.space.spec import SpaceSpec
from itnet_nas.space.topology import name_of

TEXT = """\
version: 1
task: {name: symbols, length: 8}
layers:
  - {name: a, kernels: {conv: {radius: [1, 2]}}}
  - repeat: body
    count: [1, 2]
    after: [a]
    layers: [{name: x, kernels: any, axes: {support: [full]}}]
  - {name: b, after: [body, {from: a, optional: true}, input], kernels: {gru: }, optional: true}
constraints: ["params <= 1e6"]
"""


@pytest.fixture
def spec() -> SpaceSpec:
    return parse(parse_text(TEXT, "a.yaml"))


def test_a_spec_becomes_a_graph_with_a_node_per_layer_and_per_repeat(spec: SpaceSpec) -> None:
    graph = to_graph(spec)

    assert graph.graph == {
        "version": 1,
        "task": {"name": "symbols", "length": 8},
        "constraints": ["params <= 1e6"],
    }
    assert dict(graph.nodes(data=True)) == {
        "a": {"kernels": {"conv": {"radius": [1, 2]}}},
        "body": {
            "count": [1, 2],
            "layers": [{"name": "x", "kernels": "any", "axes": {"support": ["full"]}}],
        },
        "b": {"kernels": {"gru": {}}, "optional": True},
        "input": {},
    }
    assert list(graph.edges(data=True)) == [
        ("a", "body", {}),
        ("a", "b", {"optional": True}),
        ("body", "b", {}),
        ("input", "b", {}),
    ]


def test_a_graph_says_what_the_file_said(spec: SpaceSpec) -> None:
    again = SpaceSpec.model_validate(from_graph(to_graph(spec)))

    assert [name_of(layer) for layer in again.layers] == ["a", "body", "b"]
    assert again.constraints == spec.constraints
    assert again.layers[:2] == spec.layers[:2]


def test_node_link_json_is_read_as_a_file_with_its_places(
    spec: SpaceSpec, tmp_path: Path, kernels: Registry, tasks: Registry
) -> None:
    path = tmp_path / "drawn.json"
    path.write_text(json.dumps(to_node_link(spec), indent=1))

    source = load_source(path)
    space = load_space(path, kernels=kernels, tasks=tasks)

    assert space.name == "drawn"
    assert space.fingerprint == check(spec, kernels=kernels, tasks=tasks).fingerprint
    line, _ = source.place(("layers", 0, "kernels", "conv", "radius", 1))
    assert line is not None
    assert path.read_text().splitlines()[line - 1].strip() == "2"


def test_node_link_json_as_networkx_writes_it_is_read(
    spec: SpaceSpec, kernels: Registry, tasks: Registry
) -> None:
    data = nx.node_link_data(to_graph(spec), edges="links")
    back = nx.node_link_graph(to_node_link(spec), edges="edges")

    for what in (data, back):
        found = load_space(what, kernels=kernels, tasks=tasks)
        assert found.fingerprint == check(spec, kernels=kernels, tasks=tasks).fingerprint


def test_a_graph_made_by_hand_may_have_input_and_output_nodes(
    kernels: Registry, tasks: Registry
) -> None:
    graph = nx.DiGraph(version=1, task={"name": "symbols"}, name="by hand")
    graph.add_node("input")
    graph.add_node("mix", kernels={"conv": {"radius": (1, 2)}})
    graph.add_node("output")
    nx.add_path(graph, ["input", "mix", "output"])

    space = load_space(graph, kernels=kernels, tasks=tasks)

    assert space.name == "by hand"
    assert [(e.source, e.target) for e in space.edges] == [("input", "mix"), ("mix", "output")]
    assert len(space.layer["mix"].choices) == 2


def _with(change: Callable[[dict[str, Any]], object]) -> str:
    data: dict[str, Any] = {
        "graph": {"version": 1, "task": {"name": "symbols"}},
        "nodes": [{"id": "a", "kernels": {"gru": {}}}, {"id": "b", "kernels": {"gru": {}}}],
        "edges": [{"source": "a", "target": "b"}],
    }
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda d: d["edges"].append({"source": "q", "target": "b"}),
            'edges["q", "b"]\n  no layer is called "q"\n  layers: a',
        ),
        (
            lambda d: d["edges"].append({"source": "a", "target": "q"}),
            'edges[1].target\n  no layer is called "q"\n  add the node',
        ),
        (
            lambda d: d["edges"].append({"source": "a", "target": "output"}),
            'edges[1]\n  "a" is read by another layer, so it does not go to the output\n'
            "  leave this edge out",
        ),
        (
            lambda d: d["edges"].append({"source": "a"}),
            'edges[1]\n  an edge has a source and a target, got {"source": "a"}',
        ),
        (
            lambda d: d["edges"][0].update(optionl=True),
            'edges["a", "b"].optionl\n  there is no key "optionl" here\n'
            '  did you mean "optional"? the keys here are from, optional',
        ),
        (lambda d: d["nodes"][0].pop("id"), 'nodes[0]\n  the key "name" is missing'),
        (
            lambda d: d.update(nodes=3),
            "nodes\n  must be a list in node-link form, got 3",
        ),
    ],
)
def test_what_is_wrong_with_node_link_json_is_said(
    change: Callable[[dict[str, Any]], object],
    said: str,
    tmp_path: Path,
    kernels: Registry,
    tasks: Registry,
) -> None:
    path = tmp_path / "a.json"
    path.write_text(_with(change))

    with pytest.raises(SpaceError) as raised:
        load_space(path, kernels=kernels, tasks=tasks)

    first = str(raised.value).split("\n\n")[1]
    place, _, rest = first.partition(": ")
    assert rest == said
    assert place.startswith(f"{path}:1:")


@pytest.mark.parametrize("graph", [nx.Graph(), nx.MultiDiGraph(), 3])
def test_what_is_no_directed_graph_is_refused(graph: Any) -> None:
    with pytest.raises(SpaceError) as raised:
        load_space(graph)

    assert str(raised.value) == (
        "space: 1 problem\n\n"
        "space: the file\n"
        f"  a space is a path, a dict or a networkx.DiGraph, got {type(graph).__name__}\n"
        "  data flow has a direction, and there is one edge from a layer to another"
    )


def test_the_graph_of_a_checked_space_has_every_layer_and_choice(
    space_of: Callable[..., Space],
) -> None:
    graph = to_graph(space_of(TEXT))

    assert list(graph) == ["input", "a", "body_1_x", "body_2_x", "b", "output"]
    assert [one["label"] for one in graph.nodes["a"]["choices"]] == [
        "conv(radius=1, dilation=1)",
        "conv(radius=2, dilation=1)",
    ]
    assert graph.edges["a", "b"] == {"optional": True}


def test_the_graph_of_a_checked_space_is_no_way_back(space_of: Callable[..., Space]) -> None:
    with pytest.raises(SpaceError, match="this graph shows a checked space"):
        from_graph(to_graph(space_of(TEXT)))


@pytest.mark.parametrize("checked", [True, False])
def test_graphml_can_be_read_by_drawing_tools(
    checked: bool, space_of: Callable[..., Space], spec: SpaceSpec, tmp_path: Path
) -> None:
    path = tmp_path / "a.graphml"

    write_graphml(space_of(TEXT) if checked else spec, path)

    again = nx.read_graphml(path)
    assert set(again) >= {"input", "a", "b"}
    assert ET.parse(path).getroot().tag.endswith("graphml")
    if checked:
        assert again.nodes["a"]["families"] == "conv"
        assert again.nodes["a"]["choices"] == (
            "conv(radius=1, dilation=1), conv(radius=2, dilation=1)"
        )


def test_a_problem_with_a_graph_names_the_node_and_not_its_place_in_a_list(
    kernels: Registry, tasks: Registry
) -> None:
    graph = nx.DiGraph(version=1, network={"widht": 8}, task={"name": "symbls"})
    graph.add_node("far", kernels={"conv": {}}, optional="yes")
    graph.add_node("1st", kernels={"conv": {}})
    graph.add_edge("far", "1st")
    graph.add_edge("1st", "far")

    with pytest.raises(SpaceError) as raised:
        load_space(graph, kernels=kernels, tasks=tasks)

    assert {problem.path for problem in raised.value.problems} == {
        "graph.network.widht",
        'nodes["far"].optional',
        "nodes[1].id",
        'edges["1st", "far"]',
        "graph.task.name",
    }


def test_a_circle_in_a_graph_is_told_at_its_node(kernels: Registry, tasks: Registry) -> None:
    graph = nx.DiGraph(version=1, task={"name": "symbols"})
    graph.add_node("a", kernels={"gru": {}})
    graph.add_node("b", kernels={"gru": {}})
    graph.add_edges_from([("a", "b"), ("b", "a")])

    with pytest.raises(SpaceError) as raised:
        load_space(graph, kernels=kernels, tasks=tasks)

    assert str(raised.value).splitlines()[2:] == [
        'space: nodes["a"]',
        "  layers wait for each other in a circle: a -> b -> a",
        "  leave one of these edges out",
    ]
