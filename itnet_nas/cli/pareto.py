"""`itnet-nas pareto`: the front of a run."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import click

from itnet_nas.cli.options import common, run_argument
from itnet_nas.cli.output import emit_json, emit_table, talk
from itnet_nas.errors import InfeasibleError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@run_argument
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@click.option(
    "--pick",
    metavar="RULE",
    help="One member: best, cheapest, knee, a trial's number, or a bound such as 'flops<=1e6'.",
)
@common
def pareto(run: Path, as_csv: bool, pick: str | None, as_json: bool) -> None:
    """Show the non-dominated trials of a run, cheapest first."""
    from itnet_nas.api import open_run
    from itnet_nas.cli.front_view import front_json, front_rows, trial_json

    if as_csv and as_json:
        raise UsageError("--csv and --json exclude each other")
    opened = open_run(run)
    front = opened.pareto()
    if not len(front):
        raise InfeasibleError(
            f"no trial of {run} is complete, so there is no front; "
            f"`itnet-nas status {run}` says what became of them"
        )
    picked = None if pick is None else front.pick(pick)
    if as_json:
        data = {
            "run": str(run),
            "objectives": [one.model_dump() for one in opened.space.objectives],
            "trials": len(opened.records),
            "hypervolume": front.hypervolume,
            "reference": front.scale.reference,
            "ideal": front.scale.ideal,
            "front": front_json(front),
        }
        if picked is not None:
            data["pick"] = {"rule": pick, **trial_json(picked.record)}
        emit_json("pareto", data)
        return
    columns, rows = front_rows(front if picked is None else [picked])
    if as_csv:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *rows])
        click.echo(text.getvalue(), nl=False)
        return
    emit_table(columns, rows)
    if picked is None:
        talk(
            f"{len(front)} of {len(opened.records)} trials; "
            f"hypervolume {front.hypervolume:.3f} of 1"
        )
