"""`itnet-nas search`: train architectures of a space until the budget is spent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itnet_nas.cli.options import (
    KEEP_WEIGHTS,
    STRATEGIES,
    common,
    require_file,
    search_options,
    space_argument,
)
from itnet_nas.cli.output import talk

if TYPE_CHECKING:
    from itnet_nas.api import Backend


@click.command()
@space_argument
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The run's folder.  [default: runs/NAME of the space]",
)
@click.option(
    "--from",
    "warm_start",
    metavar="RUN",
    help="Take over what another run trained; trials count new ones.",
)
@click.option("--strategy", type=click.Choice(STRATEGIES), help="Who proposes.")
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    help="Decides every proposal and every weight.",
)
@search_options
@click.option(
    "--cpus-per-trial", metavar="N", type=click.IntRange(min=1), help="Threads of a trial."
)
@click.option(
    "--gpus-per-trial", metavar="F", type=click.FloatRange(min=0), help="May be a fraction."
)
@click.option("--keep-weights", type=click.Choice(KEEP_WEIGHTS), help="Whose weights are kept.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; start nothing.")
@common
@click.pass_context
def search(
    context: click.Context,
    /,
    file: Path,
    run: Path | None,
    address: str | None,
    backend: Backend,
    dry_run: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Search a space and keep every result.

    Figures in the file are the default, flags win, and the run keeps what was used. Ctrl-C ends a
    search so that `itnet-nas resume` goes on with it.
    """
    from itnet_nas.cli.settings import announce
    from itnet_nas.space import load_space

    require_file(file)
    notes: list[str] = []
    space = load_space(file, notes=notes)
    text = file.read_text(encoding="utf-8-sig")
    space = space.model_copy(update={"search": space.search.changed(**flags)})
    folder = run or Path("runs") / space.name
    for note in notes:
        talk(f"note: {note}")
    if dry_run:
        from itnet_nas.cli.plan import show_plan

        show_plan(space, folder, backend, as_json, text)
        return
    announce(space.search, folder, backend)

    from itnet_nas.cli.finish import finish
    from itnet_nas.cli.live import LiveLine
    from itnet_nas.search.run_search import run_search

    with LiveLine() as progress:
        summary = run_search(
            space,
            folder,
            source_text=text,
            command=context.obj or "",
            address=address,
            backend=backend,
            progress=progress,
            tell=lambda note: talk(f"note: {note}"),
        )
    finish(summary, "search", as_json)
    sys.exit(summary.exit_code)
