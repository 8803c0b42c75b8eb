"""The four axes of inductive bias, and `Bias`, a point on them.

A kernel K(x, x', u(x), u(x')) may be restricted in four ways. Each axis is a property of the map
u -> y, so two families that compute the same map have the same bias:

    support   which positions x' does y(x) look at?
    sharing   under which moves of the positions is the rule the same?   (a symmetry group)
    state     is there a memory of constant size that is carried along?
    content   does the rule depend on what stands there, and where does that enter?

Causality is no axis: it belongs to the domain of the task, and every family obeys it.

Source  ITNet (arXiv 2606.19538) for the transform; the axes follow the structured-operator view
        of arXiv 2411.17800, with sharing stated as a symmetry group.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Support(StrEnum):
    """Which positions a point looks at, from the most restricted on."""

    POINT = "point"  # itself alone
    WINDOW = "window"  # neighbours within a radius
    BLOCK = "block"  # the members of its block
    BALL = "ball"  # points within a distance
    KNN = "knn"  # its k nearest points
    FULL = "full"  # every point (in a causal domain: every earlier one, and itself)


class Sharing(StrEnum):
    """The largest group of position moves under which the rule stays the same."""

    PERMUTATION = "permutation"  # blind to positions
    TRANSLATION = "translation"  # the same rule everywhere
    PERIODIC = "periodic"  # the same rule every p positions
    POSITION_SPECIFIC = "position-specific"  # a rule of its own at every position


class State(StrEnum):
    """What is carried along an ordered domain."""

    NONE = "none"
    LINEAR = "linear"  # the transition does not read the output
    FEEDBACK = "feedback"  # the transition reads earlier outputs


class Content(StrEnum):
    """Which values enter the kernel."""

    NONE = "none"
    ONE_SIDED = "one-sided"  # u(x) or u(x') alone
    PAIR = "pair"  # u(x) and u(x')
    PATH = "path"  # everything between x' and x


class Entry(StrEnum):
    """Where the content enters."""

    AMPLITUDE = "amplitude"
    SUPPORT = "support"
    TRANSITION = "transition"
    GATE = "gate"


class Bias(BaseModel):
    """A point on the four axes, with the figures that belong to it.

    `radius` goes with window support (positions on each side; in a causal domain the past side),
    and so does `dilation`: of the positions within the radius only those count that are a multiple
    of it away, along every axis. `state_size` goes with a state (numbers carried per channel),
    `entry` with content.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    support: Support
    sharing: Sharing
    state: State = State.NONE
    content: Content = Content.NONE
    entry: tuple[Entry, ...] = ()
    radius: Annotated[int, Field(ge=0)] | None = None
    dilation: Annotated[int, Field(ge=1)] = 1
    state_size: Annotated[int, Field(ge=1)] | None = None

    def __str__(self) -> str:
        """`window(3) · translation · no state · no content`: the short form for tables.

        A window of radius 6 that sees every second position is `window(6 by 2)`.
        """
        support = str(self.support)
        if self.support is Support.WINDOW and self.radius is not None:
            support += f"({self.radius}{self.steps})"
        state = "no state" if self.state is State.NONE else str(self.state)
        if self.state_size is not None:
            state += f"({self.state_size})"
        content = "no content" if self.content is Content.NONE else f"{self.content} content"
        return f"{support} · {self.sharing} · {state} · {content}"

    @property
    def steps(self) -> str:
        """` by 2` where a window has holes; nothing where it has none."""
        return f" by {self.dilation}" if self.dilation > 1 else ""


AXES: dict[str, type[StrEnum]] = {
    "support": Support,
    "sharing": Sharing,
    "state": State,
    "content": Content,
}
