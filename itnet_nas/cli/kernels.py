"""`itnet-nas kernels`: the installed kernel families; with a name, everything about one."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import click

from itnet_nas.cli.options import common
from itnet_nas.cli.output import aligned, bold, emit_json, emit_table
from itnet_nas.errors import UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from itnet_nas.kernels import KernelFamily, KernelParams
    from itnet_nas.registry import Registry

# What --why asks about unless it is told; the domains are those of `itnet_nas.cli.why`, spelled out
# here because importing them would cost `--help` the import of pydantic.
LENGTH, WIDTH = 1024, 64
DOMAINS = ("sequence", "causal", "grid", "points")
_SIZE = click.IntRange(min=1)


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--why", is_flag=True, help="Costs and ways to compute it, at one site.")
@click.option("--domain", type=click.Choice(DOMAINS), help="Of the site; else the first that fits.")
@click.option("--length", metavar="N", type=_SIZE, help=f"Positions of the site; else {LENGTH}.")
@click.option("--width", metavar="D", type=_SIZE, help=f"Channels of the site; else {WIDTH}.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Where it runs; else cpu.")
@click.option(
    "--set",
    "given",
    metavar="PARAM=VALUE",
    multiple=True,
    help="In place of the first value to try; may be given several times.",
)
@common
def kernels(
    name: str | None,
    why: bool,
    domain: str | None,
    length: int | None,
    width: int | None,
    device: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> int:
    """List the installed kernel families, or show one.

    The list reads metadata alone; a family that would not load is still listed. With --why, a
    family is asked about one site, which the other options describe: what it costs there, which
    way to compute it is taken, and why; exit code 1 where it cannot stand.
    """
    from itnet_nas.registry import KERNELS

    if not why and (given or any(item is not None for item in (domain, length, width, device))):
        raise UsageError("--domain, --length, --width, --device and --set belong to --why")
    if name is None:
        if why:
            raise UsageError("--why asks about one family; name it: itnet-nas kernels NAME --why")
        list_plugins("kernels", KERNELS, as_json)
        return 0
    if why:
        from itnet_nas.cli.why import why as show_why

        return show_why(
            name,
            KERNELS.load(name),
            given,
            domain,
            length or LENGTH,
            width or WIDTH,
            device or "cpu",
            as_json,
        )
    family: KernelFamily[Any] = KERNELS.load(name)
    origin = KERNELS.origin(name)
    params = describe_params(family.Params)
    values = family.Params.default_values()
    for param in params:
        param["values"] = list(values[param["name"]])
    formula = inspect.cleandoc(inspect.getmodule(type(family)).__doc__ or "")
    biases = _biases(family, values)
    if as_json:
        emit_json(
            "kernels",
            {
                "name": name,
                "summary": family.summary,
                "source": family.source,
                "origin": origin.model_dump(),
                "formula": formula,
                "params": params,
                "bias": [
                    {"params": given, "bias": bias.model_dump(mode="json")}
                    for given, bias in biases
                ],
            },
        )
        return 0
    click.echo(f"{bold(name)}  {family.summary}")
    click.echo(f"from {origin}; {family.source}\n")
    click.echo(formula)
    click.echo()
    if params:
        rows = [
            [p["name"], p["type"], p["bounds"], _listed(p["values"]), p["description"]]
            for p in params
        ]
        click.echo(aligned(["param", "type", "bounds", "values to try", "is"], rows))
    else:
        click.echo("no params")
    click.echo()
    rows = [[spelled(given) or "–", str(bias)] for given, bias in biases]
    click.echo(aligned(["with", "bias"], rows))
    return 0


def list_plugins(verb: str, registry: Registry, as_json: bool) -> None:
    """Every name of a group, with who offers it and why it cannot be used if so."""
    listings = registry.listing()
    if as_json:
        listed = [
            {
                "name": item.name,
                "offered_by": [origin.model_dump() for origin in item.origins],
                "problem": item.problem,
            }
            for item in listings
        ]
        emit_json(verb, {verb: listed})
        return
    rows = [
        [item.name, f"{item.origins[0].package} {item.origins[0].version}", item.problem or "ok"]
        for item in listings
    ]
    emit_table(["name", "package", "state"], rows)


def describe_params(params: type[BaseModel]) -> list[dict[str, Any]]:
    """Per field: name, type, bounds, description and default, as the JSON schema states them."""
    schema = params.model_json_schema()
    described = []
    for name, field in params.model_fields.items():
        stated = schema["properties"][name]
        described.append(
            {
                "name": name,
                "type": _type_of(stated),
                "bounds": _bounds(stated),
                "default": None if field.is_required() else stated.get("default"),
                "required": field.is_required(),
                "description": field.description or "",
            }
        )
    return described


def _type_of(stated: dict[str, Any]) -> str:
    if "enum" in stated:
        return " | ".join(map(str, stated["enum"]))
    if "const" in stated:
        return str(stated["const"])
    if "anyOf" in stated:
        return " | ".join(_type_of(one) for one in stated["anyOf"])
    if "$ref" in stated:
        return str(stated["$ref"]).rsplit("/", 1)[-1]
    return str(stated.get("type", "any"))


def _bounds(stated: dict[str, Any]) -> str:
    signs = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
        "minLength": "length ≥",
        "maxLength": "length ≤",
        "pattern": "matches",
    }
    return ", ".join(f"{sign} {stated[key]}" for key, sign in signs.items() if key in stated)


def _biases(family: KernelFamily[Any], values: dict[str, tuple[Any, ...]]) -> list[Any]:
    """The bias at each combination of the first values, each parameter varied on its own."""
    first = {name: domain[0] for name, domain in values.items()}
    tried = [first]
    for name, domain in values.items():
        tried += [{**first, name: value} for value in domain[1:]]
    found = []
    for given in tried:
        params: KernelParams = family.Params.model_validate(given)
        found.append((params.model_dump(mode="json"), family.bias(params)))
    return found


def spelled(params: dict[str, Any]) -> str:
    """`radius=3, window=null`: params as a space file has them."""
    return ", ".join(f"{name}={written(value)}" for name, value in params.items())


def _listed(values: list[Any]) -> str:
    return ", ".join(map(written, values))


def written(value: Any) -> str:
    """A value as a space file has it: `null`, `true`, words without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
