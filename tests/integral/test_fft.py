import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.integral.fft import fft_flops, fft_length, long_convolution


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


@given(length=st.integers(1, 5000))
def test_the_transform_is_long_enough_and_no_longer_than_it_must_be(length: int) -> None:
    points = fft_length(length)

    assert points >= 2 * length - 1
    assert points & (points - 1) == 0
    assert points // 2 < 2 * length - 1


def test_the_cost_of_64_positions_by_hand() -> None:
    """128 points: 3 transforms of 2.5 · 128 · 7, and 65 products of 6."""
    assert fft_flops(64) == 3 * 2240 + 390
