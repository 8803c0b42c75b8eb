from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.analysis.ticks import linear_ticks, log_ticks, tick_labels


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_linear_ticks_lie_in_the_range_and_are_few(low: float, span: float) -> None:
    ticks = linear_ticks(low, low + span)

    assert 1 <= len(ticks) <= 7
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in ticks)


@settings(deadline=None)
@given(st.floats(1e-6, 1e12), st.floats(1.05, 1e9))
def test_log_ticks_lie_in_the_range_and_are_few(low: float, ratio: float) -> None:
    high = low * ratio
    ticks = log_ticks(low, high)

    assert 1 <= len(ticks) <= 7
    assert ticks == sorted(ticks)
    assert all(low * (1 - 1e-6) <= tick <= high * (1 + 1e-6) for tick in ticks)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (1e4, 1e9, ["10 k", "100 k", "1 M", "10 M", "100 M", "1 G"]),
        (1.2e6, 9e6, ["1.5 M", "2 M", "3 M", "5 M", "7 M"]),
        (900.0, 1100.0, ["900", "950", "1 k", "1.05 k", "1.1 k"]),
    ],
)
def test_labels_are_round(low: float, high: float, labels: list[str]) -> None:
    assert tick_labels(log_ticks(low, high)) == labels


def test_labels_tell_neighbours_apart() -> None:
    assert tick_labels([2.975, 2.98, 2.985]) == ["2.975", "2.98", "2.985"]
