"""`itnet-nas export`: one trial's network as Python source, as weights, or as JSON."""

from __future__ import annotations

from pathlib import Path

import click

from itnet_nas.cli.options import (
    common,
    run_argument,
    trial_argument,
    write_bytes,
    write_text,
)
from itnet_nas.cli.output import emit_json, talk


@click.command()
@run_argument
@trial_argument
@click.option(
    "--format",
    "kind",
    type=click.Choice(["python", "weights", "json"]),
    default="python",
    show_default=True,
    help="A folder with source and weights, the state dict, or the record.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A folder for python, a file for the others.  [default: RUN/export/TRIAL…]",
)
@common
def export(run: Path, trial: int, kind: str, output: Path | None, as_json: bool) -> None:
    """Take the network of a trial out of the run."""
    from itnet_nas.api import open_run

    chosen = open_run(run).trial(trial)
    name = {"python": str(trial), "weights": f"{trial}.pt", "json": f"{trial}.json"}[kind]
    target = output or run / "export" / name
    if kind == "python":
        chosen.export(target)
    elif kind == "weights":
        write_bytes(chosen.weights(), target)
    else:
        write_text(chosen.record.model_dump_json(indent=2) + "\n", target)
    if as_json:
        emit_json(
            "export", {"run": str(run), "trial": trial, "format": kind, "output": str(target)}
        )
        return
    click.echo(target)
    talk(f"trial {trial}: {chosen.label}")
