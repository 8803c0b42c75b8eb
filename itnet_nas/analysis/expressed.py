"""Which bias a trained layer expresses: its scores in words, beside what its family declares.

    acts like   one phrase for the whole layer: short window, attention, gated recurrence, …
    per axis    what was measured, in words, with the figures behind it; where no figure can tell
                (a linear state and a long convolution have the same Jacobian) what is declared,
                and marked so
    partings    sentences where the two disagree; see `itnet_nas.analysis.partings`

Content is judged by routing and pattern, never by the raw share that changes with the input: a
nonlinearity on a window raises that to 0.4. A state is read only where there is an order and a
memory long enough; see `itnet_nas.analysis.reading` for every threshold. Weights and gates are no
evidence here: the same map may be written with many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from itnet_nas.analysis.acts_like import acts_like
from itnet_nas.analysis.partings import moved, partings
from itnet_nas.analysis.reading import SHARED, WRITES, ordered, read
from itnet_nas.analysis.words import axis_words, estimate

if TYPE_CHECKING:
    from itnet_nas.analysis.reading import Reading
    from itnet_nas.axes import Bias
    from itnet_nas.kernels.site import Domain
    from itnet_nas.results.measured import Estimate, LayerProbe, Scores

Evidence = Literal["measured", "declared"]
MARKS: dict[str, str] = {"measured": "●", "declared": "○"}

# Axis -> the scores behind it, first the one that decides.
BEHIND: dict[str, tuple[str, ...]] = {
    "support": ("r90", "extent", "self_share"),
    "sharing": ("sharing",),
    "state": ("state", "horizon"),
    "content": ("routing", "pattern", "content"),
}


@dataclass(frozen=True)
class AxisReading:
    """One axis of one layer.

    `words` say what `evidence` found; `declared` is what the family may do; `figures` are the
    scores behind the words, or why there are none; `change` names those that training moved out
    of the interval they had at initialisation.
    """

    words: str
    evidence: Evidence
    declared: str
    figures: str
    change: str

    @property
    def marked(self) -> str:
        """`● attends …`, or `○ linear(4)` for what is declared alone."""
        return f"{MARKS[self.evidence]} {self.words}"


@dataclass(frozen=True)
class Change:
    """A score with its interval, trained and at initialisation: (value, low, high)."""

    trained: tuple[float, float, float]
    initial: tuple[float, float, float] | None


@dataclass(frozen=True)
class Expressed:
    """What one trained layer does. `leaning` says which part of `acts_like` is declared alone."""

    acts_like: str
    leaning: str
    axes: dict[str, AxisReading]
    partings: tuple[str, ...]
    scores: dict[str, Change]
    inputs: int
    rows: int
    split: str
    budget: str


def express(bias: Bias, probe: LayerProbe, domain: Domain) -> Expressed:
    """Put the scores of a layer into words, beside the bias that its family declares."""
    reading = read(probe.trained, domain)
    phrase, leaning = acts_like(reading, bias, probe.trained, domain)
    declared = axis_words(bias)
    found = {
        "support": _support(reading, probe, domain),
        "sharing": _sharing(reading),
        "state": _state(reading, probe, bias, domain),
        "content": _content(reading),
    }
    axes = {
        axis: AxisReading(
            words=words or declared[axis],
            evidence="measured" if words else "declared",
            declared=declared[axis],
            figures=_figures(axis, probe, reading) if words else why or _missing(axis, probe),
            change=_changes(axis, probe),
        )
        for axis, (words, why) in found.items()
    }
    return Expressed(
        acts_like=phrase,
        leaning=leaning,
        axes=axes,
        partings=partings(bias, probe, domain),
        scores=_scores(probe),
        inputs=probe.inputs,
        rows=probe.rows,
        split=probe.split,
        budget=probe.budget,
    )


def _support(reading: Reading, probe: LayerProbe, domain: Domain) -> tuple[str, str]:
    """Words, and why there are none."""
    scores = probe.trained
    if reading.reach == "point":
        return "itself alone", ""
    if reading.reach is None:
        return "", ""
    cloud = domain.kind == "points"
    words = "everywhere alike" if reading.reach == "even" else ""
    if scores.r90 is not None and not words:
        reach = f"{max(scores.r90.value, 1):.0f}"
        kind = "near" if reading.reach == "local" else "fading"
        words = (
            f"{kind}: the nearest {reach} hold 90 %" if cloud else f"{kind}: 90 % within {reach}"
        )
    if not domain.causal and scores.causality is not None:
        if scores.causality.low > SHARED:
            words += ", backwards alone"
        elif scores.causality.high < -SHARED:
            words += ", forwards alone"
    return words, ""


def _sharing(reading: Reading) -> tuple[str, str]:
    words = {
        "shared": "the same everywhere",
        "periodic": f"repeats every {reading.period}",
        "partly": "partly the same everywhere",
        "own": "its own at each position",
    }
    if not reading.mixes:
        return "", "it mixes nothing, so there is no rule to move"
    return ("", "") if reading.sameness is None else (words[reading.sameness], "")


def _state(reading: Reading, probe: LayerProbe, bias: Bias, domain: Domain) -> tuple[str, str]:
    scores = probe.trained
    if not reading.mixes:
        return "", "it mixes nothing, so nothing is carried along"
    if reading.memory == "kept apart" and bias.state_size is None:
        return "none: the past is kept apart", ""
    if reading.memory == "few directions" and scores.state and scores.horizon:
        return f"{_states(scores.state)}, {scores.horizon.value:.1f} positions long", ""
    if reading.memory == "kept apart" and scores.state:
        reason = f"too many states to be told from none ({estimate('state', scores.state)})"
    elif reading.short and scores.horizon:
        reason = f"a memory of {scores.horizon.value:.1f} positions is too short to judge"
    elif domain.kind != "sequence":
        reason = "there is no order to remember along"
    elif scores.causality is not None and not ordered(scores):
        reason = "it looks both ways, so no past is apart from a future"
    else:
        reason = ""
    if probe.step_error is not None:
        proof = f"decoding step by step repeats it within {probe.step_error:.1g}"
        reason = f"{reason}; {proof}" if reason else proof
    return "", reason


def _content(reading: Reading) -> tuple[str, str]:
    words = {
        "fixed": "no influence",
        "gain": "changes loudness alone",
        "weights": "changes weights, not places",
        "places": "shifts where it looks",
        "routes": "decides where it looks",
    }
    if not reading.mixes:
        return "", "it mixes nothing, so content has nothing to choose"
    return ("", "") if reading.content is None else (words[reading.content], "")


def _figures(axis: str, probe: LayerProbe, reading: Reading) -> str:
    names = ("self_share",) if reading.reach == "point" else BEHIND[axis]
    scores = [
        estimate(name, one)
        for name in names
        if (one := getattr(probe.trained, name)) is not None
        and (name != "self_share" or reading.reach == "point")
    ]
    shifts = probe.trained.sharing_by_shift
    if axis == "sharing" and len(shifts) > 1 and reading.sameness != "shared":
        scores.append("by shift " + ", ".join(f"{k}: {v.value:.2f}" for k, v in shifts.items()))
    return " · ".join(scores)


def _missing(axis: str, probe: LayerProbe) -> str:
    """Why no score of the axis is there, in the probe's own words."""
    return next((probe.notes[name] for name in BEHIND[axis] if name in probe.notes), "not measured")


