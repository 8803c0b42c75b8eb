"""From a source to the shape of a space: keys, types, ranges, all problems at once.

What is wrong in one place must not hide what is wrong in another, so each key of a mapping and
each entry of `layers` is held to its own type on its own. `draft` keeps whatever is right for the
checks of sense; `parse` is for those who want the whole or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, final

from pydantic import BaseModel, TypeAdapter, ValidationError

from itnet_nas.space.findings import Findings
from itnet_nas.space.sentences import models_in, report, report_kind
from itnet_nas.space.spec import LayerSpec, RepeatSpec, SpaceSpec
from itnet_nas.space.values import ValuePath, changed_kind, not_finite, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itnet_nas.space.source import Source

M = TypeVar("M", bound=BaseModel)


@final
@dataclass(frozen=True)
class Part(Generic[M]):
    """A model as far as it could be read. Fields in `broken` are missing or hold a default."""

    path: ValuePath
    spec: M
    broken: frozenset[str]
    layers: tuple[Part[LayerSpec], ...] = ()  # of a repeat

    def whole(self, *names: str) -> bool:
        """Whether all of these fields say what their author meant."""
        return self.broken.isdisjoint(names)


@final
@dataclass(frozen=True)
class Draft:
    """A space as far as it could be read; `findings` holds what is wrong with the rest."""

    findings: Findings
    top: Part[SpaceSpec]
    items: tuple[Part[LayerSpec] | Part[RepeatSpec], ...]


def parse(source: Source) -> SpaceSpec:
    """The shape of a space. Raises SpaceError with every problem of shape."""
    draft(source).findings.raise_if_any()
    return SpaceSpec.model_validate(source.data)


def draft(source: Source) -> Draft:
    """What of a space can be read. Raises SpaceError only where there is no mapping at all."""
    findings = Findings(source)
    data = source.data
    if not isinstance(data, dict):
        findings.add(
            (),
            f"a search space is a mapping of keys to values, got {show(data)}",
            "the keys are version, task, layers, …; `itnet-nas init` writes a first one",
        )
        findings.raise_if_any()
    for path, number in not_finite(data):
        findings.add(path, f"must be a finite number, got {number}")
    given = data.get("layers")
    rest = dict(data)
    items: tuple[Part[LayerSpec] | Part[RepeatSpec], ...] = ()
    if isinstance(given, list) and given:
        items = tuple(_item(entry, ("layers", i), findings) for i, entry in enumerate(given))
        rest["layers"] = [{"name": "held", "kernels": "any"}]  # its entries are read one by one
    return Draft(findings, read_model(SpaceSpec, rest, (), findings), items)


def read_model(
    model: type[M],
    data: Mapping[str, Any],
    path: ValuePath,
    findings: Findings,
    *,
    lax: bool = False,
) -> Part[M]:
    """Each field on its own, unknown and missing keys included.

    `lax` takes what the model makes of a value of another kind, such as one text where it has a
    list; otherwise that is a problem.
    """
    values: dict[str, Any] = {}
    broken: set[str] = set()
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    closed = model.model_config.get("extra") != "allow"
    errors: list[Any] = []
    for key, value in data.items():
        if key not in names:
            if closed:
                errors.append({"type": "extra_forbidden", "loc": (key,), "input": value})
            else:
                values[key] = value
            continue
        read, whole = _field(model, names[key], value, (*path, key), findings, lax)
        if whole or read is not None:
            values[names[key]] = read
        # A mapping without its wrong entries still says what its author meant with the others.
        if not whole and not (isinstance(read, dict) and read):
            broken.add(names[key])
    for key, name in names.items():
        if key not in data and model.model_fields[name].is_required():
            broken.add(name)
            errors.append({"type": "missing", "loc": (key,), "input": data})
    report(findings, errors, data, path, (model,))
    return Part(path, model.model_construct(set(values), **values), frozenset(broken))


def read_value(
    model: type[BaseModel], name: str, value: Any, path: ValuePath, findings: Findings
) -> tuple[Any, bool]:
    """(what one field makes of a value, whether it is legal), problems added."""
    return _field(model, name, value, path, findings)


def _item(entry: Any, path: ValuePath, findings: Findings) -> Part[LayerSpec] | Part[RepeatSpec]:
    if not isinstance(entry, dict):
        message = f"a layer is a mapping of keys to values, got {show(entry)}"
        findings.add(path, message, "such as: {name: mix1, kernels: any}")
        hollow = LayerSpec.model_construct(set(), name="", kernels="any")
        return Part(path, hollow, frozenset(LayerSpec.model_fields))
    if "repeat" not in entry:
        return read_model(LayerSpec, entry, path, findings)
    inner = entry.get("layers")
    layers: list[Part[LayerSpec]] = []
    rest = dict(entry)
    if isinstance(inner, list) and inner:
        rest["layers"] = [{"name": "held", "kernels": "any"}]
        for i, one in enumerate(inner):
            at = (*path, "layers", i)
            if isinstance(one, dict) and "repeat" in one:
                message = "a repeat cannot stand inside a repeat"
                findings.add(at, message, "write the inner one out, layer by layer")
                one = {"name": f"repeat_{i}", "kernels": "any"}
                layers.append(
                    Part(at, LayerSpec.model_validate(one), frozenset(LayerSpec.model_fields))
                )
                continue
            part = _item(one, at, findings)
            layers.append(part)  # type: ignore[arg-type]  # no repeat, seen to above
    top = read_model(RepeatSpec, rest, path, findings)
    return Part(path, top.spec, top.broken, tuple(layers))


@lru_cache(maxsize=512)
def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    held: Any = Annotated[field.annotation, field]
    return TypeAdapter(held)


def _field(
    model: type[BaseModel],
    name: str,
    value: Any,
    path: ValuePath,
    findings: Findings,
    lax: bool = False,
) -> tuple[Any, bool]:
    """(value, True), or (what is left of it or None, False)."""
    kind = model.model_fields[name].annotation
    before = len(findings.problems)
    if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(value, dict):
        part = read_model(kind, value, path, findings, lax=lax)
        if len(findings.problems) > before:
            return part.spec, False
    adapter = _adapter(model, name)
    try:
        read = adapter.validate_python(value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        report(findings, errors, value, path, tuple(models_in(kind)))
        return _what_is_left(adapter, value, errors), False
    if lax:
        return read, True
    as_json = adapter.dump_python(read, mode="json", by_alias=True)
    for place, understood in changed_kind(value, as_json):
        given = value
        for step in place:
            given = given[step]
        report_kind(findings, given, understood, (*path, *place))
    whole = len(findings.problems) == before
    return (read if whole else None), whole


def _what_is_left(adapter: TypeAdapter[Any], value: Any, errors: list[Any]) -> Any:
    """A mapping without the entries that are wrong, where that is legal."""
    if not isinstance(value, dict):
        return None
    wrong = {step for error in errors for step in error["loc"] if step in value}
    left = {key: inner for key, inner in value.items() if key not in wrong}
    if not wrong or not left:
        return None
    try:
        return adapter.validate_python(left)
    except ValidationError:
        return None
