"""What holds of any space that a file can say."""

from __future__ import annotations

import contextlib
import json
from random import Random
from typing import Any

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itnet_nas.arch.genotype import contains
from itnet_nas.arch.sample import sample
from itnet_nas.errors import SpaceError
from itnet_nas.kernels import Site
from itnet_nas.registry import Registry
from itnet_nas.space.check import check
from itnet_nas.space.graph import to_node_link
from itnet_nas.space.load import load_space
from itnet_nas.space.parse import parse
from itnet_nas.space.source import Source, from_data, parse_text
from itnet_nas.space.space import Space
from itnet_nas.space.values import ValuePath, path_text

VALUES = {
    "conv": {"radius": st.integers(1, 20), "dilation": st.integers(1, 2)},
    "attention": {"heads": st.sampled_from([1, 2, 4]), "rope": st.booleans()},
    "gru": {},
    "spline": {"low": st.sampled_from([0, 0.5]), "high": st.sampled_from([1, 1.5, 2])},
}


@st.composite
def families(draw: st.DrawFn) -> Any:
    if draw(st.booleans()):
        return "any"
    found: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, unique=True)):
        params = {}
        for param, values in VALUES[name].items():
            how = draw(st.sampled_from(["own", "one", "several"]))
            if how == "one":
                params[param] = draw(values)
            elif how == "several":
                params[param] = draw(st.lists(values, min_size=1, max_size=3))
        found[name] = params
    return found


@st.composite
def entries(draw: st.DrawFn, prefix: str, most: int) -> list[dict[str, Any]]:
    """Layers that read what stands before them."""
    found: list[dict[str, Any]] = []
    names: list[str] = ["input"]
    for index in range(draw(st.integers(1, most))):
        name = f"{prefix}{index}"
        sources = draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
        after: list[Any] = [
            {"from": source, "optional": True} if i and draw(st.booleans()) else source
            for i, source in enumerate(sources)
        ]
        layer: dict[str, Any] = {"name": name, "after": after, "kernels": draw(families())}
        if draw(st.booleans()):
            layer["optional"] = draw(st.booleans())
        found.append(layer)
        names.append(name)
    return found


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    layers = draw(entries("a", 4))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(layers) - 1))
        old = layers[place]
        layers[place] = {
            "repeat": old["name"],
            "count": draw(st.integers(1, 3) | st.lists(st.integers(1, 3), min_size=1, unique=True)),
            "tied": draw(st.booleans()),
            "after": old["after"],
            "layers": draw(entries("m", 2)),
        }
    found = {
        "version": 1,
        "task": {"name": "symbols", "length": draw(st.integers(2, 16))},
        "network": {"width": draw(st.sampled_from([4, 8, 64]))},
        "layers": layers,
    }
    if draw(st.booleans()):
        found["constraints"] = ["params <= 1e6"]
    return found


fixed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)


def _space(file: dict[str, Any], kernels: Registry, tasks: Registry) -> Space:
    source = parse_text(json.dumps(file, indent=1), "drawn.json")
    assert source.data == file
    return check(source, kernels=kernels, tasks=tasks)


@fixed
@given(file=files())
def test_the_choices_of_a_space_are_legal_canonical_and_distinct(
    file: dict[str, Any], kernels: Registry, tasks: Registry
) -> None:
    space = _space(file, kernels, tasks)

    site = Site(domain=space.facts.domain, width=space.width)
    for layer in space.layers:
        assert layer.choices
        for choice in layer.choices:
            family = kernels.load(choice.family)
            params = family.Params.model_validate(choice.params)
            assert family.refuses(site, params) == ""
            assert family.normalize(site, params).model_dump(mode="json") == choice.params
            assert family.bias(params) == choice.bias
            assert family.cost(site, params) == choice.cost
        texts = [json.dumps([c.family, c.params], sort_keys=True) for c in layer.choices]
        assert len(set(texts)) == len(texts)


