"""The layers of the tables in `docs/bias.md`, in order, and what of each is known beforehand."""

from __future__ import annotations

from typing import Any

from support.probe_layers import (
    CAUSAL,
    CLOUD,
    GRID,
    ORDER,
    SET,
    Layer,
    after,
    alternating,
    average,
    blocks,
    fading,
    family,
    gated,
    matrix,
    nearer,
    pair_network,
    permutation,
    placed,
    pointwise,
    sharper,
    slower,
    turned,
)
from torch.nn.functional import gelu

from itnet_nas.kernels import Domain

FIXED = {"content": 0.0, "pattern": 0.0, "routing": 0.0}
SHARED, OWN = {"sharing": 1.0}, {"sharing": 0.0}
PAIRS = {"beyond_pairwise": 0.0}
Row = tuple[str, Any, dict[str, float]]


def layers() -> list[Layer]:
    """Every layer of every table."""
    return [
        Layer(name, domain, lambda make=make, domain=domain: make(domain), known)
        for domain, rows in TABLES.items()
        for name, make, known in rows
    ]


ATTENTION = family("attention", heads=2)
SHARP = family("attention", sharper(16), heads=2)
IN_ORDER: list[Row] = [
    ("conv, radius 2", family("conv", radius=2), FIXED | SHARED | {"r90": 2}),
    ("conv, radius 2, dense", family("conv", radius=2, channels="dense"), FIXED | SHARED),
    ("conv, radius 2, then GELU", after(family("conv", radius=2), gelu), SHARED | {"routing": 0}),
    ("conv, radius 2, then u · σ(u)", after(family("conv", radius=2), gated), SHARED),
    ("locally_connected, radius 2", family("locally_connected", radius=2, groups=16), FIXED | OWN),
    ("a window of 2, taps of period 3", alternating(3), FIXED),
    ("position_mixer", family("position_mixer"), FIXED | OWN),
    ("a fixed permutation", matrix(permutation), FIXED | {"self_share": 0}),
    ("the mean of all", matrix(average), FIXED | SHARED | {"extent": 1}),
    ("0.9^distance, both ways", matrix(fading(0.9)), FIXED | SHARED),
    ("long_conv", family("long_conv"), FIXED | SHARED),
    ("continuous_conv", family("continuous_conv"), FIXED | SHARED),
    ("dynamic_conv, radius 2", family("dynamic_conv", radius=2), SHARED | PAIRS),
    ("attention", ATTENTION, {}),
    ("attention, scores × 16", SHARP, {}),
    (
        "attention, scores × 16, alibi",
        family("attention", sharper(16), heads=2, position="alibi"),
        {},
    ),
    (
        "attention, scores × 16, window 4",
        family("attention", sharper(16), heads=2, window=4),
        SHARED,
    ),
    ("attention, scores × 16, places added", placed(SHARP), {}),
    ("attention in blocks of 8", blocks(8), {}),
    ("linear_attention", family("linear_attention", heads=4), {}),
    ("low_rank, by content", family("low_rank", rank=8, reads="content"), PAIRS),
    ("low_rank, by content and place", family("low_rank", rank=8, reads="both"), PAIRS),
    ("a network on pairs", pair_network, PAIRS),
    ("integral", family("integral"), {}),
    ("integral, narrow", family("integral", nearer(-3.0)), {}),
    ("integral, places alone", family("integral", content="none"), FIXED),
    ("ssm, state 4, both ways", family("ssm", state=4), FIXED | SHARED),
    ("mamba, state 8, both ways", family("mamba", state=8), SHARED),
    ("identity", family("identity"), {"self_share": 1}),
    ("a network at each position", pointwise, {"self_share": 1}),
]
AHEAD = {"causality": 1.0}
IN_TIME: list[Row] = [
    ("conv, radius 2", family("conv", radius=2), FIXED | SHARED | AHEAD),
    ("conv, radius 6", family("conv", radius=6), FIXED | SHARED | AHEAD),
    (
        "locally_connected, radius 6",
        family("locally_connected", radius=6, groups=16),
        FIXED | OWN | AHEAD,
    ),
    ("position_mixer", family("position_mixer"), FIXED | OWN | AHEAD),
    ("long_conv", family("long_conv"), FIXED | SHARED | AHEAD),
    ("dynamic_conv, radius 6", family("dynamic_conv", radius=6), SHARED | AHEAD | PAIRS),
    ("attention", ATTENTION, AHEAD),
    ("attention, scores × 16", SHARP, AHEAD),
    (
        "attention, scores × 16, window 8",
        family("attention", sharper(16), heads=2, window=8),
        SHARED | AHEAD,
    ),
    ("0.9^lag", matrix(fading(0.9)), FIXED | SHARED | AHEAD | {"state": 1}),
    ("ssm, state 4", family("ssm", state=4), FIXED | SHARED | AHEAD),
    ("ssm, state 16", family("ssm", state=16), FIXED | SHARED | AHEAD),
    (
        "linear_attention, fading, state 4",
        family("linear_attention", heads=4, state=4, features="identity", decay="fixed"),
        AHEAD | PAIRS,
    ),
    ("linear_attention, elu", family("linear_attention", heads=4), AHEAD),
    ("delta_net, state 8", family("delta_net", heads=2, state=8), AHEAD),
    ("mamba, state 8", family("mamba", state=8), AHEAD),
    ("ssd, state 16", family("ssd", state=16), AHEAD),
    ("min_gru", family("min_gru"), AHEAD),
    ("gru", family("gru"), AHEAD),
    ("gru that keeps, gate + 2", family("gru", slower(2.0)), AHEAD),
    ("lstm that keeps, gate + 2", family("lstm", slower(2.0)), AHEAD),
    ("integral", family("integral"), AHEAD),
]
ON_GRIDS: list[Row] = [
    ("conv, radius 1", family("conv", radius=1), FIXED | SHARED | {"r90": 1}),
    ("conv, radius 1, then GELU", after(family("conv", radius=1), gelu), SHARED | {"routing": 0}),
    ("locally_connected, radius 2", family("locally_connected", radius=2, groups=16), FIXED | OWN),
    ("dynamic_conv, radius 1", family("dynamic_conv", radius=1), SHARED | PAIRS),
    ("a filter round the edges", turned, FIXED | SHARED),
    ("position_mixer", family("position_mixer"), FIXED | OWN),
    ("attention, scores × 16", SHARP, {}),
    (
        "attention, scores × 16, window 2",
        family("attention", sharper(16), heads=2, window=2),
        {"r90": 2},
    ),
    ("attention, scores × 16, places added", placed(SHARP), {}),
]
IN_CLOUDS: list[Row] = [
    ("point_conv, 8 neighbours", family("point_conv", neighbours=8), SHARED),
    ("point_attention", family("point_attention", heads=2), {}),
    ("point_attention, 8 neighbours", family("point_attention", heads=2, neighbours=8), {}),
    ("integral", family("integral"), {}),
    ("attention, scores × 16", SHARP, SHARED),
]
IN_SETS: list[Row] = [
    ("attention, scores × 16", SHARP, SHARED),
    ("linear_attention", family("linear_attention", heads=4), SHARED),
]
TABLES: dict[Domain, list[Row]] = {
    ORDER: IN_ORDER,
    CAUSAL: IN_TIME,
    GRID: ON_GRIDS,
    CLOUD: IN_CLOUDS,
    SET: IN_SETS,
}
