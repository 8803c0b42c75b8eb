"""Which known families a layer has become nearest to, whatever it was built of.

A layer of the general kernel is declared to do nearly anything, so its own bias says nothing of
what it learned. Its scores are held against the biases of the families that come with this package,
written down here so that whoever reads a run needs no plugin. Where the layer looks nearby alone,
families with a window have one as wide as what was measured; elsewhere they have none.

    distance   that of `itnet_nas.analysis.matching`: 0 where a family can do this and no more
    as near    families that no score tells from the nearest, such as two gated memories; among
               them the one with the least state goes first

What weights say of themselves, such as the widths that a window has learned, is a hint: the same
map may be written with other weights, so nothing here is decided by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, final

from itnet_nas.analysis.matching import distance, lacks, matches
from itnet_nas.analysis.reading import read
from itnet_nas.axes import Bias, Content, Sharing, State, Support

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from itnet_nas.kernels.site import Domain
    from itnet_nas.results.measured import LayerProbe, Scores

GENERAL = ("integral",)  # families of which it is asked what their layers became
_SAME = 1e-6  # distances closer than this differ in how a sum came out alone


@final
@dataclass(frozen=True)
class Known:
    """A family as its author declares it, with which params, and where it can stand.

    `window` is the name of the param that a window's radius goes into; "" without a window.
    """

    family: str
    bias: Bias
    kinds: tuple[str, ...]
    params: Mapping[str, str] = field(default_factory=dict)
    window: str = ""

    def at(self, radius: int) -> tuple[str, Bias]:
        """Label and bias with a window of that radius: `conv(radius=2)`; `gru` has none."""
        params: dict[str, object] = dict(self.params)
        bias = self.bias
        if self.window:
            params[self.window] = radius
            bias = bias.model_copy(update={"radius": radius})
        inside = ", ".join(f"{name}={value}" for name, value in params.items())
        return (f"{self.family}({inside})" if inside else self.family), bias


@final
@dataclass(frozen=True)
class Nearest:
    """A known family and how far the layer is from it.

    `lacking` has the axes on which it cannot do what was measured, with how much of it, from 0 to
    1; `able` says whether these are within what a probe can tell. `as_near` are labels of other
    families at the same distance.
    """

    family: str
    label: str
    distance: float
    able: bool
    lacking: Mapping[str, float]
    as_near: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`ssm, distance 0.00 (as near: low_rank)`."""
        others = f" (as near: {', '.join(self.as_near)})" if self.as_near else ""
        return f"{self.label}, distance {self.distance:.2f}{others}"


def nearest_families(scores: Scores, domain: Domain, most: int = 3) -> list[Nearest]:
    """What stands at the `most` least distances, nearest first."""
    found = [
        (distance(bias, scores, domain), family, label, bias)
        for family, label, bias in _standing(scores, domain)
    ]
    found.sort(key=lambda one: (round(one[0] / _SAME), one[3].state_size or 0))
    groups = [list(group) for _, group in groupby(found, lambda one: round(one[0] / _SAME))]
    nearest = []
    for (far, family, label, bias), *others in groups[:most]:
        shares = lacks(bias, scores, domain)
        nearest.append(
            Nearest(
                family=family,
                label=label,
                distance=far,
                able=matches(bias, scores, domain),
                lacking={axis: share for axis, share in shares.items() if share > 0},
                as_near=tuple(label for _, _, label, _ in others),
            )
        )
    return nearest


def nearest_rows(probe: LayerProbe, domain: Domain, most: int = 3) -> list[tuple[str, str]]:
    """Rows of (name, words) for the terminal: nearest families, then hints, marked as such."""
    rows = []
    for place, one in enumerate(nearest_families(probe.trained, domain, most)):
        words = str(one)
        if not one.able:
            words += f"; it cannot do this: {', '.join(one.lacking)}"
        rows.append(("nearest" if place == 0 else "then", words))
    rows += [
        ("hint", f"{line} (read off weights: no evidence)") for line in hint_lines(probe.hints)
    ]
    return rows


def hint_lines(hints: Mapping[str, tuple[float, ...]]) -> list[str]:
    """`width, past: 1.5, 12.0 positions by head`: what the weights say of themselves."""
    return [
        f"{name}: {', '.join(f'{value:.1f}' for value in values)} positions by head"
        for name, values in hints.items()
    ]


def _standing(scores: Scores, domain: Domain) -> Iterator[tuple[str, str, Bias]]:
    """Family, label and bias of what can stand there; windows where the layer looks nearby."""
    local = read(scores, domain).reach == "local"
    radius = 1 if scores.r90 is None else max(1, round(scores.r90.value))
    for known in KNOWN:
        if domain.kind in known.kinds and (local or not known.window):
            yield known.family, *known.at(radius)


_ORDER = ("sequence",)
_PLACES = ("sequence", "grid")
_EVERY = ("sequence", "grid", "points")
_CLOUD = ("points",)


def _of(
    support: Support,
    sharing: Sharing,
    content: Content = Content.NONE,
    state: State = State.NONE,
    size: int | None = None,
) -> Bias:
    return Bias(support=support, sharing=sharing, content=content, state=state, state_size=size)


_FULL, _WINDOW, _KNN = Support.FULL, Support.WINDOW, Support.KNN
_BLIND, _SHIFT = Sharing.PERMUTATION, Sharing.TRANSLATION
_OWN = Sharing.POSITION_SPECIFIC

KNOWN: tuple[Known, ...] = (
    Known("identity", _of(Support.POINT, _BLIND), _EVERY),
    Known("conv", _of(_WINDOW, _SHIFT), _PLACES, window="radius"),
    Known("locally_connected", _of(_WINDOW, _OWN), _PLACES, window="radius"),
    Known("dynamic_conv", _of(_WINDOW, _SHIFT, Content.ONE_SIDED), _PLACES, window="radius"),
    Known("attention", _of(_WINDOW, _SHIFT, Content.PAIR), _PLACES, window="window"),
    Known("long_conv", _of(_FULL, _SHIFT), _PLACES),
    Known("continuous_conv", _of(_FULL, _SHIFT), _PLACES),
    Known("position_mixer", _of(_FULL, _OWN), _PLACES),
    Known("attention", _of(_FULL, _BLIND, Content.PAIR), _EVERY, {"position": "none"}),
    Known("attention", _of(_FULL, _SHIFT, Content.PAIR), _PLACES, {"position": "alibi"}),
    Known("ssm", _of(_FULL, _SHIFT, Content.NONE, State.LINEAR, 16), _ORDER),
    Known("min_gru", _of(_FULL, _SHIFT, Content.PATH, State.LINEAR, 1), _ORDER),
    Known("gru", _of(_FULL, _SHIFT, Content.PATH, State.FEEDBACK, 1), _ORDER),
    Known("lstm", _of(_FULL, _SHIFT, Content.PATH, State.FEEDBACK, 2), _ORDER),
    Known("mamba", _of(_FULL, _SHIFT, Content.PATH, State.LINEAR, 16), _ORDER),
    Known("ssd", _of(_FULL, _SHIFT, Content.PATH, State.LINEAR, 16), _ORDER),
    Known("delta_net", _of(_FULL, _SHIFT, Content.PATH, State.LINEAR, 16), _ORDER),
    Known(
        "linear_attention",
        _of(_FULL, _SHIFT, Content.PAIR, State.LINEAR, 16),
        _ORDER,
        {"decay": "fixed"},
    ),
    Known("point_conv", _of(_KNN, _SHIFT), _CLOUD),
    Known("point_attention", _of(_FULL, _SHIFT, Content.PAIR), _CLOUD),
)
