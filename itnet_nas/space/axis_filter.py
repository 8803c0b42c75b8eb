"""`axes:` of a layer: keep only choices with such a bias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itnet_nas.axes import AXES
from itnet_nas.space.values import choose, listed

if TYPE_CHECKING:
    from itnet_nas.space.findings import Findings
    from itnet_nas.space.parse import Part
    from itnet_nas.space.space import Choice


def read_axes(part: Part[Any], findings: Findings) -> dict[str, tuple[str, ...]] | None:
    """The filter of a layer; None when it makes no sense."""
    if not part.whole("axes"):
        return None
    before = len(findings.problems)
    path = (*part.path, "axes")
    for axis, values in part.spec.axes.items():
        if axis not in AXES:
            findings.add(
                (*path, axis),
                f'no axis is called "{axis}"',
                choose(axis, "axes:", AXES),
                key=True,
            )
            continue
        known = [str(value) for value in AXES[axis]]
        if not values:
            findings.add((*path, axis), "no value to keep", f"values of {axis}: {listed(known)}")
        for index, value in enumerate(values):
            if value not in known:
                findings.add(
                    (*path, axis, index),
                    f'the axis {axis} has no value "{value}"',
                    choose(value, "values:", known),
                )
    return dict(part.spec.axes) if len(findings.problems) == before else None


def filtered(
    part: Part[Any],
    found: list[Choice],
    axes: dict[str, tuple[str, ...]],
    findings: Findings,
) -> tuple[Choice, ...]:
    """Only choices with such a bias; none is a problem of its own."""
    kept = tuple(
        choice
        for choice in found
        if all(getattr(choice.bias, axis) in values for axis, values in axes.items())
    )
    if found and not kept:
        wanted = " and ".join(f"{axis} {' or '.join(values)}" for axis, values in axes.items())
        here = dict.fromkeys(f"{choice.family}: {choice.bias}" for choice in found)
        findings.add(
            (*part.path, "axes"),
            f"no kernel of this layer has {wanted}",
            f"its kernels are {'; '.join(list(here)[:6])}{'; …' if len(here) > 6 else ''}",
            key=True,
        )
    return kept
