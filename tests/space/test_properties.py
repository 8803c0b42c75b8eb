"""What holds of any space that a file can say."""

from __future__ import annotations

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
from itnet_nas.space.source import parse_text
from itnet_nas.space.space import Space

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


@pytest.mark.parametrize("text", ["version: 1", "a", "[]", "layers: [{}]", "task: {}\nlayers: 3"])
@fixed
@given(cut=st.integers(0, 400), junk=st.sampled_from(["", "}", "x", "\n", "- ", ": ", "3", "&a"]))
def test_a_damaged_file_is_a_space_or_a_space_error(
    text: str, cut: int, junk: str, kernels: Registry, tasks: Registry
) -> None:
    whole = (
        "version: 1\ntask: {name: symbols, length: 8}\nnetwork: {width: 8}\nlayers:\n"
        "  - {name: a, kernels: {conv: {radius: [1, 2]}}}\n"
        "  - {repeat: r, count: [1, 2], after: [a], layers: [{name: x, kernels: any}]}\n"
        "objectives: [error, flops]\nconstraints: [params <= 1e6]\n"
    )
    for damaged in (whole[:cut] + junk + whole[cut + 1 :], whole[:cut] + junk, text + junk):
        try:
            assert check(parse_text(damaged, "a.yaml"), kernels=kernels, tasks=tasks).layers
        except SpaceError as error:
            assert error.problems
