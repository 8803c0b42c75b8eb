"""`itnet-nas explain`: which bias each layer of one trial has, and what the run says about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from itnet_nas.cli.options import common, run_argument, trial_argument
from itnet_nas.cli.output import emit_json, talk

if TYPE_CHECKING:
    from pathlib import Path

    from itnet_nas.analysis.replaced import ReplacementTest
    from itnet_nas.api import Run, Trial


@click.command()
@run_argument
@trial_argument
@click.option(
    "--replace",
    is_flag=True,
    help="Also train: put other kernels in the place of each layer, and say what is lost.",
)
@common
def explain(run: Path, trial: int, replace: bool, as_json: bool) -> None:
    """Say which bias each layer of a trial has.

    Also where the trial stands, and what happened in trials that differ from it in one layer. With
    --replace each trained layer gives way to the cheapest kernel that matches what was measured,
    and to one that does not; nothing is written.
    """
    from itnet_nas.api import open_run

    opened = open_run(run)
    chosen = opened.trial(trial)
    found = chosen.explain()
    test = _replace(opened, chosen) if replace else None
    if as_json:
        beside = {} if test is None else {"replacements": test.as_json()}
        emit_json("explain", {"run": str(run), **found.as_json(), **beside})
        return
    click.echo(str(found))
    if test is not None:
        click.echo(f"\n{test}")


def _replace(run: Run, trial: Trial) -> ReplacementTest:
    """The replacement test, with a line for each training. It computes, and says so."""
    from itnet_nas.train.replace_all import replacement_test

    def progress(done: int, total: int, now: str) -> None:
        talk(f"training {done + 1} of {total}: {now}")

    return replacement_test(trial.record, trial.weights(), run.space, progress=progress)
