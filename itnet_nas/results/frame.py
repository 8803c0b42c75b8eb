"""Records as a pandas DataFrame: one row per trial, or one per trial and layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from itnet_nas.arch.architecture import LayerChoice
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

ABSENT = "–"


def frame(space: Space, records: Sequence[TrialRecord]) -> pd.DataFrame:
    """One row per trial, in the order of the records, failures included.

    number, state, key, label          always a text or a number
    <layer>.family, <layer>.params     per layer of the space (and of the records, where the space
                                       has changed since); "–" where the layer is absent
    every objective, every figure      NaN where the trial has none; called figure.<name> where
                                       another column has the name
    steps, seconds, device, seed, proposed_by, attempt, started (seconds since the epoch)
    error_kind, error_message          "" where nothing went wrong
    """
    import pandas as pd

    layers = _layer_names(space, records)
    objectives = [objective.name for objective in space.objectives]
    objectives += [n for n in _names(r.objectives for r in records) if n not in objectives]
    figures = [n for n in _names(r.figures for r in records) if n not in objectives]
    columns: dict[str, Any] = {
        "number": [r.number for r in records],
        "state": [str(r.state) for r in records],
        "key": [r.key for r in records],
        "label": [r.architecture.label for r in records],
    }
    chosen = [{layer.name: layer for layer in r.architecture.layers} for r in records]
    for name in layers:
        columns[f"{name}.family"] = [_family(row.get(name)) for row in chosen]
        columns[f"{name}.params"] = [_params(row.get(name)) for row in chosen]
    after = {
        "steps": [r.steps for r in records],
        "seconds": [r.seconds for r in records],
        "device": [r.device for r in records],
        "seed": [r.seed for r in records],
        "proposed_by": [r.proposed_by for r in records],
        "attempt": [r.attempt for r in records],
        "started": [r.started for r in records],
        "error_kind": ["" if r.error is None else r.error.kind for r in records],
        "error_message": ["" if r.error is None else r.error.message for r in records],
    }
    for name in [*objectives, *figures]:
        taken = name in columns or name in after
        columns[f"figure.{name}" if taken else name] = pd.Series(
            [r.objectives.get(name, r.figures.get(name, float("nan"))) for r in records],
            dtype="float64",
        )
    return pd.DataFrame({**columns, **after})


def layers_frame(space: Space, records: Sequence[TrialRecord]) -> pd.DataFrame:
    """One row per trial and present layer: what sits there, its declared bias, the objectives.

    Columns: number, state, layer, family, params, support, sharing, state_axis, content, radius,
    state_size, entry, then every objective.
    """
    import pandas as pd

    objectives = [objective.name for objective in space.objectives]
    columns = [
        "number", "state", "layer", "family", "params", "support", "sharing", "state_axis",
        "content", "radius", "state_size", "entry", *objectives,
    ]  # fmt: skip
    rows = []
    for record in records:
        figures = [record.objectives.get(name, float("nan")) for name in objectives]
        for layer in record.architecture.layers:
            bias = record.bias[layer.name]
            rows.append(
                [
                    record.number,
                    str(record.state),
                    layer.name,
                    layer.family,
                    _params(layer),
                    str(bias.support),
                    str(bias.sharing),
                    str(bias.state),
                    str(bias.content),
                    bias.radius,
                    bias.state_size,
                    ", ".join(bias.entry),
                    *figures,
                ]
            )
    found = pd.DataFrame(rows, columns=columns)
    return found.astype({"radius": "Int64", "state_size": "Int64"})


def _layer_names(space: Space, records: Sequence[TrialRecord]) -> list[str]:
    names = dict.fromkeys(layer.name for layer in space.layers)
    for record in records:
        names |= dict.fromkeys(layer.name for layer in record.architecture.layers)
    return list(names)


def _names(figures: Any) -> list[str]:
    return sorted({name for one in figures for name in one})


def _family(layer: LayerChoice | None) -> str:
    return ABSENT if layer is None else layer.family


def _params(layer: LayerChoice | None) -> str:
    if layer is None:
        return ABSENT
    return ", ".join(f"{name}={value}" for name, value in layer.params.items())
