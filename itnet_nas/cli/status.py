"""`itnet-nas status`: how a run stands. Reads only."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from itnet_nas.analysis.numbers import duration
from itnet_nas.cli.options import common, run_argument
from itnet_nas.cli.output import command, emit_json, emit_table, is_terminal, look, talk

if TYPE_CHECKING:
    from pathlib import Path

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


@click.command()
@run_argument
@click.option(
    "--layers",
    "by_layer",
    is_flag=True,
    help="How often each family is at each layer, beside chance, instead.",
)
@common
def status(run: Path, by_layer: bool, as_json: bool) -> None:
    """Say how a run stands.

    Trials by state, failures by cause, the front so far. Reads only.
    """
    from itnet_nas.analysis.baseline import baseline
    from itnet_nas.analysis.baseline_words import headline
    from itnet_nas.analysis.halved import halved
    from itnet_nas.analysis.imported import imported_text, own
    from itnet_nas.analysis.pareto import front
    from itnet_nas.results.record import TrialState
    from itnet_nas.results.rungs import waiting
    from itnet_nas.results.store import Store

    with Store.open(run) as store:
        space, search, stamp = store.space, store.search, store.stamp
        records, pending = store.records(), store.pending()
        priors = store.priors.records()
        rungs = store.rungs.records()
        made = store.baseline.records()
    if by_layer:
        show_layers(run, space, records, as_json)
        return
    trained = len(own(records))
    states = {str(state): sum(one.state is state for one in records) for state in TrialState}
    members = front(space, records)
    failures = failures_by_cause(records)
    early = halved(space, records, rungs)
    paused = len(waiting(pending, rungs))
    seconds = sum(record.seconds for record in own(records))
    beside = baseline(space, records, made)
    data: dict[str, Any] = {
        "run": str(run),
        "space": space.name,
        "fingerprint": space.fingerprint,
        "trials": trained,
        "imported": len(records) - trained,
        "priors": len(priors),
        "budget": search.trials,
        "states": states,
        "pending": [job.number for job in pending],
        "paused": paused,
        "halving": None if early is None else early.as_json(),
        "failures": failures,
        "front": [record.number for record in members],
        "baseline": None if beside is None else {**beside.as_json(), "made": len(made)},
        "trial_seconds": seconds,
        "search": search.model_dump(mode="json"),
        "stamp": stamp,
    }
    if as_json:
        emit_json("status", data)
        return
    rows: list[list[Any]] = [
        ["space", space.name],
        ["trials", f"{trained} of {search.trials}"],
    ]
    if trained < len(records):
        rows.append(["imported", imported_text(records)])
    if priors:
        rows.append(["told beforehand", imported_text(priors, "trial")])
    rows += [[state, count] for state, count in states.items() if count]
    if paused:
        rows.append(["paused", paused])
    if len(pending) > paused:
        rows.append(["running or interrupted", len(pending) - paused])
    if members:
        rows.append(["front", " ".join(str(record.number) for record in members)])
    if made:
        rows.append(["trials of the baseline", f"{len(made)} of {len(records)}"])
    if beside is not None:
        rows.append(["random search", headline(beside).removeprefix("random search ")])
    rows.append(["time in trials", duration(seconds)])
    rows.append(["sessions", stamp.get("sessions", 1)])
    emit_table(["what", "is"], rows)
    for failure in failures:
        talk(
            f"{failure['count']} failed with {failure['kind']}, as in trial {failure['trial']}: "
            f"{failure['message']}"
        )
    if early is not None:
        talk(early.summary)
    verb = "resume" if trained < search.trials else "pareto" if members else "table"
    talk(f"next: {command(verb, run)}")


def show_layers(run: Path, space: Space, records: list[TrialRecord], as_json: bool) -> None:
    """Per layer and family its share of the best trials and of the front, beside chance."""
    from itnet_nas.analysis.bias_table import bias_table
    from itnet_nas.analysis.terminal import layer_table

    table = bias_table(space, records)
    if as_json:
        layers = [asdict(layer) for layer in table.layers]
        emit_json("status", {"run": str(run), "best": table.best, "layers": layers})
        return
    if is_terminal():
        shown = look()
        text = layer_table(space, records, color=shown["color"], unicode=shown["unicode"])
        click.echo(text, nl=False, color=shown["color"])
        return
    rows = [
        [
            layer.layer,
            share.family,
            share.in_best,
            share.on_front,
            share.chance,
            share.complete,
            share.failed,
        ]
        for layer in table.layers
        for share in layer.shares
    ]
    columns = ["layer", "family", f"best {table.best}", "front", "chance", "complete", "failed"]
    emit_table(columns, rows)


def failures_by_cause(records: list[TrialRecord]) -> list[dict[str, Any]]:
    """Per kind of error how many, and the first of them as an example; the most frequent first."""
    from itnet_nas.analysis.failures import failed_by_kind

    found = []
    for kind, group in failed_by_kind(records).items():
        assert group[0].error is not None  # failed_by_kind gives no others
        found.append(
            {
                "kind": kind,
                "count": len(group),
                "trial": group[0].number,
                "message": group[0].error.message,
            }
        )
    return found
