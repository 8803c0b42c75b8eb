"""`itnet-nas kernels NAME --why`: what a family costs at a site, and how it is computed there."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from itnet_nas.analysis.numbers import short
from itnet_nas.cli.kernels import spelled
from itnet_nas.cli.output import aligned, bold, emit_json
from itnet_nas.errors import UsageError
from itnet_nas.kernels import Domain, Site
from itnet_nas.space.sentences import sentence
from itnet_nas.space.values import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.kernels import KernelFamily, KernelParams

COORDINATES = 3  # of points, in `--domain points`
_COSTS = {
    "flops": ("FLOP", "a forward pass"),
    "train_flops": ("FLOP", "a forward and a backward pass"),
    "decode_flops": ("FLOP", "one step at the last position"),
    "params": ("", "trainable numbers"),
    "traffic_bytes": ("B", "moved by a forward pass"),
    "activation_bytes": ("B", "kept for the backward pass"),
    "state_bytes": ("B", "carried from step to step"),
}


def why(
    name: str,
    family: KernelFamily[Any],
    given: Sequence[str],
    domain: str | None,
    length: int,
    width: int,
    device: str,
    as_json: bool,
) -> int:
    """Print it; the exit code, which is 1 where the family refuses the site.

    Without a domain, the first of sequence, causal, grid and points that the family accepts.
    Raises UsageError for params that the family does not have.
    """
    params = read_params(name, family, given)
    sites = [make_site(kind, length, width) for kind in ([domain] if domain else DOMAINS)]
    site = next((site for site in sites if not family.refuses(site, params)), sites[0])
    refusal = family.refuses(site, params)
    inside = spelled(params.model_dump(mode="json"))
    label = f"{name}({inside})" if inside else name
    if as_json:
        emit_json("kernels-why", _as_json(name, family, params, site, device, refusal))
    elif refusal:
        click.echo(f"{label} cannot stand here ({_place(site)}): {refusal}")
    else:
        click.echo(f"{bold(label)} here: {_place(site)}, on {device}\n")
        click.echo(_tables(family, params, site, device))
    return 1 if refusal else 0


def make_site(domain: str, length: int, width: int) -> Site:
    """A site of one of DOMAINS; a grid is as near to a square as `length` allows."""
    shape: tuple[int, ...] = (length,)
    if domain == "grid":
        rows = next(n for n in range(math.isqrt(length), 0, -1) if length % n == 0)
        shape = (rows, length // rows)
    return Site(domain=Domain.model_validate({**DOMAINS[domain], "shape": shape}), width=width)


DOMAINS: dict[str, dict[str, Any]] = {
    "sequence": {"kind": "sequence"},
    "causal": {"kind": "sequence", "causal": True},
    "grid": {"kind": "grid"},
    "points": {"kind": "points", "coordinates": COORDINATES},
}


def read_params(name: str, family: KernelFamily[Any], given: Sequence[str]) -> KernelParams:
    """The first values of every parameter, but for those given as `radius=3`. UsageError."""
    values = {key: tried[0] for key, tried in family.Params.default_values().items()}
    for item in given:
        key, equals, text = item.partition("=")
        if not equals:
            raise UsageError(f'"{item}" sets nothing; write --set PARAM=VALUE, such as radius=3')
        if key not in values:
            known = choose(key, "its parameters:", values) if values else "it has none"
            raise UsageError(f'"{name}" has no parameter "{key}"; {known}')
        values[key] = _read(text)
    try:
        return family.Params.model_validate(values)
    except ValidationError as error:
        one = error.errors(include_url=False)[0]
        place = ".".join(map(str, one["loc"][:1]))
        raise UsageError(f'"{name}": {place} {sentence(one, one.get("input"))[0]}') from error


def _place(site: Site) -> str:
    return f"{site.domain}, width {site.width}"


def _read(text: str) -> Any:
    """A value as a space file would have it: `3`, `true`, `null`, or a word."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _tables(family: KernelFamily[Any], params: KernelParams, site: Site, device: str) -> str:
    cost = family.cost(site, params)
    rows = []
    for name, (unit, meaning) in _COSTS.items():
        value = getattr(cost, name)
        known = "–" if value is None else _figure(value, unit)
        rows.append([name, known, meaning])
    lines = [aligned(["cost", "of one example", "is"], rows), ""]
    ways = family.evaluations(site, params, device)
    if ways:
        named = [[way.name, "taken" if way.taken else "refused", way.reason] for way in ways]
        lines.append(aligned(["evaluation", "is", "because"], named))
    else:
        lines.append("There is one way to compute it.")
    return "\n".join(lines)


def _figure(value: int, unit: str) -> str:
    number = short(value)
    if not unit:
        return number
    return f"{number}{unit}" if " " in number else f"{number} {unit}"


def _as_json(
    name: str,
    family: KernelFamily[Any],
    params: KernelParams,
    site: Site,
    device: str,
    refusal: str,
) -> dict[str, Any]:
    cost = None if refusal else family.cost(site, params).model_dump()
    ways = () if refusal else family.evaluations(site, params, device)
    return {
        "name": name,
        "params": params.model_dump(mode="json"),
        "site": site.model_dump(mode="json"),
        "device": device,
        "refusal": refusal or None,
        "cost": cost,
        "evaluations": [way._asdict() for way in ways],
    }
