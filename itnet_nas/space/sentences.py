"""What pydantic found, in our words: one sentence for what is wrong, one for what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from itnet_nas.errors import did_you_mean
from itnet_nas.space.values import ValuePath, choose, show

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from itnet_nas.space.findings import Findings

_PATTERNS = {
    r"^[A-Za-z][A-Za-z0-9_]*$": "must start with a letter and go on with letters, digits and _",
    r"^[a-z][a-z0-9_]*$": "must start with a small letter and go on with a-z, 0-9 and _",
    r"^\d+(\.\d+)?[smhd]?$": "must be a number with s, m, h or d behind it, such as 10m",
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "a mapping of keys to values",
    "model": "a mapping of keys to values",
}
_REMEDIES = {  # by the last key: what a newcomer most likely meant
    "kernels": "such as: kernels: {conv: {radius: [1, 2]}, attention: {}}, or kernels: any",
    "task": "such as: task: {name: fashion_mnist}",
    "network": "such as: network: {width: 64}",
    "after": "such as: after: [mix1]",
    "axes": "such as: axes: {support: [window, full]}",
    "halving": "such as: halving: {first: 0.34, keep: 0.5, rungs: 1}",
}
_BOUNDS = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "multiple_of": ("multiple_of", "must be a multiple of {}"),
}
_YES = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def report(
    findings: Findings,
    errors: list[ErrorDetails],
    data: Any,
    path: ValuePath,
    models: tuple[type[BaseModel], ...],
) -> None:
    """Add one problem per error. `data` is what was validated, and `path` is where it stands.

    `models` says whose keys are known, for "did you mean". A list that seems too short because one
    of its items is wrong is no problem of its own, nor is a key missing that is just misspelt. A
    value that fits no member of a union is one problem, not one for each member.
    """
    located = _one_each([(_inside(data, error["loc"], error["type"]), error) for error in errors])
    places = [place for place, _ in located]
    missing = {place for place, error in located if error["type"] == "missing"}
    asked: set[ValuePath] = set()  # missing keys that an unknown key beside them stands for
    for place, error in located:
        beside = [key for key in missing if key[:-1] == place[:-1]]
        if error["type"] == "extra_forbidden":
            hint = did_you_mean(str(place[-1]), [str(key[-1]) for key in beside])
            asked |= {key for key in beside if f'"{key[-1]}"' in hint}
    for place, error in located:
        if place in asked and error["type"] == "missing":
            continue
        below = any(len(p) > len(place) and p[: len(place)] == place for p in places)
        if error["type"] in ("too_short", "too_long") and below:
            continue
        _report_one(findings, error, (*path, *place), place, models)


def _one_each(
    located: list[tuple[ValuePath, ErrorDetails]],
) -> list[tuple[ValuePath, ErrorDetails]]:
    """One error per place: of the member of a union that got farthest with the value.

    Where every member wants another kind of value, the error names all of these kinds.
    """
    by_place: dict[ValuePath, list[ErrorDetails]] = {}
    for place, error in located:
        by_place.setdefault(place, []).append(error)
    kept: list[tuple[ValuePath, ErrorDetails]] = []
    for place, errors in by_place.items():
        fits = [error for error in errors if not _kind_wanted(error["type"])]
        if fits:
            kept.append((place, fits[0]))
        elif not any(
            len(other) > len(place) and other[: len(place)] == place for other in by_place
        ):
            kinds = dict.fromkeys(_kind_wanted(error["type"]) for error in errors)
            context = {"kinds": list(kinds)}
            kept.append((place, {**errors[0], "ctx": {**errors[0].get("ctx", {}), **context}}))
    return kept


def _kind_wanted(error_type: str) -> str:
    """`a list` for tuple_type; empty for an error that is not about the kind of a value."""
    word, _, ending = error_type.partition("_")
    return _KINDS.get(word, "") if ending in _TYPE_ENDINGS else ""


def report_kind(findings: Findings, given: Any, read: Any, path: ValuePath) -> None:
    """Add a problem for a value that validation would have quietly turned into another kind."""
    if isinstance(read, bool):
        word = given.lower() if isinstance(given, str) else ""
        remedy = f"write {_YES[word]}" if word in _YES else ""
        findings.add(path, f"must be true or false, got {show(given)}", remedy)
    elif isinstance(read, int | float):
        remedy = "write it without quotes" if isinstance(given, str) else ""
        findings.add(path, f"must be a number, got {show(given)}", remedy)
    elif isinstance(read, str):
        findings.add(path, f"must be text, got {show(given)}", "put it in quotes")
    else:
        findings.add(path, f"cannot be {show(given)} here")


def _inside(data: Any, loc: tuple[int | str, ...], kind: str) -> ValuePath:
    """pydantic's location without its steps into the members of unions."""
    place: list[int | str] = []
    for index, step in enumerate(loc):
        keyed = isinstance(data, Mapping) and step in data
        counted = isinstance(data, list | tuple) and isinstance(step, int) and step < len(data)
        if keyed or counted:
            data = data[step]
        elif not (kind == "missing" and index == len(loc) - 1):
            continue
        place.append(step)
    return tuple(place)


