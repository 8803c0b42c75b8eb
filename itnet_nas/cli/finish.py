"""The last lines of a search: what was found, where it is, and the next command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.api import open_run
from itnet_nas.cli.front_view import front_json, front_rows
from itnet_nas.cli.live import figures
from itnet_nas.cli.output import emit_json, emit_table, talk, warn
from itnet_nas.errors import ItnetError

if TYPE_CHECKING:
    from itnet_nas.search.run_search import Summary

ENDINGS = {
    "done": "every trial has ended",
    "budget": "the time is spent",
    "exhausted": "no architecture is left that was not tried",
    "interrupted": "interrupted; what had ended is kept",
    "failures": "ended early: more than half of the trials failed",
}


def finish(summary: Summary, verb: str, as_json: bool) -> None:
    """The front on stdout; on stderr the findings, the report and what to do next."""
    run = open_run(summary.folder)
    front = run.pareto()
    path = None
    problem = ""
    if len(front):
        try:
            path = run.report()
        except (ItnetError, OSError) as error:  # a search is not lost because a page is
            problem = f"the report could not be written: {error}"
    if as_json:
        emit_json(
            verb,
            {
                "run": str(summary.folder),
                "ended": summary.ended,
                "trials": summary.trials,
                "complete": summary.complete,
                "failed": summary.failed,
                "report": None if path is None else str(path),
                "front": front_json(front),
            },
        )
    elif len(front):
        emit_table(*front_rows(front))
    failed = f", {summary.failed} failed" if summary.failed else ""
    talk(f"{ENDINGS[summary.ended]}: {summary.trials} trials, {summary.complete} complete{failed}")
    if len(front):
        best, knee = front.pick("best"), front.pick("knee")
        talk(f"front of {len(front)}; best is trial {best.number}: {figures(best.objectives)}")
        talk(f"knee is trial {knee.number}: {figures(knee.objectives)}; {knee.label}")
    if problem:
        warn(problem)
    if path is not None:
        talk(f"report: {path}")
    talk(f"next: {next_command(summary, knee.number if len(front) else None)}")


def next_command(summary: Summary, knee: int | None) -> str:
    """What a person would most likely type now."""
    if summary.ended == "interrupted":
        return f"itnet-nas resume {summary.folder}"
    if summary.ended == "failures" or knee is None:
        return f"itnet-nas status {summary.folder}"
    return f"itnet-nas explain {summary.folder} {knee}"
