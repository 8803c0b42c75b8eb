from __future__ import annotations

from dataclasses import replace

import pytest

from itnet_nas.analysis.axis_verdict import AxisVerdict, Verdict, listed, plus_minus, words
from itnet_nas.analysis.evidence import Comparison, Replacement

SAID = Comparison(loss=0.48, low=0.45, high=0.51, upper=0.5, bound=0.44, floor=0.01, p=0.001)
ONE = Replacement(
    key="0",
    label="long_conv",
    family="long_conv",
    params={},
    other="full",
    differs="value",
    also=(),
    state="tested",
    losses=((1, 0.47), (2, 0.48), (3, 0.49)),
    failures=(),
    comparison=SAID,
)


def verdict(
    said: Verdict, one: Replacement = ONE, *others: Replacement, **changes: object
) -> AxisVerdict:
    comparison = one.comparison
    assert comparison is not None
    found = AxisVerdict(
        layer="mix1",
        axis="support",
        value="window",
        label="conv(radius=3)",
        tied=(),
        verdict=said,
        alternatives=(one, *others),
        mildest=one.label,
        effect=comparison.loss,
        low=comparison.low,
        high=comparison.high,
        bound=comparison.bound,
        floor=comparison.floor,
        seeds=3,
        also=one.also,
    )
    return replace(found, **changes)


def test_necessary() -> None:
    assert words(verdict(Verdict.NECESSARY), "error") == (
        "necessary: without window support the error grows by 0.48 ± 0.03 (3 seeds)"
    )


def test_what_should_be_large_falls() -> None:
    assert words(verdict(Verdict.NECESSARY), "accuracy", "max") == (
        "necessary: without window support the accuracy falls by 0.48 ± 0.03 (3 seeds)"
    )


def test_a_unit_of_two_is_many() -> None:
    assert "the bits/byte grow by 0.48" in words(verdict(Verdict.NECESSARY), "bits_per_byte")


def test_preferred_is_not_sure() -> None:
    assert words(verdict(Verdict.PREFERRED), "error") == (
        "preferred: without window support the error grows by 0.48 ± 0.03, but not surely (3 seeds)"
    )


def test_what_changed_together_is_said() -> None:
    one = replace(ONE, also=("sharing", "content"))

    assert words(verdict(Verdict.NECESSARY, one), "error") == (
        "necessary: without window support (sharing and content change too) the error grows by "
        "0.48 ± 0.03 (3 seeds)"
    )


def test_the_mildest_of_several_is_said_to_be_it() -> None:
    text = words(verdict(Verdict.NECESSARY, ONE, replace(ONE, label="gru")), "error")

    assert text.endswith("by 0.48 ± 0.03 (3 seeds, the mildest of 2 replacements)")


def test_nothing_is_lost_by_adding_what_was_not_there() -> None:
    text = words(verdict(Verdict.NECESSARY, axis="state", value="none"), "error")

    assert text.startswith("necessary: with state the error grows by")


def test_another_size_names_the_kernel() -> None:
    one = replace(ONE, differs="size", label="conv(radius=6)")

    assert words(verdict(Verdict.NECESSARY, one), "error") == (
        "necessary: with conv(radius=6) in its place the error grows by 0.48 ± 0.03 (3 seeds)"
    )


def test_a_layer_left_out_is_said_to_be() -> None:
    one = replace(ONE, differs="absent", label="left out")

    assert words(verdict(Verdict.NECESSARY, one), "error").startswith(
        "necessary: without this layer the error grows by"
    )


def test_not_identified_names_what_does_as_well() -> None:
    said = replace(SAID, loss=0.002, low=-0.008, high=0.012, floor=0.03)

    assert words(verdict(Verdict.NOT_IDENTIFIED, replace(ONE, comparison=said)), "error") == (
        "not identified: with long_conv in its place it is worse by 0.00 ± 0.01 error, within "
        "the noise of 0.03 (3 seeds)"
    )


def test_what_does_better_is_said_to() -> None:
    said = replace(SAID, loss=-0.2, low=-0.25, high=-0.15, floor=0.03)

    assert words(verdict(Verdict.NOT_IDENTIFIED, replace(ONE, comparison=said)), "error") == (
        "not identified: with long_conv in its place it is better by 0.20 ± 0.05 error, where the "
        "noise is 0.03 (3 seeds)"
    )


@pytest.mark.parametrize("said", [Verdict.NOT_TESTED, Verdict.NOT_SOLVED])
def test_without_an_answer_there_is_a_reason(said: Verdict) -> None:
    found = AxisVerdict(
        "mix1", "support", "window", "conv", (), said, (), note="the space offers nothing else here"
    )

    assert words(found, "error") == f"{said}: the space offers nothing else here"


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (0.4812, 0.0312, "0.48 ± 0.03"),
        (0.4812, 0.312, "0.5 ± 0.3"),
        (481.2, 31.2, "481 ± 31"),
        (0.5, 0.0001, "0.5000 ± 0.0001"),
        (0.5, 0.0, "0.5"),
        (-0.03, 0.01, "-0.03 ± 0.01"),
    ],
)
def test_figures_have_the_decimals_that_their_interval_knows(
    value: float, half: float, text: str
) -> None:
    assert plus_minus(value, half) == text


def test_lists_end_with_and() -> None:
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]
