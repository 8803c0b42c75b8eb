from __future__ import annotations

import pytest
from analysis.support import deep_space

from itnet_nas.analysis.words import architecture_words, axis_words, figure, value
from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support


@pytest.mark.parametrize(
    ("name", "number", "text"),
    [
        ("bits_per_byte", 2.98, "2.98 bits/byte"),
        ("error", 0.1, "0.1 error"),
        ("flops", 1.2e6, "1.2 MFLOP"),
        ("flops", 12.0, "12 FLOP"),
        ("params", 34_000.0, "34 k parameters"),
        ("latency_ms", 3.42, "3.42 ms"),
        ("state_bytes", 1200.0, "1.2 kB of state"),
        ("memory_mb", 12.0, "12 MB"),
        ("depth", 2.0, "depth 2"),
    ],
)
def test_a_figure_has_its_unit(name: str, number: float, text: str) -> None:
    assert figure(name, number) == text


def test_beside_its_name_a_figure_says_no_more_than_needed() -> None:
    assert value("accuracy", 0.37) == "0.37"
    assert value("flops", 1.2e6) == "1.2 MFLOP"


def graph(edges: list[tuple[str, str]]) -> Architecture:
    conv = {"radius": 3}
    return Architecture(
        width=deep_space().width,
        mlp_ratio=2,
        layers=(
            LayerChoice(name="a", family="conv", params=conv),
            LayerChoice(name="b", family="conv", params=conv),
            LayerChoice(name="c", family="gru", params={}),
        ),
        edges=tuple(sorted(edges)),
    )


def test_a_chain_is_told_in_its_order() -> None:
    chain = graph([("input", "a"), ("a", "b"), ("b", "c"), ("c", "output")])

    assert architecture_words(chain) == "2 × conv(radius=3) then gru"


def test_another_graph_is_told_layer_by_layer() -> None:
    branches = graph([("input", "a"), ("input", "b"), ("a", "c"), ("b", "c"), ("c", "output")])

    assert architecture_words(branches) == "a conv(radius=3), b conv(radius=3), c gru"


def test_an_axis_is_told_with_its_figure() -> None:
    bias = Bias(
        support=Support.WINDOW,
        radius=3,
        sharing=Sharing.TRANSLATION,
        state=State.LINEAR,
        state_size=16,
        content=Content.PAIR,
        entry=(Entry.AMPLITUDE, Entry.GATE),
    )

    assert axis_words(bias) == {
        "support": "window(3)",
        "sharing": "translation",
        "state": "linear(16)",
        "content": "pair in amplitude, gate",
    }


def test_a_window_with_holes_is_told_with_its_steps() -> None:
    bias = Bias(support=Support.WINDOW, radius=6, dilation=2, sharing=Sharing.TRANSLATION)

    assert axis_words(bias)["support"] == "window(6 by 2)"
