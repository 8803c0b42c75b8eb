"""Convolutions with kernels as long as the sequence, by FFT.

    y[n] = Σ_{t ≥ 0} past[t] u[n − t]  +  Σ_{t ≥ 1} future[t] u[n + t]

Signal and kernel are padded to M ≥ 2N − 1, so nothing wraps around. Half precision is computed in
float32: there is no half-precision FFT on CPUs, and its rounding would drown small taps elsewhere.

Shapes  B examples, D channels, N positions, M points of the transform
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def fft_length(length: int) -> int:
    """M: the power of two at or above 2·length − 1."""
    return 1 << (2 * length - 2).bit_length() if length > 1 else 1


def fft_flops(length: int) -> int:
    """Operations of `long_convolution` for one channel of one example.

    Three real transforms (signal, kernel, back) of 2.5 M log₂ M each, and M/2 + 1 complex products
    of 6.
    """
    points = fft_length(length)
    return int(7.5 * points * math.log2(points)) + 6 * (points // 2 + 1)


def long_convolution(u_BDN: Tensor, past_DN: Tensor, future_DN: Tensor | None = None) -> Tensor:
    """y_BDN in the dtype of `u_BDN`. `future[:, 0]` is not used: lag 0 belongs to `past`."""
    length = u_BDN.shape[-1]
    points = fft_length(length)
    exact = torch.float64 if u_BDN.dtype == torch.float64 else torch.float32
    kernel_DM = F.pad(past_DN.to(exact), (0, points - length))
    if future_DN is not None and length > 1:
        # Lag −t stands at M − t, where a circular convolution looks for it.
        ahead_DT = future_DN.to(exact)[:, 1:].flip(-1)
        kernel_DM = kernel_DM + F.pad(ahead_DT, (points - length + 1, 0))
    u_BDF = torch.fft.rfft(u_BDN.to(exact), n=points)
    k_DF = torch.fft.rfft(kernel_DM, n=points)
    y_BDM: Tensor = torch.fft.irfft(u_BDF * k_DF, n=points)
    y_BDN: Tensor = y_BDM[..., :length].to(u_BDN.dtype)
    return y_BDN
