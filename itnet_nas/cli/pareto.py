"""`itnet-nas pareto`: the front of a run."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import click

from itnet_nas.analysis.numbers import count
from itnet_nas.cli.options import common, run_argument
from itnet_nas.cli.output import (
    colour_wanted,
    command,
    emit_json,
    emit_trials,
    is_terminal,
    look,
    talk,
)
from itnet_nas.errors import InfeasibleError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@run_argument
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@click.option(
    "--pick",
    metavar="RULE",
    help="One member: knee, best, cheapest, a trial's number, or the best within a bound on any "
    "objective or figure, such as 'flops<=1e6'.",
)
@click.option("--no-plot", is_flag=True, help="Leave out the picture on a terminal.")
@common
def pareto(run: Path, as_csv: bool, pick: str | None, no_plot: bool, as_json: bool) -> None:
    """Show the non-dominated trials of a run, cheapest first.

    On a terminal a picture of quality against the first cost stands below.
    """
    from itnet_nas.analysis.confirmed_words import sentences
    from itnet_nas.analysis.pick import RULES
    from itnet_nas.analysis.terminal import scatter, trial_rows
    from itnet_nas.api import open_run
    from itnet_nas.cli.front_view import confirmation_json, front_json, trial_json

    if as_csv and as_json:
        raise UsageError("--csv and --json exclude each other")
    opened = open_run(run)
    front = opened.pareto()
    if not len(front):
        raise InfeasibleError(
            f"no trial of {run} is complete, so there is no front; "
            f"`{command('status', run)}` says what became of them"
        )
    picked = None if pick is None else front.pick(pick)
    confirmation = opened.confirmation()
    if as_json:
        data = {
            "run": str(run),
            "objectives": [one.model_dump() for one in opened.space.objectives],
            "trials": len(opened.records),
            "hypervolume": front.hypervolume,
            "reference": front.scale.reference,
            "ideal": front.scale.ideal,
            "front": front_json(front, confirmation),
        }
        found = opened.baseline()
        data["baseline"] = None if found is None else found.as_json()
        if confirmation is not None:
            data["confirmation"] = confirmation_json(confirmation)
        if picked is not None:
            data["pick"] = {"rule": pick, **trial_json(picked.record, confirmation)}
        emit_json("pareto", data)
        return
    shown = [trial.record for trial in (front if picked is None else [picked])]
    if as_csv:
        text = io.StringIO()
        columns, rows = trial_rows(opened.space, shown, confirmation)
        csv.writer(text, lineterminator="\n").writerows([columns, *rows])
        click.echo(text.getvalue(), nl=False)
        return
    emit_trials(opened.space, shown, confirmation)
    if picked is not None:
        rule = (pick or "").strip()
        talk(f"{rule}: {RULES[rule]}" if rule in RULES else f"best within {rule}")
        talk(f"next: {command('explain', run, picked.number)}")
        return
    if is_terminal() and not no_plot and len(shown) > 1:
        picture = scatter(opened.space, opened.records, shown, **look())
        click.echo("\n" + picture, color=colour_wanted(True))
    volume = f"; hypervolume {front.hypervolume:.3f} of 1" if front.hypervolume else ""
    if confirmation is not None:
        for line in sentences(confirmation):
            talk(line)
    talk(f"{len(front)} of {count(len(opened.records), 'trial')}{volume}")
    talk(f"next: {command('explain', run, front.pick('knee').number)}")
