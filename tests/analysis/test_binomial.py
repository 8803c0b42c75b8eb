from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.analysis.binomial import at_least, noticed_from, share_interval


def test_an_interval_is_that_of_the_tables() -> None:
    assert share_interval(5, 10) == pytest.approx((0.1871, 0.8129), abs=1e-4)
    assert share_interval(0, 15) == pytest.approx((0.0, 1 - 0.025 ** (1 / 15)), abs=1e-9)
    assert share_interval(15, 15) == pytest.approx((0.025 ** (1 / 15), 1.0), abs=1e-9)


def test_without_a_trial_nothing_is_known() -> None:
    assert share_interval(0, 0) == (0.0, 1.0)


def test_thousands_of_trials_are_no_trouble() -> None:
    low, high = share_interval(1000, 2000)

    assert low == pytest.approx(0.4779, abs=1e-4)
    assert high == pytest.approx(0.5221, abs=1e-4)


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0 ≤ successes ≤ trials, got 3 of 2"):
        share_interval(3, 2)


@given(st.integers(1, 30), st.floats(0.01, 0.99))
def test_the_true_share_is_left_out_at_most_once_in_twenty(trials: int, share: float) -> None:
    covered = math.fsum(
        math.comb(trials, k) * share**k * (1 - share) ** (trials - k)
        for k in range(trials + 1)
        if share_interval(k, trials)[0] <= share <= share_interval(k, trials)[1]
    )

    assert covered >= 0.95 - 1e-9


@given(st.integers(1, 40), st.floats(0.05, 0.9))
def test_what_is_noticed_is_the_first_count_whose_tail_is_rare(trials: int, share: float) -> None:
    least = noticed_from(trials, share)

    counts = [k for k in range(trials + 1) if k > share * trials]
    rare = [k for k in counts if at_least(k, trials, share) < 0.025 - 1e-9]
    assert least == (rare[0] if rare else None)
