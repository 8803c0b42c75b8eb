"""`itnet-nas resume`: go on with a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itnet_nas.analysis.numbers import count
from itnet_nas.cli.options import common, require_file, run_argument, search_options
from itnet_nas.cli.output import talk

if TYPE_CHECKING:
    from itnet_nas.api import Backend
    from itnet_nas.space.space import Space


@click.command()
@run_argument
@click.option(
    "--extend",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Go on with a changed space; results that are members of it stay valid.",
)
@search_options
@common
@click.pass_context
def resume(
    context: click.Context,
    /,
    run: Path,
    extend: Path | None,
    address: str | None,
    backend: Backend,
    as_json: bool,
    **flags: Any,
) -> None:
    """Go on with a run.

    Trials that were interrupted come first, then new ones. --trials is the number in all, the
    trials that have ended included, those of another run not.
    """
    from itnet_nas.analysis.imported import own
    from itnet_nas.cli.settings import announce
    from itnet_nas.results.store import Store

    with Store.open(run) as store:
        settings = store.search.changed(**flags)
        ended, interrupted = len(own(store.records())), len(store.pending())
    wider: Space | None = None
    text = ""
    if extend is not None:
        from itnet_nas.space import load_space

        require_file(extend)
        notes: list[str] = []
        wider = load_space(extend, notes=notes)
        text = extend.read_text(encoding="utf-8-sig")
        for note in notes:
            talk(f"note: {note}")
    talk(f"{count(ended, 'trial')} ended so far, {interrupted} interrupted")
    announce(settings, run, backend)

    from itnet_nas.cli.finish import finish
    from itnet_nas.cli.live import LiveLine
    from itnet_nas.search.run_search import resume_run

    with LiveLine() as progress:
        summary = resume_run(
            run,
            extend=wider,
            extend_text=text,
            command=context.obj or "",
            address=address,
            backend=backend,
            progress=progress,
            **flags,
        )
    finish(summary, "resume", as_json)
    sys.exit(summary.exit_code)
