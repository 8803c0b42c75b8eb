"""What the probe reads of a causal window of radius 1."""

from __future__ import annotations

from itnet_nas.results.measured import Estimate, LayerProbe, Scores


def exactly(value: float) -> Estimate:
    """A score without doubt."""
    return Estimate(value=value, low=value, high=value)


SHORT_WINDOW = LayerProbe(
    trained=Scores(
        self_share=exactly(0.3),
        extent=exactly(0.1),
        r90=exactly(1.0),
        causality=exactly(1.0),
        sharing=exactly(1.0),
        content=exactly(0.0),
        pattern=exactly(0.0),
        routing=exactly(0.0),
    ),
    budget="default",
    inputs=8,
    rows=100,
)
