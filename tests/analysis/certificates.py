"""Runs with probes and certificates, made from arithmetic: scores that fit each kernel, swaps that
lose what the table of `analysis.support` says they lose.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from analysis.probes import probe, scores
from analysis.support import quality, record, run

from itnet_nas.analysis.certificate import certificate, next_trainings

if TYPE_CHECKING:
    from itnet_nas.analysis.certificate import Certificate
    from itnet_nas.results.measured import LayerProbe
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

SEEDS = (91, 92, 93, 94, 95)

PROBES: dict[str, LayerProbe] = {
    "identity": probe(scores(1.0), scores(1.0)),
    "conv": probe(
        scores(0.28, 0.06, 2, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.2),
        scores(0.19, 0.15, 6, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 3.4),
    ),
    "attention": probe(
        scores(0.44, 0.98, 41, 1.0, 0.96, 0.94, 0.97, 0.71, 0.01, 33),
        scores(0.52, 1.0, 44, 1.0, 1.0, 0.40, 0.61, 0.12, 0.43, 34),
    ),
    "ssm": probe(
        scores(0.31, 0.62, 34, 1.0, 1.0, 0.0, 0.0, 0.0, 0.14, 14.2),
        scores(0.35, 0.21, 14, 1.0, 1.0, 0.0, 0.0, 0.0, 0.17, 5.0),
        step_error=2.4e-7,
    ),
    "gru": probe(
        scores(0.39, 0.23, 9, 1.0, 1.0, 0.72, 0.81, 0.14, 0.31, 6.3),
        scores(0.42, 0.08, 3, 1.0, 1.0, 0.44, 0.52, 0.06, 0.28, 2.6),
        step_error=3.1e-7,
    ),
}


def probed(records: list[TrialRecord]) -> list[TrialRecord]:
    """The same records, every complete one with a probe of each of its layers."""
    return [
        one.model_copy(
            update={
                "probe": {layer.name: PROBES[layer.family] for layer in one.architecture.layers}
            }
        )
        if one.complete
        else one
        for one in records
    ]


def probed_run(of: Space, trials: int = 20) -> list[TrialRecord]:
    """A run whose complete trials were probed."""
    return probed(run(of, trials))


def certified(
    of: Space,
    candidate: TrialRecord,
    *,
    noise: float = 0.02,
    rounds: int = 40,
    shift: float = 0.0,
) -> Certificate:
    """What a certificate says after so many rounds of trainings, of quality as in the table.

    noise   of a training; shift is added to every figure
    """
    rng = Random(5)
    found: list[TrialRecord] = []
    for _ in range(rounds):
        asked = next_trainings(of, candidate, found, seeds=SEEDS)
        if not asked:
            break
        for architecture, index in asked:
            bits = quality(architecture) + shift + rng.gauss(0, noise)
            one = record(of, len(found), architecture, bits_per_byte=bits)
            found.append(one.model_copy(update={"seed": SEEDS[index]}))
    return certificate(of, candidate, found, seeds=SEEDS)
