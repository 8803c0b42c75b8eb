"""What replacements cost, as figures and as text."""

from __future__ import annotations

from typing import Any

import pytest

from itnet_nas.analysis.replaced import (
    Continued,
    LayerReplaced,
    Replacement,
    ReplacementTest,
    worse,
)


def replacement(by: str, drop: float | None, **changes: Any) -> Replacement:
    fields: dict[str, Any] = {
        "layer": "mix",
        "replaced": "conv(radius=2)",
        "by": by,
        "family": by,
        "params": {},
        "matches": True,
        "misfit": 0.1,
        "before": 0.2,
        "after": None if drop is None else 0.2 + drop,
        "drop": drop,
        "steps": 40,
        "seconds": 1.0,
    }
    return Replacement(**{**fields, **changes})


def a_test() -> ReplacementTest:
    """Ten steps more bring 0.01; one layer has all three, the other has nobody to match."""
    window = LayerReplaced(
        "mix",
        "conv(radius=2)",
        "short window",
        {
            "match": replacement("conv(radius=3)", 0.02),
            "other": replacement("long_conv", 0.05),
            "cheapest": replacement("locally_connected", 0.1),
            "mismatch": replacement("attention", 0.3, matches=False),
            "own": replacement("conv", -0.01),
        },
        {},
    )
    memory = LayerReplaced(
        "memory",
        "gru",
        "gated recurrence",
        {
            "mismatch": replacement("conv", None, failure="the loss is nan at step 3"),
            "own": replacement("gru", 0.0),
        },
        dict.fromkeys(
            ("match", "other", "cheapest"), "no other family here may do what was measured"
        ),
    )
    return ReplacementTest(
        trial=4,
        objective="bits_per_byte",
        seed=0,
        share=0.2,
        fit_steps=20,
        tune_steps=20,
        continued=Continued(before=0.2, after=0.19, drop=-0.01, steps=20, seconds=1.0),
        layers=(window, memory),
    )


def test_the_extra_steps_are_credited_to_nobody() -> None:
    found = a_test()

    assert found.losses("match") == pytest.approx([0.03])
    assert found.losses("own") == pytest.approx([0.0, 0.01])


def test_what_has_no_figure_counts_in_no_mean() -> None:
    assert a_test().losses("mismatch") == pytest.approx([0.31])


@pytest.mark.parametrize(("direction", "loss"), [("min", 0.25), ("max", -0.25)])
def test_worse_is_positive(direction: Any, loss: float) -> None:
    assert worse(direction, 0.5, 0.75) == loss


def test_the_test_reads_layer_by_layer() -> None:
    assert str(a_test()) == (
        "replacement test of trial 4: bits/byte, + is worse, beside the same network without a "
        "replacement\n"
        "  each replacement: 20 steps to fit it alone, then 20 of the whole network; seed 0\n"
        "  without a replacement: 0.2, after 20 steps more 0.19\n"
        "\n"
        "mix: acts like short window; conv(radius=2) was trained\n"
        "  match        conv(radius=3): +0.03\n"
        "  other family long_conv: +0.06\n"
        "  cheapest     locally_connected: +0.11\n"
        "  mismatch     attention: +0.31\n"
        "  fresh copy   conv: ±0\n"
        "\n"
        "memory: acts like gated recurrence; gru was trained\n"
        "  match        – no other family here may do what was measured\n"
        "  other family – no other family here may do what was measured\n"
        "  cheapest     – no other family here may do what was measured\n"
        "  mismatch     conv: the loss is nan at step 3\n"
        "  fresh copy   gru: +0.01"
    )


def test_the_json_says_what_each_lost() -> None:
    layers = a_test().as_json()["layers"]

    assert layers[0]["replacements"]["match"]["lost"] == pytest.approx(0.03)
    assert layers[1]["replacements"]["mismatch"]["lost"] is None
