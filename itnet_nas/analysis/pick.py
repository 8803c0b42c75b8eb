"""Choosing one member of a front, by a rule that is stated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from itnet_nas.analysis.numbers import short
from itnet_nas.analysis.pareto import signed
from itnet_nas.errors import InfeasibleError, UsageError, did_you_mean
from itnet_nas.space.constraint import Constraint, ConstraintError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

RULES = {
    "knee": "farthest below the straight line (with two costs, the plane) between the ends of the "
    "front, with quality linear, costs on a log scale, and each from 0 to 1 over the front",
    "best": "the best quality, whatever it costs",
    "cheapest": "the least of the first cost",
}


def pick(space: Space, front: Sequence[TrialRecord], rule: str) -> TrialRecord:
    """One member of a front (as `pareto.front` gives it).

    rule   `knee`, `best`, `cheapest` (`RULES` has them in words); the number of a trial on the
           front; or a bound such as "flops<=1e6" on objectives and other figures of the trials: the
           best quality among the members within it

    Raises UsageError for a rule that says nothing here, InfeasibleError when no member obeys it.
    """
    wanted = rule.strip()
    if not front:
        raise InfeasibleError(
            "there is nothing to pick from: no trial is complete, so there is no front; "
            "`itnet-nas status` says what became of the trials"
        )
    if wanted == "knee":
        return _knee(space, front)
    if wanted == "best":
        return min(front, key=lambda record: _by_quality(space, record))
    if wanted == "cheapest":
        return min(front, key=lambda record: (signed(record, space.objectives)[1:], record.number))
    if wanted.isdecimal():
        return _numbered(front, int(wanted))
    if any(sign in wanted for sign in "<>="):
        return _within(space, front, wanted)
    hint = did_you_mean(wanted, RULES)
    raise UsageError(
        f'there is no rule "{rule}" to pick by{f" ({hint})" if hint else ""}; '
        f'rules: {", ".join(RULES)}, a bound such as "flops<=1e6", or the number of a trial'
    )


def _knee(space: Space, front: Sequence[TrialRecord]) -> TrialRecord:
    """The least sum of the normalised objectives.

    With two objectives the ends are (0, 1) and (1, 0), and the distance from the line between them
    is (1 - sum) / √2; with three, the line is a plane.
    """
    columns = []
    for place, column in enumerate(zip(*(signed(r, space.objectives) for r in front), strict=True)):
        log = place > 0 and min(column) > 0
        values = [math.log10(value) for value in column] if log else list(column)
        low, span = min(values), max(values) - min(values)
        columns.append([(value - low) / span if span > 0 else 0.0 for value in values])
    sums = [sum(row) for row in zip(*columns, strict=True)]
    return min(
        zip(sums, front, strict=True), key=lambda pair: (pair[0], _by_quality(space, pair[1]))
    )[1]


def _by_quality(space: Space, record: TrialRecord) -> tuple[object, ...]:
    return (signed(record, space.objectives), record.number)


def _numbered(front: Sequence[TrialRecord], number: int) -> TrialRecord:
    for record in front:
        if record.number == number:
            return record
    members = ", ".join(str(record.number) for record in front)
    raise UsageError(f"trial {number} is not on the front; its members: {members}")


def _within(space: Space, front: Sequence[TrialRecord], text: str) -> TrialRecord:
    known = dict.fromkeys(objective.name for objective in space.objectives)
    known |= dict.fromkeys(sorted({name for record in front for name in record.figures}))
    try:
        bound = Constraint.parse(text, tuple(known))
    except ConstraintError as error:
        raise UsageError(f'"{text}" is no bound: {error}; {error.remedy}') from error
    inside = []
    for record in front:
        figures = {**record.figures, **record.objectives}
        unknown = [name for name in bound.names if name not in figures]
        if unknown:
            raise UsageError(
                f'"{text}" asks for {", ".join(unknown)}, which trial {record.number} has no '
                f"figure for; its figures: {', '.join(sorted(figures))}"
            )
        if bound.holds(figures):
            inside.append(record)
    if inside:
        return min(inside, key=lambda record: _by_quality(space, record))
    ranges = []
    for name in bound.names:
        seen = [{**record.figures, **record.objectives}[name] for record in front]
        ranges.append(f"{name} runs from {short(min(seen), 4)} to {short(max(seen), 4)}")
    raise InfeasibleError(f'no member of the front obeys "{text}"; on it {" and ".join(ranges)}')
