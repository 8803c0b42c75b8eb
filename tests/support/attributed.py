"""Attributions written by hand, for what is made of them in words and pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from itnet_nas.analysis.attributed import (
    Attribution,
    Effect,
    GroupEffects,
    PairShare,
    PlaceShare,
)
from itnet_nas.analysis.good_ones import Shared


def effect(option: str, value: float, half: float, *families: str, **changes: Any) -> Effect:
    """One option; on the front as often as in the space unless `changes` say otherwise."""
    made = Effect(
        option=option,
        families=families,
        probability=0.5,
        value=value,
        low=value - half,
        high=value + half,
        complete=30,
        failed=1,
        front=Shared(count=4, members=8, low=0.16, high=0.84, chance=0.5),
    )
    return replace(made, **changes)


CONV = effect(
    "conv", -0.4, 0.1, "conv", front=Shared(count=8, members=8, low=0.63, high=1.0, chance=0.5)
)
GRU = effect(
    "gru",
    0.4,
    0.1,
    "gru",
    complete=10,
    failed=15,
    front=Shared(count=0, members=8, low=0, high=0.37, chance=0.5),
)
MIX1 = GroupEffects("mix1", ("family", "support"), (CONV, GRU), 0.61, 0.5, 0.72, "")
MIX2 = GroupEffects(
    "mix2",
    ("content",),
    (effect("none", 0.02, 0.1, "conv", "ssm"), effect("pair", -0.02, 0.1, "attention")),
    0.01,
    0.0,
    0.05,
    "every interval covers zero",
)
PAIR = PairShare(
    first="mix1 family",
    second="mix2 content",
    share=0.08,
    low=0.05,
    high=0.11,
    cell=("conv", "pair"),
    beyond=-0.15,
    beyond_low=-0.2,
    beyond_high=-0.1,
    resolved=True,
)


def attributed(**changes: Any) -> Attribution:
    """Sixty trials of two layers, of which one matters."""
    made = Attribution(
        quality="bits_per_byte",
        direction="min",
        surrogate="Gaussian process",
        r2=0.82,
        noise=0.03,
        explained=0.9,
        complete=60,
        fitted=60,
        random=24,
        failed=16,
        front=8,
        told_apart=0.375,
        groups=(MIX1, MIX2),
        places=(
            PlaceShare("mix1", 0.61, 0.5, 0.72, resolved=True),
            PlaceShare("mix2", 0.01, 0.0, 0.05, resolved=False),
        ),
        pairs=(PAIR,),
        reason="",
    )
    return replace(made, **changes)


NOTHING_FITTED = attributed(
    surrogate="", groups=(), places=(), pairs=(), reason="4 complete trials, at least 10 are needed"
)
