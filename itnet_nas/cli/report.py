"""`itnet-nas report`: the run as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from itnet_nas.cli.options import common, run_argument
from itnet_nas.cli.output import emit_json


@click.command()
@run_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here.  [default: RUN/report.html]",
)
@common
def report(run: Path, output: Path | None, as_json: bool) -> None:
    """Write the run as one HTML page that needs no network."""
    from itnet_nas.api import open_run

    path = open_run(run).report(output)
    if as_json:
        emit_json("report", {"run": str(run), "report": str(path)})
    else:
        click.echo(path)
