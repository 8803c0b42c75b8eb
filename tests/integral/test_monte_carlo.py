import math

import pytest
import torch
from torch import Tensor

from itnet_nas.integral.monte_carlo import draw, monte_carlo_mean

POSITIONS = 40


def _peaked() -> Tensor:
    """f_BNE, one example: a bump of height 1 and a floor that changes sign."""
    n_N = torch.arange(POSITIONS, dtype=torch.float64)
    return (torch.exp(-((n_N - 11) ** 2) / 8) + 0.02 * torch.cos(n_N)).reshape(1, -1, 1)


def _estimates(importance_BN: Tensor, samples: int, count: int) -> Tensor:
    """One estimate for each seed."""
    found = []
    for seed in range(count):
        torch.manual_seed(seed)
        found.append(float(monte_carlo_mean(_peaked(), importance_BN, samples)))
    return torch.tensor(found, dtype=torch.float64)


IMPORTANCES = {
    "even": torch.ones(1, POSITIONS, dtype=torch.float64),
    "by size": _peaked().abs().squeeze(-1),
    "the wrong way round": 1 / (_peaked().abs().squeeze(-1) + 0.1),
    "zero on half": (torch.arange(POSITIONS) % 2).double().unsqueeze(0),
    "nothing": torch.zeros(1, POSITIONS, dtype=torch.float64),
}


@pytest.mark.parametrize("name", IMPORTANCES)
def test_over_a_thousand_seeds_the_mean_is_the_true_one(name: str) -> None:
    found = _estimates(IMPORTANCES[name], samples=8, count=1000)

    bias = float(found.mean()) - float(_peaked().mean())
    assert abs(bias) < 3 * float(found.std()) / math.sqrt(1000)


@pytest.mark.parametrize("name", ["even", "by size"])
def test_the_error_falls_with_the_root_of_the_number_of_draws(name: str) -> None:
    draws = [4, 16, 64, 256]
    truth = float(_peaked().mean())

    errors = [
        float((_estimates(IMPORTANCES[name], samples, 200) - truth).square().mean().sqrt())
        for samples in draws
    ]

    x, y = torch.tensor(draws).log2(), torch.tensor(errors).log2()
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())
    assert slope == pytest.approx(-0.5, abs=0.1)


def test_importance_that_follows_the_peak_lowers_the_variance() -> None:
    even = _estimates(IMPORTANCES["even"], samples=8, count=300)

    by_size = _estimates(IMPORTANCES["by size"], samples=8, count=300)

    assert float(by_size.var()) < 0.05 * float(even.var())


def test_a_seed_gives_the_same_draw() -> None:
    importance_BN = torch.rand(3, 20)
    torch.manual_seed(5)
    index_BM, weight_BM = draw(importance_BN, 6)
    torch.manual_seed(5)

    again_BM, same_BM = draw(importance_BN, 6)

    assert torch.equal(index_BM, again_BM)
    assert torch.equal(weight_BM, same_BM)


def test_a_weight_is_one_over_draws_positions_and_chance() -> None:
    """Importance 1 : 4, chances 0.18 + 0.05 and 0.72 + 0.05, four draws from two positions."""
    torch.manual_seed(0)

    index_BM, weight_BM = draw(torch.tensor([[1.0, 4.0]]), 4)

    wanted_BM = torch.where(index_BM == 0, 1 / (8 * 0.23), 1 / (8 * 0.77))
    torch.testing.assert_close(weight_BM, wanted_BM)


def test_only_real_positions_are_drawn_whatever_stands_elsewhere() -> None:
    mask_BN = torch.arange(30) < torch.tensor([[30], [7], [1]])
    importance_BN = torch.rand(3, 30).masked_fill(~mask_BN, math.nan)

    index_BM, weight_BM = draw(importance_BN, 500, mask_BN)

    assert bool((index_BM < torch.tensor([[30], [7], [1]])).all())
    torch.testing.assert_close(weight_BM[2], torch.full((500,), 1 / 500))


def test_a_masked_mean_is_that_of_the_real_positions() -> None:
    """Of a constant every even draw is the mean itself."""
    f_BNE = torch.tensor([2.0, 3.0]).reshape(2, 1, 1).expand(2, 30, 1)
    mask_BN = torch.arange(30) < torch.tensor([[30], [7]])
    f_BNE = f_BNE.masked_fill(~mask_BN.unsqueeze(-1), math.inf)

    y_BE = monte_carlo_mean(f_BNE, torch.ones(2, 30), 5, mask_BN)

    torch.testing.assert_close(y_BE, torch.tensor([[2.0], [3.0]]))


def test_an_example_without_a_real_position_weighs_nothing() -> None:
    nothing_BN = torch.zeros(2, 9, dtype=torch.bool)

    _, weight_BM = draw(torch.full((2, 9), math.nan), 4, nothing_BN)
    y_BE = monte_carlo_mean(torch.full((2, 9, 3), math.nan), torch.ones(2, 9), 4, nothing_BN)

    assert not weight_BM.any()
    assert not y_BE.any()


def test_a_position_without_importance_keeps_a_tenth_of_an_even_chance() -> None:
    """0.1 / 10, so that its weight is 10 / M."""
    importance_BN = torch.tensor([[0.0] + [1.0] * 9], dtype=torch.float64)
    torch.manual_seed(0)

    index_BM, weight_BM = draw(importance_BN, 10_000)

    rare = weight_BM[index_BM == 0]
    assert float(rare[0]) == pytest.approx(10 / 10_000)
    assert len(rare) == pytest.approx(100, abs=40)


def test_the_gradient_on_average_is_that_of_the_mean() -> None:
    f_BNE = _peaked().requires_grad_()
    torch.manual_seed(0)

    (drawn,) = torch.autograd.grad(
        monte_carlo_mean(f_BNE, f_BNE.abs().squeeze(-1), 200_000).sum(), f_BNE
    )

    torch.testing.assert_close(drawn, torch.full_like(drawn, 1 / POSITIONS), rtol=0.2, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_estimate_has_the_dtype_of_its_function(dtype: torch.dtype) -> None:
    f_BNE = torch.rand(2, 9, 3).to(dtype)

    y_BE = monte_carlo_mean(f_BNE, f_BNE.mean(-1), 4)

    assert y_BE.dtype == dtype
    assert y_BE.shape == (2, 3)
