"""What a layer's scores say on each axis, as facts that words and matching are made of.

Where one thing ends and the next begins. Each figure lies in a gap between layers whose answer is
known, white input, N = 64; tests hold the values that stand beside it:

    ALONE     0.99  self share from which on a layer mixes nothing (identity 1.00, deformable 0.92)
    NEAR      1/4   of the longest side (of the number of points in a cloud): r90 below it is local
                    (window of 5: 2, of 4 past positions: 4; a memory of 20 positions: 16)
    FAR       0.5   extent from which on it is not local all the same, but for grids, where few
                    offsets are in sight (a window of 7 on a side of 14: 0.59; a fading memory 0.6)
    EVEN      0.8   extent from which on it looks everywhere alike (attention 0.99, that memory 0.6)
    SHARED    0.9   sharing from which on the rule moves along: global kernels on few positions
                    reach 0.90 to 0.96, since a shift changes what there is to see
    OWN       0.5   sharing below which each position has its own rule (locally connected 0.00)
    MOVES     0.05  routing from which on content decides where it looks (GRU 0.06, a window 0.00)
    ROUTES    0.3   routing from which on that is the main thing (attention 0.6 to 0.9, dynamic
                    windows 0.26, pair MLP 0.11)
    WEIGHS    0.2   pattern from which on content decides the weights (normalised window 0.17)
    GAINS     0.05  content from which on at least the loudness changes (a window with GELU 0.44)
    ORDERED   0.5   causality from which on there is a past to remember
    REMEMBERS 2.0   positions of horizon from which on a memory can be judged at all
    WRITES    0.1   state from which on the past is written into few directions (recurrences 0.11
                    to 1.00; windows, caches and sharp attention at most 0.01, milder 0.07)

Source  the scores are those of `itnet_nas.results.measured`; docs/bias.md lists them for operators
        whose answer is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itnet_nas.kernels.site import Domain
    from itnet_nas.results.measured import Estimate, Scores

ALONE = 0.99
NEAR = 0.25
FAR = 0.5
EVEN = 0.8
SHARED = 0.9
OWN = 0.5
MOVES = 0.05
ROUTES = 0.3
WEIGHS = 0.2
GAINS = 0.05
ORDERED = 0.5
REMEMBERS = 2.0
WRITES = 0.1
FEW = 0.5  # state from which on one or two directions hold everything
NEITHER = 0.75  # sharing under some shift smaller than the period lies below this

Reach = Literal["point", "local", "far", "even"]
Sameness = Literal["shared", "periodic", "partly", "own"]
Dependence = Literal["fixed", "gain", "weights", "places", "routes"]
Memory = Literal["kept apart", "few directions"]


@dataclass(frozen=True)
class Reading:
    """One layer, axis by axis; None where the probe has no figure.

    reach     point: mixes nothing; local; far: most of it fades within sight; even: all alike
    sameness  shared: one rule for all positions; periodic; partly; own: a rule at each position
    period    the shift after which the rule repeats, by its name, where one shows
    content   fixed; gain: loudness alone; weights: the kernel but not where it looks; places:
              where it looks, somewhat; routes: mostly where it looks
    memory    where there is an order and a memory long enough to judge: every past position is
              kept apart, or all of them are written into few directions
    short     there is an order, but what is remembered is too short to judge
    """

    reach: Reach | None
    sameness: Sameness | None
    period: str | None
    content: Dependence | None
    memory: Memory | None
    short: bool

    @property
    def mixes(self) -> bool:
        """Whether positions act on each other at all."""
        return self.reach != "point"

    @property
    def depends(self) -> bool:
        """Whether content decides more than the loudness."""
        return self.content in ("weights", "places", "routes")


def read(scores: Scores, domain: Domain) -> Reading:
    """The facts in one layer's scores, by their values; intervals are for those who compare."""
    if scores.self_share.value >= ALONE:
        return Reading("point", None, None, None, None, short=False)
    sameness, period = _sameness(scores)
    return Reading(
        reach=_reach(scores, domain),
        sameness=sameness,
        period=period,
        content=_content(scores),
        memory=_memory(scores),
        short=ordered(scores) and scores.horizon is not None and scores.horizon.value < REMEMBERS,
    )


def side(domain: Domain) -> int:
    """What a reach is measured against: the longest side, or the number of points in a cloud."""
    return domain.length if domain.kind == "points" else domain.extent


def is_local(r90: float, extent: float | None, domain: Domain) -> bool:
    """Whether a reach counts as local in a domain."""
    fades = extent is not None and domain.kind != "grid" and extent >= FAR
    return r90 < NEAR * side(domain) and not fades


def ordered(scores: Scores) -> bool:
    """Whether the layer looks back, so that there is a past to remember."""
    return scores.causality is not None and scores.causality.value > ORDERED


def period(shifts: Mapping[str, Estimate]) -> str | None:
    """The least shift that leaves the rule as it is while a smaller one changes it; else None.

    Every measured multiple of it must leave the rule as it is too. A rule that drifts with position
    changes more the further it is moved, so there the smaller shifts are the ones that keep it.
    """
    steps = {step: (name, shifts[name]) for name in shifts if (step := _step(name)) is not None}
    for step in sorted(steps, key=lambda step: (_size(step), step)):
        name, here = steps[step]
        others = [(other, one) for other, (_, one) in steps.items() if other != step]
        if here.value < SHARED:
            continue
        if any(_multiple(other, step) and one.value < SHARED for other, one in others):
            continue
        if any(_size(other) < _size(step) and one.high < NEITHER for other, one in others):
            return name
    return None


def _reach(scores: Scores, domain: Domain) -> Reach | None:
    if scores.extent is not None and scores.extent.value >= EVEN:
        return "even"
    if scores.r90 is None:
        return None
    extent = None if scores.extent is None else scores.extent.value
    return "local" if is_local(scores.r90.value, extent, domain) else "far"


def _sameness(scores: Scores) -> tuple[Sameness | None, str | None]:
    repeats = period(scores.sharing_by_shift)
    if repeats is not None:
        return "periodic", repeats
    if scores.sharing is None:
        return None, None
    if scores.sharing.value >= SHARED:
        return "shared", None
    return ("partly" if scores.sharing.value >= OWN else "own"), None


def _content(scores: Scores) -> Dependence | None:
    if scores.routing is None:
        return None
    if scores.routing.value >= ROUTES:
        return "routes"
    if scores.routing.value >= MOVES:
        return "places"
    if scores.pattern is not None and scores.pattern.value >= WEIGHS:
        return "weights"
    if scores.content is not None and scores.content.value >= GAINS:
        return "gain"
    return "fixed"


def _memory(scores: Scores) -> Memory | None:
    if scores.state is None or not ordered(scores):
        return None
    if scores.horizon is None or scores.horizon.value < REMEMBERS:
        return None
    return "few directions" if scores.state.value >= WRITES else "kept apart"


def _step(name: str) -> tuple[int, ...] | None:
    """`"3"` is (3,), `"0,8"` is (0, 8); moves that are no shifts ("turn") have no period."""
    try:
        step = tuple(int(part) for part in name.split(","))
    except ValueError:
        return None
    return step if any(step) else None


def _size(step: tuple[int, ...]) -> int:
    return max(map(abs, step))


def _multiple(step: tuple[int, ...], of: tuple[int, ...]) -> bool:
    """Whether `step` is a whole multiple of `of`, along the same direction."""
    if len(step) != len(of):
        return False
    pairs = list(zip(step, of, strict=True))
    times = {a / b for a, b in pairs if b}
    return len(times) == 1 and times.pop().is_integer() and not any(a for a, b in pairs if not b)