def _changes(axis: str, probe: LayerProbe) -> str:
    if probe.initial is None:
        return ""
    parts = []
    for name in BEHIND[axis]:
        now, then = getattr(probe.trained, name), getattr(probe.initial, name)
        if moved(name, now, then):
            digits = 1 if name in ("r90", "horizon") else 2
            label = name.replace("_", " ")
            parts.append(f"{label} {then.value:.{digits}f} → {now.value:.{digits}f}")
    return ", ".join(parts)


def _scores(probe: LayerProbe) -> dict[str, Change]:
    def triple(scores: Scores | None, name: str) -> tuple[float, float, float] | None:
        one: Estimate | None = None if scores is None else getattr(scores, name)
        return None if one is None else (one.value, one.low, one.high)

    names = [name for name in type(probe.trained).model_fields if name != "sharing_by_shift"]
    return {
        name: Change(trained, triple(probe.initial, name))
        for name in names
        if (trained := triple(probe.trained, name)) is not None
    }


def _states(state: Estimate) -> str:
    """`about 4 states`, or `3 states or more` where the interval leaves open how many."""
    if state.low < WRITES:
        return f"{_count(1 / state.high, 'state')} or more"
    return f"about {_count(1 / state.value, 'state')}"


def _count(number: float, noun: str) -> str:
    whole = round(number)
    return f"{whole} {noun}" if whole == 1 else f"{whole} {noun}s"