@fixed
@given(file=files())
def test_every_layer_lies_on_a_way_from_the_input_to_the_output(
    file: dict[str, Any], kernels: Registry, tasks: Registry
) -> None:
    space = _space(file, kernels, tasks)

    graph = nx.DiGraph((edge.source, edge.target) for edge in space.edges)
    names = [layer.name for layer in space.layers]
    order = ["input", *names, "output"]
    assert nx.descendants(graph, "input") == {*names, "output"}
    assert nx.ancestors(graph, "output") == {*names, "input"}
    assert all(order.index(edge.source) < order.index(edge.target) for edge in space.edges)
    assert {edge.target for edge in space.edges if not edge.optional} == {*names, "output"}


@fixed
@given(file=files())
def test_a_space_survives_node_link_json_with_its_fingerprint(
    file: dict[str, Any], kernels: Registry, tasks: Registry
) -> None:
    spec = parse(parse_text(json.dumps(file), "drawn.json"))

    again = nx.node_link_graph(json.loads(json.dumps(to_node_link(spec))), edges="edges")

    there = load_space(again, kernels=kernels, tasks=tasks)
    assert there.fingerprint == _space(file, kernels, tasks).fingerprint


@fixed
@given(file=files())
def test_a_space_survives_json(file: dict[str, Any], kernels: Registry, tasks: Registry) -> None:
    space = _space(file, kernels, tasks)

    again = Space.model_validate_json(space.model_dump_json())

    assert again == space
    assert again.fingerprint == space.fingerprint


@fixed
@given(file=files(), seed=st.integers(0, 9))
def test_architectures_can_be_drawn_from_a_space(
    file: dict[str, Any], seed: int, kernels: Registry, tasks: Registry
) -> None:
    space = _space(file, kernels, tasks)

    assert contains(space, sample(space, Random(seed)))


WHOLE = """\
version: 1
task: {name: symbols, length: 8}
network: {width: 8}
layers:
  - {name: a, kernels: {conv: {radius: [1, 2]}}, axes: {support: [window]}}
  - {repeat: r, count: [1, 2], after: [a], layers: [{name: x, kernels: any}]}
  - {name: b, after: [r, {from: a, optional: true}], kernels: {attention: {rope: true}}}
objectives: [error, flops]
constraints: [params <= 1e6]
training: {steps: 3}
search: {trials: 2}
"""


def _outcome(source: Source, kernels: Registry, tasks: Registry) -> int:
    """Number of problems; any other exception than SpaceError is for the test to fail with."""
    try:
        check(source, kernels=kernels, tasks=tasks)
    except SpaceError as error:
        return len(error.problems)
    return 0


@fixed
@given(cut=st.integers(0, len(WHOLE)), junk=st.sampled_from(["", "}", "x", "\n", "- ", ": ", "&a"]))
def test_a_damaged_text_is_a_space_or_a_space_error(
    cut: int, junk: str, kernels: Registry, tasks: Registry
) -> None:
    for damaged in (WHOLE[:cut] + junk + WHOLE[cut + 1 :], WHOLE[:cut] + junk):
        with contextlib.suppress(SpaceError):  # no YAML at all
            source = parse_text(damaged, "a.yaml")
            assert _outcome(source, kernels, tasks) >= 0


def _ways(value: Any, path: ValuePath = ()) -> list[ValuePath]:
    """Paths to everything inside plain data."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(way for step, one in inner for way in _ways(one, (*path, step)))]


WAYS = [way for way in _ways(parse_text(WHOLE, "a.yaml").data) if way]
ODD: list[Any] = [
    None, True, 0, -1, 1.5, "", "yes", "a", "any", [], {}, [[]], [None], {"": None}, {"a": {}},
    {"name": "a"}, {"repeat": "r"}, {"from": 3}, ["a", {"from": "b"}], float("inf"), 10**30,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=path_text)
def test_an_odd_value_anywhere_is_a_space_or_a_space_error(
    way: ValuePath, kernels: Registry, tasks: Registry
) -> None:
    for odd in ODD:
        data = parse_text(WHOLE, "a.yaml").data
        around = data
        for step in way[:-1]:
            around = around[step]
        around[way[-1]] = odd

        assert _outcome(from_data(data, "odd"), kernels, tasks) >= 0
