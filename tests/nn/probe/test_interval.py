"""Ratios of sums, and intervals that draw rows again."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.nn.probe.interval import Resamples, estimate


def resamples(p: int, c: int, b: int, draws: int = 200, seed: int = 0) -> Resamples:
    return Resamples(p, c, b, draws, torch.Generator().manual_seed(seed))


def test_the_first_value_is_that_of_the_sample_itself() -> None:
    top_PCB, bottom_PCB = torch.rand(3, 2, 4), torch.rand(3, 2, 4)

    value_S = resamples(3, 2, 4).ratio(top_PCB, bottom_PCB)

    assert value_S[0].item() == pytest.approx((top_PCB.sum() / bottom_PCB.sum()).item())


def test_a_draw_weighs_positions_channels_and_inputs_together() -> None:
    again = resamples(2, 2, 2, draws=1)
    again.p_SP[1] = torch.tensor([2.0, 0.0])
    again.c_SC[1] = torch.tensor([1.0, 1.0])
    again.b_SB[1] = torch.tensor([0.0, 2.0])
    top_PCB = torch.arange(8.0).reshape(2, 2, 2)

    value_S = again.ratio(top_PCB, torch.ones(2, 2, 2))

    assert value_S[1].item() == (top_PCB[0, 0, 1] + top_PCB[0, 1, 1]).item() / 2


def test_an_input_makes_no_pair_with_itself_however_often_it_is_drawn() -> None:
    again = resamples(1, 1, 3, draws=1)
    again.b_SB[1] = torch.tensor([2.0, 1.0, 0.0])
    top_PCBB = torch.tensor([[[[9.0, 1, 2], [1, 9, 3], [2, 3, 9]]]])

    value_S = again.ratio_of_pairs(top_PCBB, torch.ones_like(top_PCBB))

    assert value_S.tolist() == [2, 1]


def test_a_draw_of_one_input_alone_says_nothing_of_pairs() -> None:
    again = resamples(1, 1, 2, draws=1)
    again.b_SB[1] = torch.tensor([2.0, 0.0])

    value_S = again.ratio_of_pairs(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))

    assert value_S[0] == 1
    assert value_S[1].isnan()


@given(st.integers(1, 9), st.integers(0, 5))
def test_the_quantile_is_the_least_distance_that_holds_enough(size: int, seed: int) -> None:
    h_PCBX = torch.rand(2, 2, 2, size, generator=torch.Generator().manual_seed(seed))

    value_S = resamples(2, 2, 2).quantile(h_PCBX, 0.9)

    h_X = h_PCBX.double().sum((0, 1, 2))
    x = int(value_S[0])
    assert h_X[: x + 1].sum() >= 0.9 * h_X.sum()
    assert h_X[:x].sum() < 0.9 * h_X.sum()


def test_a_distance_that_holds_just_enough_is_enough() -> None:
    h_PCBX = torch.tensor([0.0, 0.3, 0.3, 0.3, 0.1]).expand(1, 1, 1, 5)

    assert resamples(1, 1, 1).quantile(h_PCBX, 0.9)[0] == 3


def test_an_interval_holds_its_value_and_stays_in_its_range() -> None:
    value_S = torch.tensor([0.5, -0.2, 0.7, 1.4, float("nan")])

    found = estimate(value_S, 0, 1)

    assert found is not None
    assert found.value == 0.5
    assert 0 <= found.low < 0.1
    assert 0.9 < found.high <= 1


def test_a_sample_that_says_nothing_has_no_estimate() -> None:
    assert estimate(torch.tensor([float("nan"), 0.5]), 0, 1) is None


def test_what_is_the_same_everywhere_has_an_interval_of_no_width() -> None:
    found = estimate(resamples(3, 3, 3).ratio(torch.ones(3, 3, 3), torch.full((3, 3, 3), 2)), 0, 1)

    assert found is not None
    assert (found.low, found.value, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_the_interval_of_a_mean_over_positions_channels_and_inputs_covers_it() -> None:
    """Effects of each of them, and their own noise; at least 9 of 10 hold the mean of 0."""
    generator = torch.Generator().manual_seed(0)
    p, c, b, hits, trials = 6, 6, 24, 0, 300
    for seed in range(trials):
        noise_PCB = (
            0.5 * torch.randn(p, 1, 1, generator=generator)
            + 0.5 * torch.randn(1, c, 1, generator=generator)
            + 0.5 * torch.randn(1, 1, b, generator=generator)
            + torch.randn(p, c, b, generator=generator)
        )
        found = estimate(resamples(p, c, b, seed=seed).ratio(noise_PCB, torch.ones(p, c, b)), -9, 9)
        assert found is not None
        hits += found.low <= 0 <= found.high

    assert hits / trials >= 0.9
