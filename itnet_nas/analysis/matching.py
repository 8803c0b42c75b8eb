"""Which family can do what a layer was measured to do: distances, and choices for a replacement.

Per axis two figures between 0 and 1:

    lack      what was measured and the bias cannot do: it counts in full
    surplus   what the bias can do and was not measured: it counts a quarter

    distance = Σ lacks + ¼ Σ surplus        0: it can express what was measured and no more

    support   lack: the part of r90 that lies outside the window; a window with holes lacks the
              positions between. A kernel that is blind to positions cannot look nearby.
              surplus: the part of the side that the window reaches beyond r90; none for full
              support where the kernel fades within sight, or fades as a memory does
    sharing   lack: 1 − sharing for one rule at all positions; a blind kernel that does not follow
              content is a mean, which is one state. surplus: a rule of its own at each position
    state     lack: a memory of few states cannot keep a past apart that was measured to be kept
              apart (from a state size of n on, 4 n directions are allowed: gated memories of one
              number a channel were measured to write into about four). surplus: no state, where
              few states were measured. Without a measurement a state is a tenth of surplus
    content   lack: routing and pattern, for a fixed kernel. surplus: content, where none decides

Block, ball and nearest-neighbour supports carry no radius in a bias, so they can hold whatever is
local. Whether a transition reads the output cannot be seen in a Jacobian and is not compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.analysis.reading import FEW, NEAR, Reading, is_local, read, side
from itnet_nas.axes import Content, Sharing, State, Support

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itnet_nas.axes import Bias
    from itnet_nas.kernels.site import Domain
    from itnet_nas.results.measured import Scores
    from itnet_nas.space.space import Choice

SURPLUS = 0.25
TOLERANCE = 0.1  # lacks that add up to less are within what a probe can tell
DIRECTIONS = 4.0  # directions that a state of one number a channel writes into, as measured
LEAST_STATE = 0.01  # more directions than a hundred are not told apart
UNKNOWN = 0.1


def lacks(bias: Bias, scores: Scores, domain: Domain) -> dict[str, float]:
    """Axis -> what was measured and this bias cannot do, from 0 to 1."""
    reading = read(scores, domain)
    if not reading.mixes:
        return dict.fromkeys(("support", "sharing", "state", "content"), 0.0)
    return {
        "support": _support_lack(bias, scores, domain),
        "sharing": _sharing_lack(bias, scores, reading),
        "state": _state_lack(bias, scores, reading),
        "content": _content_lack(bias, scores, reading),
    }


def surplus(bias: Bias, scores: Scores, domain: Domain) -> dict[str, float]:
    """Axis -> what this bias can do and was not measured, from 0 to 1."""
    reading = read(scores, domain)
    return {
        "support": _support_surplus(bias, scores, reading, domain),
        "sharing": float(
            bias.sharing is Sharing.POSITION_SPECIFIC and reading.sameness in ("shared", "periodic")
        ),
        "state": _state_surplus(bias, reading),
        "content": float(bias.content is not Content.NONE and not reading.depends),
    }


def distance(bias: Bias, scores: Scores, domain: Domain) -> float:
    """How far a bias is from what was measured: 0 where it can do that and no more."""
    lacking = sum(lacks(bias, scores, domain).values())
    return lacking + SURPLUS * sum(surplus(bias, scores, domain).values())


def matches(bias: Bias, scores: Scores, domain: Domain) -> bool:
    """Whether a family of this bias may do what the layer was measured to do, and perhaps more."""
    return sum(lacks(bias, scores, domain).values()) <= TOLERANCE


def nearest(
    families: Mapping[str, Bias], scores: Scores, domain: Domain
) -> list[tuple[str, float]]:
    """Names with their distances, nearest first; ties in the order given."""
    found = [(name, distance(bias, scores, domain)) for name, bias in families.items()]
    return sorted(found, key=lambda pair: pair[1])


def cheapest_match(
    choices: Sequence[Choice], scores: Scores, domain: Domain, but: str | None = None
) -> Choice | None:
    """The matching choice of least FLOPs (then parameters, distance, label), not of family `but`.

    None where nothing matches.
    """
    there = [one for one in choices if one.family != but and matches(one.bias, scores, domain)]
    return min(
        there,
        key=lambda one: (
            one.cost.flops,
            one.cost.params,
            distance(one.bias, scores, domain),
            one.label,
        ),
        default=None,
    )


def mismatch(
    choices: Sequence[Choice], scores: Scores, domain: Domain, than: Choice, but: str | None = None
) -> Choice | None:
    """A choice that does not match, to set against `than`: as dear as that or dearer.

    The cheapest of those; where all that do not match are cheaper, the dearest of them, so that
    the comparison is unfair by as little as can be. None where everything matches.
    """
    there = [one for one in choices if one.family != but and not matches(one.bias, scores, domain)]
    dear = [one for one in there if one.cost.flops >= than.cost.flops]
    if dear:
        return min(dear, key=lambda one: (one.cost.flops, one.cost.params, one.label))
    return min(there, key=lambda one: (-one.cost.flops, -one.cost.params, one.label), default=None)


def _support_lack(bias: Bias, scores: Scores, domain: Domain) -> float:
    if bias.support is Support.POINT:
        return 1 - scores.self_share.value
    if scores.r90 is None:
        return 0.0
    r90 = scores.r90.value
    if bias.support is Support.FULL:
        blind = bias.sharing is Sharing.PERMUTATION
        extent = 1.0 if scores.extent is None else scores.extent.value
        return 1 - extent if blind and is_local(r90, extent, domain) else 0.0
    if bias.support is not Support.WINDOW or bias.radius is None:
        return 0.0 if is_local(r90, None, domain) else 1 - _least(side(domain), r90)
    slack = max(0.5, 0.1 * r90)
    reach = bias.radius + slack
    outside = max(0.0, 1 - reach / r90) if r90 > 0 else 0.0
    return max(outside, 1 - 1 / bias.dilation if r90 > 1 else 0.0)


def _least(whole: int, r90: float) -> float:
    """What part of a reach counts as local at the most."""
    return min(1.0, NEAR * whole / r90)


def _support_surplus(bias: Bias, scores: Scores, reading: Reading, domain: Domain) -> float:
    if bias.support is Support.POINT:
        return 0.0
    if not reading.mixes:
        return 1.0
    if scores.r90 is None or reading.reach == "even":
        return 0.0
    if bias.support is Support.FULL and (
        reading.reach == "far" or (bias.state is not State.NONE and reading.memory is not None)
    ):
        return 0.0  # what fades within sight needs all of it, and a memory fades by itself
    whole = float(side(domain))
    reach = whole if bias.support is Support.FULL else float(bias.radius or scores.r90.value)
    return max(0.0, min(1.0, (reach - scores.r90.value - 1) / whole))


def _sharing_lack(bias: Bias, scores: Scores, reading: Reading) -> float:
    if bias.sharing is Sharing.POSITION_SPECIFIC:
        return 0.0
    if reading.sameness == "periodic":
        return 0.0 if bias.sharing is Sharing.PERIODIC else 1.0
    if reading.sameness in ("own", "partly") and scores.sharing is not None:
        return 1 - scores.sharing.value
    full = bias.support is Support.FULL and bias.sharing is Sharing.PERMUTATION
    if full and not reading.depends and reading.content is not None:
        return FEW if scores.state is None else 1 - scores.state.value
    return 0.0


def _state_lack(bias: Bias, scores: Scores, reading: Reading) -> float:
    if bias.state is State.NONE or scores.state is None or reading.memory is None:
        return 0.0
    if bias.state_size is None or reading.memory == "few directions":
        return 0.0
    needed = 1 / max(scores.state.value, LEAST_STATE)
    if scores.r90 is not None:
        needed = min(needed, max(scores.r90.value, 1.0))  # a short past has few positions to keep
    return max(0.0, 1 - DIRECTIONS * bias.state_size / needed)


def _state_surplus(bias: Bias, reading: Reading) -> float:
    if reading.memory == "few directions":
        return float(bias.state is State.NONE)
    return UNKNOWN if bias.state is not State.NONE else 0.0


def _content_lack(bias: Bias, scores: Scores, reading: Reading) -> float:
    if bias.content is not Content.NONE or not reading.depends or scores.routing is None:
        return 0.0
    pattern = 0.0 if scores.pattern is None else scores.pattern.value
    return max(scores.routing.value, pattern)
