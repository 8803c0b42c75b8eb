"""`itnet-nas status`: how a run stands. Reads only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from itnet_nas.cli.options import common, run_argument
from itnet_nas.cli.output import duration, emit_json, emit_table, talk

if TYPE_CHECKING:
    from pathlib import Path

    from itnet_nas.results.record import TrialRecord


@click.command()
@run_argument
@common
def status(run: Path, as_json: bool) -> None:
    """Say how a run stands.

    Trials by state, failures by cause, the front so far. Reads only.
    """
    from itnet_nas.analysis.pareto import front
    from itnet_nas.results.record import TrialState
    from itnet_nas.results.store import Store

    with Store.open(run) as store:
        space, search, stamp = store.space, store.search, store.stamp
        records, pending = store.records(), store.pending()
    states = {str(state): sum(one.state is state for one in records) for state in TrialState}
    members = front(space, records)
    failures = failures_by_cause(records)
    seconds = sum(record.seconds for record in records)
    data: dict[str, Any] = {
        "run": str(run),
        "space": space.name,
        "fingerprint": space.fingerprint,
        "trials": len(records),
        "budget": search.trials,
        "states": states,
        "pending": [job.number for job in pending],
        "failures": failures,
        "front": [record.number for record in members],
        "trial_seconds": seconds,
        "search": search.model_dump(mode="json"),
        "stamp": stamp,
    }
    if as_json:
        emit_json("status", data)
        return
    rows: list[list[Any]] = [
        ["space", space.name],
        ["trials", f"{len(records)} of {search.trials}"],
    ]
    rows += [[state, count] for state, count in states.items() if count]
    if pending:
        rows.append(["running or interrupted", len(pending)])
    if members:
        rows.append(["front", " ".join(str(record.number) for record in members)])
    rows.append(["time in trials", duration(seconds)])
    rows.append(["sessions", stamp.get("sessions", 1)])
    emit_table(["what", "is"], rows)
    for failure in failures:
        talk(
            f"{failure['count']} failed with {failure['kind']}, as in trial {failure['trial']}: "
            f"{failure['message']}"
        )
    talk(f"next: itnet-nas {'resume' if len(records) < search.trials else 'pareto'} {run}")


def failures_by_cause(records: list[TrialRecord]) -> list[dict[str, Any]]:
    """Per kind of error how many, and the first of them as an example; the most frequent first."""
    errors = [(record.number, record.error) for record in records if record.error is not None]
    counts = Counter(error.kind for _, error in errors)
    found = []
    for kind, count in counts.most_common():
        number, first = next((n, error) for n, error in errors if error.kind == kind)
        found.append({"kind": kind, "count": count, "trial": number, "message": first.message})
    return found
