"""How sure a run is of what its layers learned, what to do next, and whether to name anybody."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from itnet_nas.analysis.axis_verdict import Verdict
from itnet_nas.analysis.numbers import count, short
from itnet_nas.analysis.pareto import signed
from itnet_nas.analysis.words import unit

if TYPE_CHECKING:
    from itnet_nas.analysis.certificate import Certificate
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


def not_solved(space: Space, best: TrialRecord, certificate: Certificate | None) -> str:
    """Why nobody may be named, in a sentence; empty where the task is solved or does not say.

    The certificate's mean over seeds counts where there is one: the best trial of a search is
    flattered by selection.
    """
    quality = space.objectives[0]
    metric = next((one for one in space.facts.metrics if one.name == quality.name), None)
    if metric is None or metric.solved is None:
        return ""
    sign = 1.0 if quality.direction == "min" else -1.0
    reached, whose = best.objectives[quality.name], f"the best trial ({best.number}) reaches"
    if certificate is not None and certificate.solved is False and certificate.mean is not None:
        reached, whose = certificate.mean, f"trial {certificate.trial} reaches, over its seeds,"
    elif signed(best, [quality])[0] <= sign * metric.solved:
        return ""
    ceiling = "" if metric.ceiling is None else f" of a ceiling of {short(metric.ceiling)}"
    return (
        f"Not solved: {whose} {short(reached)} {unit(quality.name)}{ceiling}, and the task counts "
        f"as solved from {short(metric.solved)} on. No layer is said to need its bias."
    )


def how_sure(record: TrialRecord, certificate: Certificate | None) -> list[str]:
    """What the section stands on, a line each."""
    lines = []
    if record.probe:
        first = next(iter(record.probe.values()))
        lines.append(
            f"measured: Jacobians on {count(first.inputs, 'example')} of {first.split} data, "
            f"{sum(one.rows for one in record.probe.values())} rows, budget {first.budget}; "
            "figures in brackets are 95 % intervals"
        )
        if any(one.initial is not None for one in record.probe.values()):
            lines.append("changes since initialisation are named where the intervals lie apart")
    elif record.probe_error:
        lines.append(f"not measured, since the probe failed: {record.probe_error}")
    else:
        lines.append(
            "not measured: this trial was not probed, so ○ says what a layer may do, not what it "
            "does"
        )
    if certificate is None:
        lines.append(
            "not tested: whether the task needs a bias shows when it is swapped and trained again"
        )
        return lines
    lines.append(
        f"tested: {count(certificate.trainings, 'training')}, "
        f"{count(len(certificate.seeds), 'seed')} of trial {certificate.trial}, paired by seed"
    )
    if certificate.floor is not None:
        lines.append(
            f"losses up to {short(certificate.floor)} {unit(certificate.quality)} are noise"
        )
    lines.append(certificate.correction)
    return lines


def what_next(
    record: TrialRecord, certificate: Certificate | None, run: str, *, trials: int, solved: bool
) -> list[tuple[str, str]]:
    """Commands to type next, each with what it is for. `trials` is how many were planned."""
    folder = run if run == "RUN" else shlex.quote(run)
    certify = f"itnet-nas certify {folder} {record.number}"
    if not solved:
        return [
            (
                f"itnet-nas resume {folder} --trials {2 * trials}",
                "search on; or write a space with kernels that this one lacks",
            )
        ]
    if certificate is None:
        return [(certify, "swap each layer's bias, train again, and say which the task needs")]
    if certificate.left:
        left = count(certificate.left, "training")
        return [(certify, f"go on: {left} left at least")]
    unsure = [one for one in certificate.axes if one.verdict is Verdict.PREFERRED]
    if unsure:
        more = max((one.seeds for one in unsure), default=0) + 3
        return [
            (
                f"{certify} --seeds {more}",
                "more seeds: some bias is preferred, but not surely needed",
            )
        ]
    return [
        (f"itnet-nas explain {folder} {record.number}", "every figure of these rows"),
    ]
