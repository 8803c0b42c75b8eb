"""`itnet-nas report`: the run as one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from itnet_nas.cli.options import common, output_option, run_argument
from itnet_nas.cli.output import emit_json
from itnet_nas.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@run_argument
@output_option
@common
def report(run: Path, output: Path | None, as_json: bool) -> None:
    """Write the report: one file that needs no network. Default: RUN/report.html."""
    from itnet_nas.api import open_run

    opened = open_run(run)
    try:
        path = opened.report(output)
    except OSError as error:
        raise RunError(f"the report cannot be written: {error}; name a file with -o") from error
    if as_json:
        emit_json("report", {"run": str(run), "report": str(path)})
    else:
        click.echo(path)
