"""A front as objects for JSON."""

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
