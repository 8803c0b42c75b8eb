from __future__ import annotations

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.analysis.significance import (
    deviation,
    holm,
    interval,
    looks,
    lower_bound,
    mean,
    p_above,
    t_quantile,
    t_tail,
)

figures = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("probability", "freedom", "tabled"),
    [
        (0.975, 1, 12.7062047362),
        (0.95, 2, 2.9199855804),
        (0.975, 2, 4.3026527297),
        (0.975, 4, 2.7764451052),
        (0.99, 5, 3.3649299989),
        (0.975, 10, 2.2281388520),
        (0.9995, 30, 3.6459586350),
        (0.95, 120, 1.6576508994),
    ],
)
def test_quantiles_are_those_of_the_tables(probability: float, freedom: int, tabled: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(tabled, abs=1e-9)


@given(st.floats(-1e6, 1e6))
def test_one_degree_of_freedom_is_cauchy(t: float) -> None:
    assert t_tail(t, 1) == pytest.approx(math.atan2(1.0, t) / math.pi, rel=1e-12)


@given(st.floats(-50, 50))
def test_two_degrees_of_freedom_have_a_closed_form(t: float) -> None:
    assert t_tail(t, 2) == pytest.approx(0.5 - t / (2 * math.sqrt(t * t + 2)), abs=1e-14)


def test_many_degrees_of_freedom_are_normal() -> None:
    assert t_tail(1.96, 10_000_000) == pytest.approx(math.erfc(1.96 / math.sqrt(2)) / 2, rel=1e-6)


def test_far_tails_keep_their_digits() -> None:
    """With three degrees of freedom P(T > t) → 2√3 / (π t³)."""
    assert t_tail(1e6, 3) == pytest.approx(2 * math.sqrt(3) / math.pi / 1e18, rel=1e-9)


@given(st.floats(0.001, 0.999), st.integers(1, 60))
def test_a_quantile_undoes_the_tail(probability: float, freedom: int) -> None:
    tail = t_tail(t_quantile(probability, freedom), freedom)

    assert tail == pytest.approx(1 - probability, abs=1e-12)


@given(st.integers(1, 60), st.floats(0, 30), st.floats(0.01, 5))
def test_upper_tails_fall(freedom: int, t: float, more: float) -> None:
    assert t_tail(t + more, freedom) < t_tail(t, freedom)


@given(st.integers(1, 60), st.floats(-1e3, 1e3))
def test_the_two_tails_are_all(freedom: int, t: float) -> None:
    assert t_tail(t, freedom) + t_tail(-t, freedom) == pytest.approx(1.0, abs=1e-15)


def test_infinite_t_is_certain() -> None:
    assert t_tail(math.inf, 3) == 0.0
    assert t_tail(-math.inf, 3) == 1.0


def test_no_degree_of_freedom_is_refused() -> None:
    with pytest.raises(ValueError, match="needs at least 1 degree of freedom, got 0"):
        t_tail(1.0, 0)


def test_a_quantile_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="a probability between 0 and 1, got 1"):
        t_quantile(1.0, 3)


def test_one_value_has_no_deviation() -> None:
    with pytest.raises(ValueError, match="at least 2 values, got 1"):
        deviation([1.0])


def test_an_interval_by_hand() -> None:
    """1, 2, 3: mean 2, s 1, error 1/√3, t 4.3027."""
    low, high = interval([1.0, 2.0, 3.0])

    assert low == pytest.approx(2 - 4.3026527297 / math.sqrt(3))
    assert high == pytest.approx(2 + 4.3026527297 / math.sqrt(3))


def test_a_lower_bound_by_hand() -> None:
    bound = lower_bound([1.0, 2.0, 3.0], 0.05)

    assert bound == pytest.approx(2 - 2.9199855804 / math.sqrt(3))


@given(figures, st.floats(0.001, 0.4), st.floats(-10, 10))
def test_a_bound_lies_above_a_level_where_the_p_value_is_small(
    values: list[float], alpha: float, level: float
) -> None:
    p, bound = p_above(values, level), lower_bound(values, alpha)

    if abs(p - alpha) > 1e-9:
        assert (p < alpha) == (bound > level)


@given(figures)
def test_the_order_of_values_changes_no_mean(values: list[float]) -> None:
    assert mean(values) == mean(values[::-1])
    assert deviation(values) == deviation(values[::-1])


def test_values_without_spread_leave_nothing_to_chance() -> None:
    assert p_above([0.5, 0.5, 0.5], 0.1) == 0.0
    assert p_above([0.5, 0.5, 0.5], 0.5) == 1.0


def test_holm_by_hand() -> None:
    """0.005 ≤ 0.05/4; 0.01 ≤ 0.05/3; 0.03 > 0.05/2, so it stands and so does 0.04."""
    said = holm([0.01, 0.04, 0.03, 0.005], 0.05)

    assert said.rejected == (True, False, False, True)
    assert said.level == pytest.approx((0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4))
    assert said.adjusted == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_holm_stops_at_the_first_that_stands() -> None:
    """0.026 would pass 0.05/1, but 0.026 > 0.05/2 came before it."""
    assert holm([0.026, 0.026], 0.05).rejected == (False, False)


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([], 0.05).rejected == ()


@given(p_values)
def test_holm_rejects_what_bonferroni_does(values: list[float]) -> None:
    said = holm(values, 0.05)

    assert all(said.rejected[i] for i, p in enumerate(values) if p <= 0.05 / len(values))


@given(p_values)
def test_holm_holds_each_to_its_level(values: list[float]) -> None:
    said = holm(values, 0.05)

    assert [p <= level for p, level in zip(values, said.level, strict=True)] == list(said.rejected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4, unique=True))
def test_holm_does_not_ask_for_an_order(values: list[float]) -> None:
    expected = dict(zip(values, holm(values, 0.05).adjusted, strict=True))

    for order in permutations(values):
        assert dict(zip(order, holm(order, 0.05).adjusted, strict=True)) == expected


def test_looks_count_from_the_least_to_the_most() -> None:
    assert [looks(3, most) for most in (2, 3, 5)] == [1, 1, 3]
