"""The last lines of a search: what was found, where it is, and the next command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.analysis.baseline_words import headline
from itnet_nas.analysis.numbers import count
from itnet_nas.api import open_run
from itnet_nas.cli.front_view import front_json
from itnet_nas.cli.live import figures
from itnet_nas.cli.output import command, emit_json, emit_trials, talk, warn
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
                "imported": summary.imported,
                "report": None if path is None else str(path),
                "front": front_json(front),
            },
        )
    elif len(front):
        emit_trials(run.space, [trial.record for trial in front])
    failed = f", {summary.failed} failed" if summary.failed else ""
    trials = count(summary.trials, "trial")
    taken = f"; {count(summary.imported, 'result')} imported" if summary.imported else ""
    talk(f"{ENDINGS[summary.ended]}: {trials}, {summary.complete} complete{failed}{taken}")
    halving = run.halving
    if halving:
        talk(halving)
    if len(front):
        best, knee = front.pick("best"), front.pick("knee")
        same = best.number == knee.number
        talk(
            f"front of {len(front)}; {'knee and ' if same else ''}best is trial {best.number}: "
            f"{figures(best.objectives)}; {best.label}"
        )
        if not same:
            talk(f"knee is trial {knee.number}: {figures(knee.objectives)}; {knee.label}")
        beside = run.baseline()
        if beside is not None:
            talk(headline(beside))
    reasons = [record.reason for record in run.records if record.reason]
    if reasons:
        talk(f"proposals rested on a {reasons[-1]}")
    if problem:
        warn(problem)
    if path is not None:
        talk(f"report: {path}")
    talk(f"next: {next_command(summary, knee.number if len(front) else None)}")


def next_command(summary: Summary, knee: int | None) -> str:
    """What a person would most likely type now."""
    if summary.ended == "interrupted":
        return command("resume", summary.folder)
    if summary.ended == "failures" or knee is None:
        return command("status", summary.folder)
    return command("explain", summary.folder, knee)
