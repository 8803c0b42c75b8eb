"""What a search is after: its objectives and constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.space.constraint import Constraint, ConstraintError
from itnet_nas.space.space import COMPUTED_COSTS, MEASURED_COSTS, Objective
from itnet_nas.space.values import choose

if TYPE_CHECKING:
    from itnet_nas.space.findings import Findings
    from itnet_nas.space.parse import Part
    from itnet_nas.space.spec import SpaceSpec
    from itnet_nas.tasks import TaskFacts

COSTS = (*COMPUTED_COSTS, *MEASURED_COSTS)


def read_objectives(
    top: Part[SpaceSpec], facts: TaskFacts | None, findings: Findings
) -> tuple[Objective, ...]:
    """Quality first, then costs; without any, the task's own quality and flops."""
    if not top.whole("objectives"):
        return ()
    given = top.spec.objectives
    if given is None:
        given = (facts.quality.name, "flops") if facts is not None else ()
    elif not 2 <= len(given) <= 3:
        findings.add(
            ("objectives",),
            f"a search has 2 or 3 objectives, got {len(given)}",
            "first the quality, then one or two costs, such as [error, flops]",
        )
    found = []
    metrics = {metric.name: metric.direction for metric in facts.metrics} if facts else {}
    for index, name in enumerate(given):
        path = ("objectives", index)
        if name in given[:index]:
            findings.add(path, f'"{name}" is given twice', "keep one of them")
        elif index == 0 and facts is not None and name not in metrics:
            findings.add(
                path,
                f'the first objective is a quality, and the task has none called "{name}"',
                choose(name, "its metrics:", metrics),
            )
        elif index > 0 and name not in COSTS:
            findings.add(
                path,
                f'no cost is called "{name}"',
                choose(name, "costs:", COSTS),
            )
        direction = metrics.get(name, "min") if index == 0 else "min"
        found.append(Objective(name=name, direction=direction))
    return tuple(found)


def check_constraints(top: Part[SpaceSpec], findings: Findings) -> None:
    """Each must be a comparison of known costs."""
    if not top.whole("constraints"):
        return
    for index, text in enumerate(top.spec.constraints):
        try:
            Constraint.parse(text)
        except ConstraintError as error:
            path = ("constraints", index)
            findings.add(path, str(error), error.remedy, offset=error.column)
