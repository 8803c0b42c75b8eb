"""`itnet-nas confirm`: what the front is worth under seeds that did not choose it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from itnet_nas.cli.options import Duration, common, run_argument, where_to_work
from itnet_nas.cli.output import command, emit_json, emit_table, is_terminal, talk

if TYPE_CHECKING:
    from pathlib import Path

    from itnet_nas.api import Backend


@click.command()
@run_argument
@click.option(
    "--seeds",
    metavar="K",
    type=click.IntRange(min=2),
    help="Fresh seeds of each candidate.  [default: 3]",
)
@click.option(
    "--again",
    is_flag=True,
    help="Once more, under other seeds: the test split is read again, and counted.",
)
@click.option("--time", metavar="TIME", type=Duration(), help="Stop after this long: 90s, 10m, 2h.")
@where_to_work
@common
def confirm(
    run: Path,
    seeds: int | None,
    again: bool,
    time: str | None,
    workers: int | None,
    address: str | None,
    backend: Backend,
    as_json: bool,
) -> None:
    """Train the front again under fresh seeds, and report those.

    The seed of the search chose the front, so its figures are too good. The first two fronts, and
    what is within the noise of the front, are trained again at full budget; the test split is read
    here and nowhere else. Who is on the front stays as it was. The same command goes on after
    Ctrl-C, and nothing is trained twice.
    """
    from itnet_nas.analysis.confirmed_words import sentences, table
    from itnet_nas.api import open_run
    from itnet_nas.cli.live import LiveLine
    from itnet_nas.search.confirm import confirm_run

    opened = open_run(run)
    with LiveLine() as progress:
        summary = confirm_run(
            run,
            seeds=seeds,
            again=again,
            workers=workers,
            time=time,
            address=address,
            backend=backend,
            progress=progress,
            planned=talk,
        )
    found = opened.confirmation()
    path = opened.report()
    if as_json:
        body = {} if found is None else found.as_json()
        emit_json("confirm", {"run": str(run), "ended": summary.ended, **body})
    elif found is not None:
        if is_terminal():
            click.echo(str(found))
        else:
            emit_table(*table(found))
            for line in sentences(found):
                talk(line)
    talk(f"report: {path}")
    if summary.ended in ("interrupted", "budget", "failures"):
        talk(f"go on: {command('confirm', run)}")
    else:
        talk(f"next: {command('explain', run, opened.pareto().pick('knee').number)}")
    sys.exit(summary.exit_code)
