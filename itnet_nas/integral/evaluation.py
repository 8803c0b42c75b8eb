"""`Evaluation`: one of the ways to compute an operator, taken or refused, with the reason."""

from __future__ import annotations

from typing import NamedTuple


class Evaluation(NamedTuple):
    """A way to compute an operator at a given length, on a given kind of device.

    The code that computes and the code that explains must ask the same function, so that what
    `itnet-nas kernels NAME --why` says is what happens.
    """

    name: str  # "direct", "fft", "fused", …
    taken: bool
    reason: str  # why it is taken, or why it is refused


def taken(evaluations: tuple[Evaluation, ...]) -> str:
    """Name of the evaluation that is used. Exactly one must be taken."""
    (name,) = [evaluation.name for evaluation in evaluations if evaluation.taken]
    return name
