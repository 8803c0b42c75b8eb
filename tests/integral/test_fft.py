import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.integral.fft import fft_convolution, fft_flops, fft_length, long_convolution


@settings(deadline=None, max_examples=25)
@given(length=st.integers(1, 40), two_sided=st.booleans(), seed=st.integers(0, 1000))
def test_it_is_the_sum_over_lags(length: int, two_sided: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    u, past, future = torch.randn(3, 2, length, generator=generator, dtype=torch.float64)

    y_DN = long_convolution(u.unsqueeze(0), past, future if two_sided else None)[0]

    wanted = torch.zeros(2, length, dtype=torch.float64)
    for n in range(length):
        for m in range(length):
            if m <= n:
                wanted[:, n] += past[:, n - m] * u[:, m]
            elif two_sided:
                wanted[:, n] += future[:, m - n] * u[:, m]
    torch.testing.assert_close(y_DN, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_the_dtype_of_the_signal_comes_back(dtype: torch.dtype) -> None:
    u_BDN = torch.ones(1, 1, 4, dtype=dtype)

    y_BDN = long_convolution(u_BDN, torch.ones(1, 4))

    assert y_BDN.dtype == dtype
    assert y_BDN.flatten().tolist() == pytest.approx([1, 2, 3, 4], abs=1e-5)


def test_half_precision_is_summed_in_single() -> None:
    """In bfloat16 a running sum of ones stops at 256; here only the result is rounded."""
    u_BDN = torch.ones(1, 1, 1024, dtype=torch.bfloat16)

    y_BDN = long_convolution(u_BDN, torch.ones(1, 1024))

    assert float(y_BDN[0, 0, -1]) == 1024


@given(length=st.integers(1, 5000), reach=st.integers(0, 5000))
def test_the_transform_is_long_enough_and_has_small_factors(length: int, reach: int) -> None:
    points = fft_length(length, reach)

    assert points >= length + reach
    assert points <= 1.25 * (length + reach) + 8
    odd = points // (points & -points)
    assert odd in (1, 3, 5, 7, 9, 15)
    assert odd == 1 or points % 8 == 0


def test_the_longest_lag_is_one_less_than_the_length_where_it_is_not_given() -> None:
    assert fft_length(600) == fft_length(600, 599) == 1280


def test_taps_with_a_short_reach_need_little_more_than_the_signal() -> None:
    assert fft_length(4096, 31) == 4608


def test_the_cost_of_64_positions_by_hand() -> None:
    """128 points: 3 transforms of 2.5 · 128 · 7, and 65 products of 6."""
    assert fft_flops(64) == 3 * 2240 + 390


def _fields(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (5, 2), (9, 1), (1, 13)])
def test_on_a_grid_it_is_conv2d(rows: int, columns: int) -> None:
    """Taps that reach beyond both ends of the domain among them."""
    u_BDXY, w_DST = _fields(2, 3, 4, 6), _fields(3, rows, columns)
    before = (rows // 2, columns // 3)

    y_BDXY = fft_convolution(u_BDXY, w_DST, before)

    margins = (before[1], columns - 1 - before[1], before[0], rows - 1 - before[0])
    padded = torch.nn.functional.pad(u_BDXY, margins)
    wanted = torch.nn.functional.conv2d(padded, w_DST.unsqueeze(1), groups=3)
    torch.testing.assert_close(y_BDXY, wanted, rtol=0, atol=1e-12)


def test_first_and_second_derivatives_are_those_of_finite_differences() -> None:
    u_BDN, w_DR = _fields(2, 2, 5).requires_grad_(), _fields(2, 4).requires_grad_()

    assert torch.autograd.gradcheck(lambda u, w: fft_convolution(u, w, (1,)), (u_BDN, w_DR))
    assert torch.autograd.gradgradcheck(lambda u, w: fft_convolution(u, w, (1,)), (u_BDN, w_DR))


def test_a_gradient_that_is_not_asked_for_is_not_computed() -> None:
    u_BDN, w_DR = _fields(2, 2, 5), _fields(2, 4).requires_grad_()

    fft_convolution(u_BDN, w_DR, (1,)).sum().backward()

    assert u_BDN.grad is None
    assert w_DR.grad is not None


def test_a_batch_that_is_cut_for_the_cache_is_the_batch_whole() -> None:
    """2048 points of 64 channels are cut into pairs of examples."""
    u_BDN, w_DR = _fields(5, 64, 1024).requires_grad_(), _fields(64, 1024).requires_grad_()
    weight_BDN = _fields(5, 64, 1024).flip(-1)

    y_BDN = fft_convolution(u_BDN, w_DR, (1023,))
    grad_u, grad_w = torch.autograd.grad((y_BDN * weight_BDN).sum(), (u_BDN, w_DR))

    pieces = [fft_convolution(u_BDN[b : b + 1], w_DR, (1023,)) for b in range(5)]
    torch.testing.assert_close(y_BDN, torch.cat(pieces), rtol=0, atol=1e-10)
    loss = (torch.cat(pieces) * weight_BDN).sum()
    one_u, one_w = torch.autograd.grad(loss, (u_BDN, w_DR))
    torch.testing.assert_close(grad_u, one_u, rtol=0, atol=1e-10)
    torch.testing.assert_close(grad_w, one_w, rtol=0, atol=1e-10)
