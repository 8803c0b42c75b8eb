"""A JSON Schema of search-space files, for editors: completion and first errors while typing.

The shape is that of `SpaceSpec`; the params of every installed family and task are filled in under
their names. It knows less than `check`: whatever it accepts may still make no sense.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itnet_nas.axes import AXES
from itnet_nas.errors import PluginError
from itnet_nas.registry import KERNELS, TASKS
from itnet_nas.space.plugins import Plugins
from itnet_nas.space.spec import SpaceSpec

if TYPE_CHECKING:
    from pydantic import BaseModel

    from itnet_nas.registry import Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kernels: Registry = KERNELS, tasks: Registry = TASKS) -> dict[str, Any]:
    """The schema as plain JSON. A plugin that does not load is left out."""
    plugins = Plugins(kernels, tasks)
    schema = SpaceSpec.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema["$defs"]
    families: dict[str, Any] = {}
    for name in kernels.names():
        try:
            family = plugins.family(name)
        except PluginError:
            continue
        own = _own(family.Params, f"kernel_{name}", definitions)
        values = {key: _values(one) for key, one in own.get("properties", {}).items()}
        families[name] = {
            "description": family.summary,
            "type": ["object", "null"],
            "properties": values,
            "additionalProperties": False,
        }
    layer = definitions["LayerSpec"]["properties"]
    layer["kernels"] = {
        "description": layer["kernels"].get("description", ""),
        "anyOf": [
            {"const": "any", "description": "every installed family that fits"},
            {
                "type": "object",
                "properties": families,
                "additionalProperties": False,
                "minProperties": 1,
            },
        ],
    }
    layer["axes"] = {
        "description": layer["axes"].get("description", ""),
        "type": "object",
        "properties": {
            axis: {"type": "array", "items": {"enum": [str(v) for v in values]}, "minItems": 1}
            for axis, values in AXES.items()
        },
        "additionalProperties": False,
    }
    known = _tasks(plugins, definitions)
    if known:
        definitions["TaskSpec"] = {"anyOf": known}
    return {"$schema": DIALECT, **schema, "title": "itnet-nas search space"}


def _tasks(plugins: Plugins, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name in plugins.tasks.names():
        try:
            task = plugins.task(name)
        except PluginError:
            continue
        own = _own(task.Params, f"task_{name}", definitions)
        found.append(
            {
                "type": "object",
                "description": task.summary,
                "properties": {"name": {"const": name}, **own.get("properties", {})},
                "required": ["name", *own.get("required", [])],
                "additionalProperties": False,
            }
        )
    return found


def _own(model: type[BaseModel], prefix: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """A plugin's schema; what it refers to is moved into the common definitions, by prefix."""
    schema = model.model_json_schema(ref_template=f"#/$defs/{prefix}_{{model}}")
    for name, one in schema.pop("$defs", {}).items():
        definitions[f"{prefix}_{name}"] = one
    return schema


def _values(one: dict[str, Any]) -> dict[str, Any]:
    """One value of a parameter, or a list of them."""
    inner = {key: value for key, value in one.items() if key not in ("default", "title")}
    kept = {"description": inner.pop("description")} if "description" in inner else {}
    return {**kept, "anyOf": [inner, {"type": "array", "items": inner, "minItems": 1}]}
