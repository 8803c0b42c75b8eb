"""Spearman's coefficient and its interval."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.analysis.rank_correlation import RankCorrelation, rank_correlation

FIGURES = st.lists(st.floats(-100, 100), min_size=4, max_size=30)


def of(one: list[float], other: list[float]) -> RankCorrelation:
    found = rank_correlation(one, other)
    assert found is not None
    return found


def test_five_pairs_by_hand() -> None:
    # Ranks 1 2 3 4 5 and 2 1 4 3 5: the squared differences sum to 4, and 1 − 6·4 / (5·24) = 0.8.
    found = of([0.1, 0.2, 0.3, 0.4, 0.5], [20, 10, 40, 30, 50])

    assert found.value == pytest.approx(0.8, abs=1e-12)


def test_the_interval_of_five_pairs_by_hand() -> None:
    half = 1.959964 * math.sqrt((1 + 0.8**2 / 2) / 2)

    found = of([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])

    assert found.low == pytest.approx(math.tanh(math.atanh(0.8) - half), abs=1e-9)
    assert found.high == pytest.approx(math.tanh(math.atanh(0.8) + half), abs=1e-9)


def test_ties_share_their_mean_rank() -> None:
    # Ranks 1 2.5 2.5 4 and 1 2 3 4: the covariance is 4.5, the variances 4.5 and 5.
    found = of([1, 2, 2, 3], [1, 2, 3, 4])

    assert found.value == pytest.approx(4.5 / math.sqrt(4.5 * 5), abs=1e-12)


def test_three_pairs_have_no_interval() -> None:
    assert rank_correlation([1, 2, 3], [1, 2, 3]) is None


def test_a_figure_that_is_the_same_for_all_tells_nothing() -> None:
    assert of([1, 1, 1, 1], [1, 2, 3, 4]) == RankCorrelation(0.0, -1.0, 1.0, 4)


def test_a_perfect_order_of_few_is_no_proof() -> None:
    found = of([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])

    assert found.value == found.high == 1
    assert found.low < 0.5


@given(FIGURES, st.integers(0))
def test_the_interval_holds_the_value_within_minus_one_and_one(
    figures: list[float], seed: int
) -> None:
    other = Random(seed).sample(figures, len(figures))

    found = of(figures, other)

    assert -1 <= found.low <= found.value <= found.high <= 1


@given(FIGURES, st.integers(0))
def test_only_the_order_counts(figures: list[float], seed: int) -> None:
    other = Random(seed).sample(figures, len(figures))
    order = {figure: float(rank) for rank, figure in enumerate(sorted(set(figures)))}

    assert of(figures, other) == of([order[one] for one in figures], other)


def test_the_interval_covers_in_nineteen_of_twenty_samples() -> None:
    # Of normal pairs with correlation r, Spearman's is (6/π) asin(r/2).
    rng, r, inside = Random(0), 0.8, 0
    true = 6 / math.pi * math.asin(r / 2)
    for _ in range(400):
        one = [rng.gauss() for _ in range(25)]
        other = [r * x + math.sqrt(1 - r * r) * rng.gauss() for x in one]
        found = of(one, other)
        inside += found.low <= true <= found.high

    assert 370 <= inside <= 390


def test_figures_that_cannot_be_paired_are_refused() -> None:
    with pytest.raises(ValueError, match="4 figures cannot be paired with 5"):
        rank_correlation([1, 2, 3, 4], [1, 2, 3, 4, 5])


def test_it_reads_as_a_person_would_write_it() -> None:
    said = str(RankCorrelation(0.912, 0.8, 0.961, 25))

    assert said == "0.91 (95 %: 0.80 to 0.96, 25 trials)"
