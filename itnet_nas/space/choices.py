"""The choices of a layer: every combination of the values written, as far as it can stand.

Per family: values are held to the family's own types one at a time, then in combination; what the
family refuses at this site is left out; the rest is brought to its simplest form, and equal ones
become one. The order is that of the file.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from pydantic import ValidationError

from itnet_nas.errors import PluginError
from itnet_nas.space.parse import read_value
from itnet_nas.space.plugins import failure, report_plugin
from itnet_nas.space.sentences import sentence
from itnet_nas.space.space import Choice
from itnet_nas.space.values import canonical, choose, listed, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itnet_nas.kernels import Site
    from itnet_nas.space.findings import Findings
    from itnet_nas.space.plugins import Family, Plugins
    from itnet_nas.space.values import ValuePath

MOST_COMBINATIONS = 10_000


@final
@dataclass
class Tried:
    """What became of the combinations of one family at one site."""

    choices: list[Choice] = field(default_factory=list)
    stood: dict[str, set[str]] = field(default_factory=dict)  # parameter -> values that stood
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)  # of a value's first refusal
    reason: str = ""  # the first refusal of all


def named_choices(
    name: str,
    given: Mapping[str, Any],
    path: ValuePath,
    site: Site | None,
    plugins: Plugins,
    findings: Findings,
) -> list[Choice] | None:
    """Choices of a family that the file names at `path`; None when they cannot be told.

    Without a site (the task or the width is wrong) the values alone are checked.
    """
    try:
        family = plugins.family(name)
    except PluginError as error:
        report_plugin(findings, path, plugins.kernels, name, error, key=True)
        return None
    values = _values(name, family, given, path, findings)
    if values is None:
        return None
    count = math.prod(len(tried) for tried in values.values())
    if count > MOST_COMBINATIONS:
        findings.add(
            path,
            f'the values of "{name}" make {count} combinations, more than {MOST_COMBINATIONS}',
            "write fewer values for some parameter",
            key=True,
        )
        return None
    if site is None:
        return None
    try:
        tried = combine(name, family, values, site)
    except Exception as error:  # the plugin's own code; anything may come out of it
        findings.add(
            path, failure(f'the kernel family "{name}"', error), _whom(name, plugins), key=True
        )
        return None
    _report_refused(name, given, values, tried, path, findings)
    return tried.choices


def any_choices(site: Site, plugins: Plugins, notes: list[str]) -> list[Choice]:
    """Choices of every installed family with its default values; what does not fit is left out.

    `notes` gets a line for each reason.
    """
    found: list[Choice] = []
    refused: dict[str, list[str]] = {}
    for name in plugins.kernels.names():
        note = ""
        try:
            family = plugins.family(name)
            values = {key: list(tried) for key, tried in family.Params.default_values().items()}
            count = math.prod(len(tried) for tried in values.values())
            if count > MOST_COMBINATIONS:
                note = f"its default values make {count} combinations"
            else:
                tried = combine(name, family, values, site)
                found += tried.choices
                if not tried.choices:
                    refused.setdefault(tried.reason, []).append(name)
        except PluginError as error:
            note = str(error)
        except Exception as error:  # the plugin's own code; anything may come out of it
            note = f"{failure('it', error)}; {_whom(name, plugins)}"
        if note:
            notes.append(f'kernels: any leaves out "{name}": {note}')
    for reason, names in refused.items():
        notes.append(f"kernels: any leaves out {listed(names)}: {reason}")
    return found


def combine(name: str, family: Family, values: Mapping[str, list[Any]], site: Site) -> Tried:
    """Try every combination of the values at the site."""
    tried = Tried(stood={key: set() for key in values})
    seen: set[str] = set()
    for combination in itertools.product(*values.values()):
        given = dict(zip(values, combination, strict=True))
        try:
            params = family.Params.model_validate(given)
            refusal = family.refuses(site, params)
        except ValidationError as error:
            refusal = "; ".join(
                sentence(one, one.get("input"))[0] for one in error.errors(include_url=False)
            )
        if refusal:
            tried.reason = tried.reason or refusal
            for key, value in given.items():
                tried.reasons.setdefault((key, canonical(value)), refusal)
            continue
        for key, value in given.items():
            tried.stood[key].add(canonical(value))
        params = family.normalize(site, params)
        plain = params.model_dump(mode="json")
        text = canonical(plain)
        if text not in seen:
            seen.add(text)
            tried.choices.append(
                Choice(
                    family=name,
                    params=plain,
                    bias=family.bias(params),
                    cost=family.cost(site, params),
                )
            )
    return tried


def _values(
    name: str,
    family: Family,
    given: Mapping[str, Any],
    path: ValuePath,
    findings: Findings,
) -> dict[str, list[Any]] | None:
    """Parameter -> values to try, in the order of the family's own parameters."""
    defaults = family.Params.default_values()
    before = len(findings.problems)
    for key in given:
        if key not in defaults:
            findings.add(
                (*path, key),
                f'"{name}" has no parameter "{key}"',
                choose(key, "its parameters:", defaults),
                key=True,
            )
    values: dict[str, list[Any]] = {}
    for key, own in defaults.items():
        if key not in given:
            values[key] = list(own)
            continue
        at = (*path, key)
        listed_here = isinstance(given[key], list | tuple)
        if listed_here and not given[key]:
            findings.add(
                at, "no value to try", f"leave the key out for the family's own: {show(list(own))}"
            )
        for place, value in _each(given[key], at):
            read_value(family.Params, key, value, place, findings)
        values[key] = [value for _, value in _each(given[key], at)]
    return values if len(findings.problems) == before else None


def _each(given: Any, path: ValuePath) -> list[tuple[ValuePath, Any]]:
    """The values of a parameter with their places; one that is no list is one value."""
    if isinstance(given, list | tuple):
        return [((*path, index), value) for index, value in enumerate(given)]
    return [(path, given)]


def _report_refused(
    name: str,
    given: Mapping[str, Any],
    values: Mapping[str, list[Any]],
    tried: Tried,
    path: ValuePath,
    findings: Findings,
) -> None:
    """A value that stands in no combination is a mistake; so is a family that never stands."""
    if not tried.choices and len(given) != 1:
        # Which of several parameters is to blame, or whether it is the site, cannot be told.
        findings.add(path, f'"{name}" cannot stand here: {tried.reason}', key=True)
        return
    for key in given:
        for place, value in _each(given[key], (*path, key)):
            text = canonical(value)
            if text not in tried.stood[key]:
                reason = tried.reasons[key, text]
                findings.add(place, f'"{name}" cannot have {show(value)} here: {reason}')


def _whom(name: str, plugins: Plugins) -> str:
    origin = plugins.kernels.origin(name)
    return f"tell the author of {origin.package} {origin.version}, or leave the family out"
