"""A front as rows for a table and as objects for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itnet_nas.api import Front, Trial
    from itnet_nas.results.record import TrialRecord


def trial_json(record: TrialRecord) -> dict[str, Any]:
    """`trial`, `key`, every objective by name, and per layer `family`, `params`, `bias`."""
    return {
        "trial": record.number,
        "key": record.key,
        **record.objectives,
        "layers": {
            layer.name: {
                "family": layer.family,
                "params": layer.params,
                "bias": record.bias[layer.name].model_dump(mode="json"),
            }
            for layer in record.architecture.layers
        },
    }


def front_json(trials: Front | list[Trial]) -> list[dict[str, Any]]:
    """Every member, cheapest first."""
    return [trial_json(trial.record) for trial in trials]


def front_rows(trials: Front | list[Trial]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows: number, objectives, one column per layer that any member has."""
    records = [trial.record for trial in trials]
    objectives = list(records[0].objectives) if records else []
    layers = list(
        dict.fromkeys(layer.name for record in records for layer in record.architecture.layers)
    )
    rows = []
    for record in records:
        label = {layer.name: layer.label for layer in record.architecture.layers}
        rows.append(
            [
                record.number,
                *(record.objectives[name] for name in objectives),
                *(label.get(name) for name in layers),
            ]
        )
    return ["trial", *objectives, *layers], rows
