"""A front as objects for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itnet_nas.analysis.confirmed import Confirmation
    from itnet_nas.api import Front, Trial
    from itnet_nas.results.record import TrialRecord


def trial_json(record: TrialRecord, confirmation: Confirmation | None = None) -> dict[str, Any]:
    """`trial`, `key`, every objective by name, and per layer `family`, `params`, `bias`.

    `confirmed` has what fresh seeds gave, where the trial was trained again.
    """
    found = None if confirmation is None else confirmation.of(record.number)
    return {
        "trial": record.number,
        "key": record.key,
        **record.objectives,
        **({} if found is None else {"confirmed": _figures(found.as_json())}),
        "layers": {
            layer.name: {
                "family": layer.family,
                "params": layer.params,
                "bias": record.bias[layer.name].model_dump(mode="json"),
            }
            for layer in record.architecture.layers
        },
    }


def front_json(
    trials: Front | list[Trial], confirmation: Confirmation | None = None
) -> list[dict[str, Any]]:
    """Every member, cheapest first."""
    return [trial_json(trial.record, confirmation) for trial in trials]


def confirmation_json(confirmation: Confirmation) -> dict[str, Any]:
    """What a confirmation says of the front as a whole."""
    plain = confirmation.as_json()
    return {name: plain[name] for name in ("quality", "reads", "rule", "noise", "optimism", "left")}


def _figures(member: dict[str, Any]) -> dict[str, Any]:
    """What the object of the trial does not say already."""
    return {name: member[name] for name in ("search", "fresh", "test", "nondominated", "band")}
