"""`itnet-nas explain`: which bias each layer of one trial has, and what the run says about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from itnet_nas.cli.options import common, run_argument, trial_argument
from itnet_nas.cli.output import emit_json

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@run_argument
@trial_argument
@common
def explain(run: Path, trial: int, as_json: bool) -> None:
    """Say which bias each layer of a trial has.

    Also where the trial stands, and what happened in trials that differ from it in one layer.
    """
    from itnet_nas.api import open_run

    found = open_run(run).trial(trial).explain()
    if as_json:
        emit_json("explain", {"run": str(run), **found.as_json()})
    else:
        click.echo(str(found))
