"""`itnet-nas certify`: test by training what each layer of a trial needs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from itnet_nas.analysis.numbers import count
from itnet_nas.cli.options import Duration, common, run_argument, where_to_work
from itnet_nas.cli.output import command, emit_json, talk

if TYPE_CHECKING:
    from pathlib import Path

    from itnet_nas.api import Backend


@click.command()
@run_argument
@click.argument("trial", metavar="[TRIAL]", default="knee")
@click.option(
    "--seeds",
    metavar="K",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Paired seeds at most; a verdict that is settled after three takes no more.",
)
@click.option(
    "--swaps",
    "most",
    metavar="N",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Other choices that are tried for one axis of one layer, at most.",
)
@click.option(
    "--trials",
    "trainings",
    metavar="N",
    type=click.IntRange(min=1),
    help="Trainings at most, this time; the same command goes on later.",
)
@click.option("--time", metavar="TIME", type=Duration(), help="Stop after this long: 90s, 10m, 2h.")
@where_to_work
@common
def certify(
    run: Path,
    trial: str,
    seeds: int,
    most: int,
    trainings: int | None,
    time: str | None,
    workers: int | None,
    address: str | None,
    backend: Backend,
    as_json: bool,
) -> None:
    """Test by training which bias each layer of a trial needs.

    Each layer's choice is replaced by the nearest ones that differ in one axis, and the network is
    trained again under paired seeds. TRIAL is a number, or knee, best, cheapest, or a bound such as
    'flops<=1e6'. The trainings are kept in the run beside those of the search: the same command
    goes on after Ctrl-C, and nothing is trained twice.
    """
    from itnet_nas.api import open_run
    from itnet_nas.cli.live import LiveLine
    from itnet_nas.search.certify import certify_run

    opened = open_run(run)
    chosen = opened.trial(int(trial)) if trial.isdecimal() else opened.pareto().pick(trial)
    talk(f"trial {chosen.number}: {chosen.label}")
    with LiveLine() as progress:
        summary = certify_run(
            run,
            chosen.number,
            seeds=seeds,
            most=most,
            trainings=trainings,
            workers=workers,
            time=time,
            address=address,
            backend=backend,
            progress=progress,
        )
    found = opened.certificate(chosen.number)
    if found is None:
        raise AssertionError("the request was written before anything was trained")
    path = opened.report()
    if as_json:
        emit_json("certify", {"run": str(run), "ended": summary.ended, **found.as_json()})
    else:
        click.echo(str(found))
    failed = f", {summary.failed} failed" if summary.failed else ""
    talk(f"{count(summary.trials, 'training')} in all{failed}; report: {path}")
    if found.left:
        again = command("certify", run, chosen.number)
        talk(f"{count(found.left, 'training')} left at least: {again}")
    else:
        talk(f"next: {command('explain', run, chosen.number)}")
    sys.exit(summary.exit_code)
