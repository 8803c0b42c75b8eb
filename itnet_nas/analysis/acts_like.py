"""One phrase for what a trained layer acts like, decided from its scores.

The declared bias is asked only where a Jacobian cannot tell, and the second string says so:

    state     a linear state with many numbers and a long convolution are the same map; a layer
              that looks both ways has no past whose memory could be measured
    pairs     linear attention and a gated recurrence both write the past into few directions
    blindness a kernel that cannot know positions and does not follow content is a mean
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.analysis.reading import FEW, ordered
from itnet_nas.axes import Content, Sharing, State, Support

if TYPE_CHECKING:
    from itnet_nas.analysis.reading import Reading
    from itnet_nas.axes import Bias
    from itnet_nas.kernels.site import Domain
    from itnet_nas.results.measured import Scores


def acts_like(reading: Reading, bias: Bias, scores: Scores, domain: Domain) -> tuple[str, str]:
    """The phrase, and which part of it is declared alone: empty where all of it is measured."""
    if reading.reach == "point":
        return "pointwise", ""
    near, leaning = _near(reading, bias)
    if reading.sameness == "own" or (
        reading.sameness is None and bias.sharing is Sharing.POSITION_SPECIFIC
    ):
        return _by_position(reading, near), leaning
    if reading.sameness == "periodic":
        kind = "attention" if reading.content == "routes" else "mixing"
        return f"periodic {kind}", leaning
    if reading.memory == "few directions":
        return _memory(reading, bias, scores)
    if bias.state is not State.NONE and not reading.short:
        return _declared_memory(reading, bias, scores, domain)
    if near:
        return _window(reading, domain), leaning
    return _global(reading, bias, scores, domain, leaning)


def with_article(phrase: str) -> str:
    """`a short window`, `attention`, `a pointwise map`: the phrase behind "acts like"."""
    if phrase == "pointwise":
        return "a pointwise map"
    # Names of what is done, not of a thing.
    bare = ("attention", "mixing", "pooling", "position", "both ways")
    return phrase if phrase.endswith(bare) else f"a {phrase}"


def _near(reading: Reading, bias: Bias) -> tuple[bool, str]:
    if reading.reach is None:
        return bias.support is not Support.FULL, "how far it looks is declared"
    return reading.reach == "local", ""


def _by_position(reading: Reading, near: bool) -> str:
    if reading.depends:
        return "attention by absolute position"
    return "position-specific window" if near else "position-specific mixing"


def _memory(reading: Reading, bias: Bias, scores: Scores) -> tuple[str, str]:
    if not reading.depends:
        full = reading.reach == "even" and scores.state is not None and scores.state.value >= FEW
        return ("running mean" if full else "recurrence"), ""
    if bias.content is Content.PAIR:
        return "linear attention", "that it compares pairs is declared"
    return "gated recurrence", ""


def _declared_memory(
    reading: Reading, bias: Bias, scores: Scores, domain: Domain
) -> tuple[str, str]:
    why = "that it carries a state is declared"
    if domain.kind != "sequence":
        return "low-rank mixing", why
    both = "" if domain.causal or ordered(scores) else " both ways"
    if reading.depends:
        name = "linear attention" if bias.content is Content.PAIR else "gated recurrence"
    elif bias.content is Content.PAIR and both:
        return "low-rank mixing", why
    else:
        name = "recurrence"
    return name + both, why


def _window(reading: Reading, domain: Domain) -> str:
    cloud = domain.kind == "points"
    if reading.content == "routes":
        return "neighbourhood attention" if cloud else "window attention"
    if reading.depends:
        return "content-weighted neighbourhood" if cloud else "content-weighted window"
    return "neighbourhood convolution" if cloud else "short window"


def _global(
    reading: Reading, bias: Bias, scores: Scores, domain: Domain, leaning: str
) -> tuple[str, str]:
    sequence = domain.kind == "sequence"
    if reading.content == "routes":
        return "attention", leaning
    if reading.depends:
        if bias.content is Content.PAIR:
            return "diffuse attention", leaning or "that it compares pairs is declared"
        return ("gated long convolution" if sequence else "content-weighted mixing"), leaning
    if scores.state is not None and scores.state.value >= FEW and reading.reach == "even":
        return "pooling", leaning
    if bias.sharing is Sharing.PERMUTATION and reading.content in ("fixed", "gain"):
        return "pooling", leaning or "that it is blind to positions is declared"
    return ("long convolution" if sequence else "global convolution"), leaning
