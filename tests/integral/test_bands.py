import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from itnet_nas.integral.bands import window_offsets, window_pairs, window_real, window_sum

SHAPES = st.one_of(st.tuples(st.integers(1, 40)), st.tuples(st.integers(1, 6), st.integers(1, 20)))


def _randn(*size: int) -> Tensor:
    return torch.randn(size, dtype=torch.float64)


def _over_all_pairs(
    a_BNHR: Tensor, v_BNHE: Tensor, shape: tuple[int, ...], before: int, after: int
) -> Tensor:
    pair_RNN = window_pairs(shape, before, after).double()
    all_BNHR = a_BNHR.expand(len(v_BNHE), -1, -1, -1)
    return torch.einsum("bnhr,rnm,bmhe->bnhe", all_BNHR, pair_RNN, v_BNHE)


@settings(deadline=None, max_examples=40)
@given(
    shape=SHAPES,
    before=st.integers(0, 5),
    after=st.integers(0, 5),
    shared=st.booleans(),
    seed=st.integers(0, 99),
)
def test_bands_give_what_a_sum_over_all_pairs_gives(
    shape: tuple[int, ...], before: int, after: int, shared: bool, seed: int
) -> None:
    length = torch.Size(shape).numel()
    taps = (before + after + 1) ** len(shape)
    torch.manual_seed(seed)
    a_BNHR = _randn(1 if shared else 3, length, 2, taps).requires_grad_()
    v_BNHE = _randn(3, length, 2, 4).requires_grad_()

    y_BNHE = window_sum(a_BNHR, v_BNHE, shape, before, after)

    wanted = _over_all_pairs(a_BNHR, v_BNHE, shape, before, after)
    torch.testing.assert_close(y_BNHE, wanted, rtol=0, atol=1e-12)
    way = _randn(*y_BNHE.shape)
    gradients = [torch.autograd.grad((y * way).sum(), (a_BNHR, v_BNHE)) for y in (y_BNHE, wanted)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-12)


def test_a_window_of_70_is_cut_into_longer_blocks_and_gives_the_same() -> None:
    a_BNHR = _randn(1, 150, 1, 70)
    v_BNHE = _randn(1, 150, 1, 2)

    y_BNHE = window_sum(a_BNHR, v_BNHE, (150,), 69, 0)

    wanted = _over_all_pairs(a_BNHR, v_BNHE, (150,), 69, 0)
    torch.testing.assert_close(y_BNHE, wanted, rtol=0, atol=1e-12)


def test_taps_are_numbered_row_by_row() -> None:
    assert window_offsets(1, 0, 2) == [(-1, -1), (-1, 0), (0, -1), (0, 0)]


def test_a_tap_past_the_end_is_not_real() -> None:
    real = window_real(torch.tensor([[True, True, False]]), (3,), 1, 1)

    assert real.tolist() == [[[False, True, True], [True, True, False], [True, False, False]]]


def test_on_a_grid_both_axes_end() -> None:
    real_BNR = window_real(torch.ones(2, 12, dtype=torch.bool), (3, 4), 1, 2)

    assert torch.equal(real_BNR[1], window_pairs((3, 4), 1, 2).any(-1).T)


def test_a_gradient_that_nobody_asks_for_is_not_made() -> None:
    v_BNHE = torch.randn(1, 5, 1, 2, requires_grad=True)

    y_BNHE = window_sum(torch.ones(1, 5, 1, 3), v_BNHE, (5,), 1, 1)

    (grad_BNHE,) = torch.autograd.grad(y_BNHE.sum(), v_BNHE)
    assert grad_BNHE[0, :, 0, 0].tolist() == [2, 3, 3, 3, 2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_sum_has_the_dtype_of_the_values(dtype: torch.dtype) -> None:
    a_BNHR = torch.rand(1, 9, 1, 3).requires_grad_()
    v_BNHE = torch.randn(2, 9, 1, 2, dtype=dtype).requires_grad_()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        y_BNHE = window_sum(a_BNHR, v_BNHE, (9,), 1, 1)
    (grad_BNHR,) = torch.autograd.grad(y_BNHE.sum(), a_BNHR)

    assert y_BNHE.dtype == dtype
    assert grad_BNHR.dtype == torch.float32