def _report_one(
    findings: Findings,
    error: ErrorDetails,
    path: ValuePath,
    place: ValuePath,
    models: tuple[type[BaseModel], ...],
) -> None:
    kind, given = error["type"], error.get("input")
    if kind == "missing":
        parent, name = path[:-1], path[-1]
        findings.add(parent, f'the key "{name}" is missing', _example(str(name)), key=bool(parent))
    elif kind == "extra_forbidden":
        known = _keys(models, place[:-1])
        remedy = choose(str(path[-1]), "the keys here are", known)
        findings.add(path, f'there is no key "{path[-1]}" here', remedy, key=True)
    else:
        message, remedy = sentence(error, given)
        findings.add(path, message, remedy or _example(str(path[-1]) if path else ""))


def sentence(error: ErrorDetails, given: Any) -> tuple[str, str]:
    """(what is wrong, what to do) of an error about one value."""
    kind, context = error["type"], error.get("ctx", {})
    got = f", got {show(given)}"
    if kind in _BOUNDS:
        key, text = _BOUNDS[kind]
        return text.format(f"{context[key]:g}") + got, ""
    if kind in ("literal_error", "enum"):
        words = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        hint = did_you_mean(given, words) if isinstance(given, str) else ""
        return f"must be {_either(words)}{got}", hint
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return _PATTERNS.get(pattern, f"must have the form {pattern}") + got, ""
    special = _SPECIAL.get(kind)
    if special is not None:
        return special(context) + got, ""
    wanted = _kind_wanted(kind)
    if wanted:
        kinds = context.get("kinds", [wanted])
        return f"must be {_either(kinds)}{got}", _remedy_of_type(kind.split("_")[0], given)
    message = str(error["msg"])
    if kind in ("value_error", "assertion_error"):
        # A whole model's message names the values that disagree.
        return str(context.get("error", message)) + ("" if isinstance(given, Mapping) else got), ""
    return message[:1].lower() + message[1:] + got, ""


_TYPE_ENDINGS = {"type", "parsing", "from_float", "parsing_size", "attributes_type"}
_SPECIAL: dict[str, Callable[[dict[str, Any]], str]] = {
    "string_too_short": lambda c: f"must have at least {c['min_length']} characters",
    "string_too_long": lambda c: f"must have at most {c['max_length']} characters",
    "too_short": lambda c: f"must have at least {c['min_length']} {_entries(c['min_length'])}",
    "too_long": lambda c: f"must have at most {c['max_length']} {_entries(c['max_length'])}",
    "finite_number": lambda c: "must be a finite number",
}


def _entries(count: int) -> str:
    return "entry" if count == 1 else "entries"


def _remedy_of_type(word: str, given: Any) -> str:
    if word == "bool" and isinstance(given, str) and given.lower() in _YES:
        return f"write {_YES[given.lower()]}"
    if word in ("list", "tuple", "set") and isinstance(given, str | int | float):
        return f"write [{given}]"
    if word == "string" and isinstance(given, bool | int | float):
        return "put it in quotes"
    return ""


def _example(key: str) -> str:
    return _REMEDIES.get(key, "")


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _keys(models: tuple[type[BaseModel], ...], place: ValuePath) -> list[str]:
    """The keys that may stand at `place`, found by walking annotations."""
    for step in place:
        if not isinstance(step, str):
            continue
        inner: list[type[BaseModel]] = []
        for model in models:
            for name, field in model.model_fields.items():
                if step in (name, field.alias):
                    inner += models_in(field.annotation)
        models = tuple(inner) or models
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Every model that an annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]
