"""`itnet-nas show`: the graph of a space."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itnet_nas.cli.beginning import seed_labels
from itnet_nas.cli.options import common, output_option, require_file, space_argument, write_text
from itnet_nas.cli.output import emit_json

if TYPE_CHECKING:
    from itnet_nas.space.space import Space


@click.command()
@space_argument
@click.option(
    "--format",
    "kind",
    type=click.Choice(["text", "node-link", "graphml"]),
    default="text",
    show_default=True,
    help="node-link is networkx's JSON, graphml is for drawing tools.",
)
@output_option
@common
def show(file: Path, kind: str, output: Path | None, as_json: bool) -> None:
    """Show the graph of a space.

    Layers in topological order, what they read, and the kernels to choose from; ? marks what may
    be left out.
    """
    from itnet_nas.space import load_space

    require_file(file)
    space = load_space(file)
    written = file.read_text(encoding="utf-8-sig")
    if as_json and output is None:
        emit_json("show", {"file": str(file), "graph": _node_link(file)})
        return
    if kind == "node-link":
        text = json.dumps(_node_link(file), indent=2, ensure_ascii=False)
    elif kind == "graphml":
        text = _graphml(space)
    else:
        text = "\n".join([drawn(space), *(f"seed: {one}" for one in seed_labels(space, written))])
    if output is None:
        click.echo(text)
        return
    write_text(text.rstrip("\n") + "\n", output)
    if as_json:
        emit_json("show", {"file": str(file), "format": kind, "output": str(output)})
    else:
        click.echo(output)


def drawn(space: Space) -> str:
    """Layers from the input on, each with its sources and its choices; ? marks what is optional."""
    domain = space.facts.domain
    lines = [f"input: {domain}, {space.width} channels"]
    widest = max(len(choice.label) for layer in space.layers for choice in layer.choices)
    repeated = {name: repeat for repeat in space.repeats for copy in repeat.copies for name in copy}
    for layer in space.layers:
        mark = "?" if layer.optional else ""
        extra = ""
        if layer.name in repeated:
            repeat = repeated[layer.name]
            counts = ", ".join(map(str, repeat.counts))
            extra = f"  (of {repeat.name}: {counts} copies{', tied' if repeat.tied else ''})"
        lines.append(f"{layer.name}{mark} <- {_sources(space, layer.name)}{extra}")
        lines += [f"    {choice.label:<{widest}}  {choice.bias}" for choice in layer.choices]
    lines.append(f"output <- {_sources(space, 'output')}")
    return "\n".join(lines)


def _node_link(file: Path) -> dict[str, Any]:
    """What the file says, as a graph that every verb accepts in place of the file."""
    from itnet_nas.space.graph import to_node_link
    from itnet_nas.space.load import load_source
    from itnet_nas.space.parse import parse

    return to_node_link(parse(load_source(file)))


def _graphml(space: Space) -> str:
    from itnet_nas.space.graph import write_graphml

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "space.graphml"
        write_graphml(space, path)
        return path.read_text(encoding="utf-8")


def _sources(space: Space, target: str) -> str:
    return " + ".join(
        edge.source + ("?" if edge.optional else "")
        for edge in space.edges
        if edge.target == target
    )
