"""Probes of layers whose answer is known: scores as measured on white input, N = 64, D = 16.

Intervals are made up, ± 0.02 (± 0.4 positions) unless a test gives others.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.kernels import Domain
from itnet_nas.results.measured import Estimate, LayerProbe, Scores

SEQUENCE = Domain(kind="sequence", shape=(64,))
CAUSAL = Domain(kind="sequence", shape=(64,), causal=True)
GRID = Domain(kind="grid", shape=(14, 14))
CLOUD = Domain(kind="points", shape=(64,), coordinates=3)

CONV = Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=2)
CONV4 = Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=4)
LONG = Bias(support=Support.FULL, sharing=Sharing.TRANSLATION)
LOCAL_OWN = Bias(support=Support.WINDOW, sharing=Sharing.POSITION_SPECIFIC, radius=2)
MIXER = Bias(support=Support.FULL, sharing=Sharing.POSITION_SPECIFIC)
POINT = Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)
AMPLITUDE = (Entry.AMPLITUDE,)
ATTENTION = Bias(
    support=Support.FULL, sharing=Sharing.TRANSLATION, content=Content.PAIR, entry=AMPLITUDE
)
BLIND = ATTENTION.model_copy(update={"sharing": Sharing.PERMUTATION})
WINDOWED = ATTENTION.model_copy(update={"support": Support.WINDOW, "radius": 4})
DYNAMIC = CONV.model_copy(update={"content": Content.ONE_SIDED, "entry": AMPLITUDE})
SSM = LONG.model_copy(update={"state": State.LINEAR, "state_size": 4})
MAMBA = SSM.model_copy(update={"content": Content.PATH, "entry": (Entry.TRANSITION,)})
GRU = MAMBA.model_copy(update={"state": State.FEEDBACK, "state_size": 1})
LINEAR_ATTENTION = SSM.model_copy(update={"content": Content.PAIR, "entry": AMPLITUDE})
HYENA = LONG.model_copy(update={"content": Content.PATH, "entry": AMPLITUDE})


def around(value: float, half: float = 0.02, low: float = 0.0, high: float = 1.0) -> Estimate:
    """A value with an interval of `half` to each side, cut where no score can be."""
    return Estimate(
        value=value,
        low=min(value, max(low, value - half)),
        high=max(value, min(high, value + half)),
    )


def scores(
    self_share: float,
    extent: float | None = None,
    r90: float | None = None,
    causality: float | None = None,
    sharing: float | None = None,
    content: float | None = None,
    pattern: float | None = None,
    routing: float | None = None,
    state: float | None = None,
    horizon: float | None = None,
    **others: Any,
) -> Scores:
    """The columns of the table in their order."""
    unit = {
        "self_share": self_share,
        "extent": extent,
        "sharing": sharing,
        "content": content,
        "pattern": pattern,
        "routing": routing,
        "state": state,
    }
    found: dict[str, Any] = {k: around(v) for k, v in unit.items() if v is not None}
    if causality is not None:
        found["causality"] = around(causality, low=-1.0)
    for name, value in (("r90", r90), ("horizon", horizon)):
        if value is not None:
            found[name] = around(value, 0.4, high=64.0)
    return Scores(**{**found, **others})


def probe(trained: Scores, initial: Scores | None = None, **others: Any) -> LayerProbe:
    """A probe with these scores."""
    fields: dict[str, Any] = {"budget": "full", "inputs": 24, "rows": 864, **others}
    return LayerProbe(trained=trained, initial=initial, **fields)


ALONE = scores(1.0)
# name -> (scores, declared bias, domain, what it acts like)
KNOWN: dict[str, tuple[Scores, Bias, Domain, str]] = {
    "conv": (
        scores(0.18, 0.12, 2, -0.04, 1.0, 0.0, 0.0, 0.0),
        CONV, SEQUENCE, "short window",
    ),
    "conv and GELU": (
        scores(0.19, 0.12, 2, -0.04, 1.0, 0.44, 0.0, 0.0),
        CONV, SEQUENCE, "short window",
    ),
    "causal conv": (
        scores(0.18, 0.20, 4, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.0),
        CONV4, CAUSAL, "short window",
    ),
    "norm and conv": (
        scores(0.58, 0.12, 2, -0.03, 1.0, 0.10, 0.17, 0.02),
        CONV, SEQUENCE, "short window",
    ),
    "long conv": (
        scores(0.02, 0.98, 21, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 17),
        LONG, CAUSAL, "long convolution",
    ),
    "dynamic conv": (
        scores(0.58, 0.13, 2, 0.11, 1.0, 0.62, 0.69, 0.26),
        DYNAMIC, SEQUENCE, "content-weighted window",
    ),
    "locally connected": (
        scores(0.21, 0.12, 2, 0.04, 0.0, 0.0, 0.0, 0.0),
        LOCAL_OWN, SEQUENCE, "position-specific window",
    ),
    "position mixer": (
        scores(0.04, 1.0, 22, 0.04, 0.01, 0.0, 0.0, 0.0),
        MIXER, SEQUENCE, "position-specific mixing",
    ),
    "sharp attention": (
        scores(0.54, 1.0, 22, 0.09, 0.96, 0.99, 1.0, 0.90),
        BLIND, SEQUENCE, "attention",
    ),
    "sharp causal attention": (
        scores(0.51, 0.99, 23, 1.0, 0.95, 0.98, 0.99, 0.82, 0.0, 17),
        BLIND, CAUSAL, "attention",
    ),
    "attention with absolute positions": (
        scores(0.51, 0.99, 24, -0.20, 0.03, 0.99, 0.98, 0.87),
        ATTENTION.model_copy(update={"sharing": Sharing.POSITION_SPECIFIC}),
        SEQUENCE, "attention by absolute position",
    ),
    "untrained attention": (
        scores(0.52, 1.0, 22, -0.01, 1.0, 0.40, 0.61, 0.12),
        BLIND, SEQUENCE, "diffuse attention",
    ),
    "window attention": (
        scores(0.50, 0.20, 4, 0.03, 1.0, 0.95, 0.97, 0.60),
        WINDOWED, SEQUENCE, "window attention",
    ),
    "S4D": (
        scores(0.17, 0.59, 16, 1.0, 1.0, 0.0, 0.0, 0.0, 0.25, 7.7),
        SSM, CAUSAL, "recurrence",
    ),
    "fast S4D": (
        scores(0.70, 0.10, 2, 1.0, 1.0, 0.0, 0.0, 0.0, None, 1.3),
        SSM, CAUSAL, "short window",
    ),
    "Mamba": (
        scores(0.58, 0.30, 8, 1.0, 1.0, 1.0, 0.98, 0.34, 0.15, 4.6),
        MAMBA, CAUSAL, "gated recurrence",
    ),
    "linear attention": (
        scores(0.61, 0.65, 17, 1.0, 1.0, 1.0, 0.98, 0.11, 0.28, 9.1),
        LINEAR_ATTENTION, CAUSAL, "linear attention",
    ),
    "GRU": (
        scores(0.39, 0.23, 6, 1.0, 1.0, 0.62, 0.78, 0.06, 0.31, 3.3),
        GRU, CAUSAL, "gated recurrence",
    ),
    "LSTM": (
        scores(0.42, 0.40, 12, 1.0, 1.0, 0.63, 0.74, 0.07, 0.64, 5.9),
        GRU, CAUSAL, "gated recurrence",
    ),
    "GRU both ways": (
        scores(0.39, 0.23, 6, 0.0, 1.0, 0.62, 0.78, 0.06),
        GRU, SEQUENCE, "gated recurrence both ways",
    ),
    "Hyena": (
        scores(0.38, 0.58, 14, 1.0, 1.0, 1.0, 0.91, 0.19, 0.0, 7.6),
        HYENA, CAUSAL, "gated long convolution",
    ),
    "identity": (ALONE, POINT, SEQUENCE, "pointwise"),
}  # fmt: skip


unit = st.floats(0, 1).map(lambda value: around(round(value, 3)))
biases = st.builds(
    Bias,
    support=st.sampled_from(Support),
    sharing=st.sampled_from(Sharing),
    state=st.sampled_from(State),
    content=st.sampled_from(Content),
    radius=st.none() | st.integers(0, 9),
)
any_scores = st.builds(
    Scores,
    self_share=unit,
    extent=st.none() | unit,
    r90=st.none() | st.floats(1, 40).map(lambda v: around(v, 1.0, high=64.0)),
    causality=st.none() | st.floats(-1, 1).map(lambda v: around(v, low=-1.0)),
    sharing=st.none() | unit,
    sharing_by_shift=st.dictionaries(st.sampled_from(["1", "3", "8", "turn", "0,1"]), unit),
    content=st.none() | unit,
    pattern=st.none() | unit,
    routing=st.none() | unit,
    state=st.none() | unit,
    horizon=st.none() | st.floats(0, 40).map(lambda v: around(v, 1.0, high=64.0)),
)
