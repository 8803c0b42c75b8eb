"""Sentences where what a family declares and what its trained layer does part.

A sentence is said only where the whole interval of the score lies outside what is declared. It has
no subject, so that it can stand behind the name of a layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.analysis.reading import (
    ALONE,
    FEW,
    MOVES,
    OWN,
    REMEMBERS,
    SHARED,
    WEIGHS,
    is_local,
    ordered,
    period,
)
from itnet_nas.axes import Content, Sharing, State, Support

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itnet_nas.axes import Bias
    from itnet_nas.kernels.site import Domain
    from itnet_nas.results.measured import Estimate, LayerProbe, Scores

# What is said to have moved since initialisation moved by at least so much.
LEAST: dict[str, float] = {"r90": 1.0, "horizon": 0.5}
LEAST_ELSE = 0.05
HEADLINE = ("self_share", "r90", "causality", "sharing", "pattern", "routing", "state", "horizon")
DIAGONAL = 2**0.5  # the corner of a square window lies that much further off than its radius


def partings(bias: Bias, probe: LayerProbe, domain: Domain) -> tuple[str, ...]:
    """Every sentence that holds of one layer, axes in their order, training last."""
    scores = probe.trained
    if bias.support is not Support.POINT and scores.self_share.low >= ALONE:
        return (
            f"may look at others, but acts on each point alone "
            f"(self share {scores.self_share.value:.2f})",
        )
    found = [
        *_support(bias, scores, domain),
        *_sharing(bias, scores),
        *_state(bias, scores),
        *_content(bias, scores),
    ]
    if probe.initial is not None and _free(bias) and not _any_moved(scores, probe.initial):
        found.append("untrained it read the same: it has not moved")
    return tuple(found)


def moved(name: str, now: Estimate | None, then: Estimate | None) -> bool:
    """Whether training took a score out of the interval it had: intervals apart, and not by a hair.

    A score that is there only once has not been seen to move.
    """
    if now is None or then is None:
        return False
    apart = now.low > then.high or now.high < then.low
    return apart and abs(now.value - then.value) >= LEAST.get(name, LEAST_ELSE)


def _support(bias: Bias, scores: Scores, domain: Domain) -> Iterator[str]:
    if bias.support is Support.POINT and scores.self_share.high < ALONE:
        yield f"is declared pointwise, but mixes positions (self share {_two(scores.self_share)})"
    r90, extent = scores.r90, scores.extent
    if r90 is not None and bias.state is State.NONE:
        near = is_local(r90.high, None if extent is None else extent.high, domain)
        if bias.support is Support.FULL and near:
            yield _narrow(bias, r90, domain)
        if bias.support is Support.WINDOW and bias.radius is not None and bias.radius > 0:
            if r90.high <= bias.radius / 2:
                yield f"may look {bias.radius} positions far, but 90 % lies within {_reach(r90)}"
            corner = DIAGONAL if domain.kind == "grid" else 1.0
            if r90.low > bias.radius * corner:
                yield (
                    f"declares a window of {bias.radius}, but 90 % takes {_reach(r90)} positions: "
                    "what it declares is wrong"
                )
    if scores.causality is not None and not domain.causal and bias.support is not Support.POINT:
        one = scores.causality
        if one.low > SHARED:
            yield f"may look both ways, but looks back alone (causality {one.value:.2f})"
        elif one.high < -SHARED:
            yield f"may look both ways, but looks ahead alone (causality {one.value:.2f})"


def _narrow(bias: Bias, r90: Estimate, domain: Domain) -> str:
    reach = _reach(r90)
    if domain.kind == "points":
        return f"may look everywhere, but the nearest {reach} points hold 90 %"
    if bias.content is Content.PAIR:
        noun = "position" if reach == "1" else "positions"
        return f"looks no further than {reach} {noun} (90 % of it): it became a band"
    return f"may look everywhere, but 90 % lies within {reach} of a position"


def _sharing(bias: Bias, scores: Scores) -> Iterator[str]:
    one = scores.sharing
    repeats = period(scores.sharing_by_shift)
    if repeats is not None and bias.sharing is not Sharing.PERIODIC:
        yield f"its rule repeats every {repeats} positions, which its family does not declare"
    elif one is None:
        return
    elif bias.sharing is Sharing.POSITION_SPECIFIC and one.low >= SHARED:
        yield f"may know positions, but its rule is the same everywhere (sharing {one.value:.2f})"
    elif bias.sharing in (Sharing.TRANSLATION, Sharing.PERMUTATION) and one.high < OWN:
        yield (
            f"declares one rule for all positions, but has its own at each "
            f"(sharing {one.value:.2f}): what it declares is wrong"
        )


def _state(bias: Bias, scores: Scores) -> Iterator[str]:
    if not ordered(scores) or scores.horizon is None:
        return
    if bias.state is not State.NONE and scores.horizon.high < REMEMBERS:
        yield f"a recurrence whose memory is {scores.horizon.value:.1f} positions long"
    few = scores.state is not None and scores.state.low >= FEW
    if bias.state is State.NONE and bias.content is not Content.NONE and few and scores.state:
        yield (
            f"writes all of its past into about {1 / scores.state.value:.1f} directions "
            f"(state {scores.state.value:.2f}): it became a running mean"
        )


def _content(bias: Bias, scores: Scores) -> Iterator[str]:
    routing, pattern = scores.routing, scores.pattern
    if routing is None:
        return
    if bias.content is Content.NONE:
        if routing.low > MOVES:
            yield (
                f"declares a fixed kernel, but where it looks changes with the input "
                f"(routing {routing.value:.2f}): what it declares is wrong"
            )
        return
    if routing.high >= MOVES:
        return
    if pattern is not None and pattern.high < WEIGHS:
        yield (
            f"may depend on content, but does not change with it "
            f"(routing {routing.value:.2f}, pattern {pattern.value:.2f})"
        )
    elif bias.state is State.NONE:
        yield f"may depend on content, but does not move with it (routing {routing.value:.2f})"


def _free(bias: Bias) -> bool:
    """Whether the family leaves anything for training to decide on the axes."""
    return bias.support is Support.FULL or bias.content is not Content.NONE


def _any_moved(now: Scores, then: Scores) -> bool:
    return any(moved(name, getattr(now, name), getattr(then, name)) for name in HEADLINE)


def _reach(r90: Estimate) -> str:
    return f"{max(r90.value, 1):.0f}"


def _two(one: Estimate) -> str:
    return f"{one.value:.2f}"
