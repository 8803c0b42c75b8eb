import pytest
import torch
from torch import Tensor

from itnet_nas.integral.chunks import FadingWork, fading_sum_work
from itnet_nas.integral.linear_sums import (
    fading_norms,
    linear_sum,
    linear_sum_evaluations,
    linear_sum_work,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def _randn(*size: int) -> Tensor:
    return torch.randn(size, dtype=torch.float64)


@pytest.mark.parametrize("length", [7, 70])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("fades", [True, False])
def test_it_is_the_sum_over_all_pairs(length: int, causal: bool, fades: bool) -> None:
    q, k, v = _randn(2, 3, length, 4), _randn(2, 3, length, 4), _randn(2, 3, length, 5)
    log_H = -torch.rand(3, dtype=torch.float64) if fades else None

    y = linear_sum(q, k, v, log_H, causal)

    gap_NN = (torch.arange(length).unsqueeze(1) - torch.arange(length)).abs()
    weight = q @ k.mT
    if log_H is not None:
        weight = weight * (log_H[:, None, None] * gap_NN).exp()
    wanted = (weight.tril() if causal else weight) @ v
    torch.testing.assert_close(y, wanted, rtol=0, atol=1e-11)


def test_a_half_precision_sum_over_everything_is_computed_in_float32() -> None:
    q, k, v = (torch.randn(1, 2, 50, 4, dtype=torch.bfloat16) for _ in range(3))

    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = linear_sum(q, k, v)

    torch.testing.assert_close(y, linear_sum(q.float(), k.float(), v.float()), rtol=0, atol=0)


@pytest.mark.parametrize("causal", [True, False])
def test_norms_are_sums_of_a_row(causal: bool) -> None:
    log_H = torch.tensor([0.0, -0.5], dtype=torch.float64)

    sum_HN, square_HN = fading_norms(log_H, 6, causal)

    gap_NN = (torch.arange(6).unsqueeze(1) - torch.arange(6)).abs()
    weight_HNN = (log_H[:, None, None] * gap_NN).exp()
    weight_HNN = weight_HNN.tril() if causal else weight_HNN
    torch.testing.assert_close(sum_HN, weight_HNN.sum(-1))
    torch.testing.assert_close(square_HN, weight_HNN.square().sum(-1))


def test_one_sum_by_hand() -> None:
    """5 positions, 2 heads, 3 numbers, 4 channels: a matrix of 24, made and read by each."""
    work = linear_sum_work(5, heads=2, state=3, size=4, causal=False, fades=False)

    assert work == FadingWork(flops=480, train_flops=1440, moved=48, kept=10 * 10 + 24)


def test_both_ways_are_two_sums_over_a_past() -> None:
    once = fading_sum_work(40, 2, 3, 4, 2, fades=True)

    assert linear_sum_work(40, 2, 3, 4, causal=True, fades=True) == once
    assert linear_sum_work(40, 2, 3, 4, causal=False, fades=True) == tuple(2 * n for n in once)


@pytest.mark.parametrize(
    ("causal", "fades", "way"),
    [(False, False, "sum"), (True, False, "chunks"), (False, True, "chunks")],
)
def test_one_sum_is_taken_where_it_serves_every_position(
    causal: bool, fades: bool, way: str
) -> None:
    ways = linear_sum_evaluations(100, causal, fades, "cpu")

    assert [evaluation.name for evaluation in ways if evaluation.taken] == [way]
