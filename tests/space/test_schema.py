"""The JSON Schema for editors."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from itnet_nas.registry import Registry
from itnet_nas.space.schema import json_schema


@pytest.fixture(scope="module")
def schema(more_kernels: Registry, tasks: Registry) -> dict[str, Any]:
    return json_schema(more_kernels, tasks)


def _legal(schema: dict[str, Any], text: str) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(yaml.safe_load(text))


HEAD = "version: 1\ntask: {name: symbols, length: 4}\n"


def test_the_schema_is_a_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)

    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize(
    "layer",
    [
        "{name: a, kernels: any}",
        "{name: a, kernels: {conv: {radius: [1, 2]}, gru: }}",
        "{name: a, kernels: {attention: {heads: 3, rope: true}}, axes: {support: [full]}}",
        "{name: a, after: [b, {from: c, optional: true}], kernels: any}",
        "{repeat: r, count: [1, 2], layers: [{name: a, kernels: any}]}",
    ],
)
def test_the_schema_accepts_what_a_file_may_say(schema: dict[str, Any], layer: str) -> None:
    assert _legal(schema, HEAD + f"layers: [{layer}]\n")


@pytest.mark.parametrize(
    "layer",
    [
        "{name: a}",
        "{name: a, kernels: all}",
        "{name: a, kernels: {cnv: {}}}",
        "{name: a, kernels: {broken: {}}}",
        "{name: a, kernels: {conv: {radus: 1}}}",
        "{name: a, kernels: {conv: {radius: 0}}}",
        "{name: a, kernels: {conv: {radius: []}}}",
        "{name: a, kernels: any, axes: {support: [wide]}}",
    ],
)
def test_the_schema_refuses_what_no_file_may_say(schema: dict[str, Any], layer: str) -> None:
    assert not _legal(schema, HEAD + f"layers: [{layer}]\n")


@pytest.mark.parametrize("task", ["{name: symbol}", "{name: symbols, length: 0}", "{length: 3}"])
def test_the_schema_knows_tasks_and_their_params(schema: dict[str, Any], task: str) -> None:
    text = f"version: 1\ntask: {task}\nlayers: [{{name: a, kernels: any}}]\n"

    assert not _legal(schema, text)
