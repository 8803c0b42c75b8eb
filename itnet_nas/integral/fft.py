"""Convolutions with many taps, by FFT: along a sequence, or along both axes of a grid.

    y[n] = Σ_o w[o] u[n + o]            o = −before … after along each axis, u = 0 beyond the ends

Signal and taps are padded to M ≥ N + max(before, after) points along each axis, so nothing wraps
around. Half precision is computed in float32: there is no half-precision FFT on CPUs, and its
rounding would drown small taps elsewhere.

What is kept for the backward pass is u and w alone; the transforms are made again there. On a CPU a
few examples are transformed at a time, as many as stay in the cache.

Shapes  B examples, D channels, N positions, M points of the transform; X positions and R taps along
        one axis or two, P points and F frequencies along them
"""

from __future__ import annotations

import math
from typing import Any, final

import torch
from torch import Tensor
from torch.nn import functional as F

from itnet_nas.integral.networks import Dims, by_network, in_front
from itnet_nas.integral.precision import at_least_float32

# Numbers of a padded signal that are transformed together on a CPU: 1 MiB of float32. At 4096
# positions of 64 channels one example at a time takes 0.9 of the time of 8 together, and an eighth
# of the memory.
_CACHED = 1 << 18


def fft_length(length: int, reach: int | None = None) -> int:
    """M: a power of two, or 8 at least times 3, 5, 7, 9 or 15, at or above length + reach.

    `reach` is the longest lag; left out, it is `length` − 1. Lengths of other factors take up to
    ten times as long to transform.
    """
    least = length + (length - 1 if reach is None else reach)
    best = 1 << (least - 1).bit_length()
    for odd in (3, 5, 7, 9, 15):
        twos = max(8, 1 << (-(-least // odd) - 1).bit_length())
        best = min(best, odd * twos)
    return best


def fft_flops(length: int, reach: int | None = None) -> int:
    """Operations of a convolution along a sequence, for one channel of one example.

    Three real transforms (signal, taps, back) of 2.5 M log₂ M each, and M/2 + 1 complex products
    of 6.
    """
    points = fft_length(length, reach)
    return int(7.5 * points * math.log2(points)) + 6 * (points // 2 + 1)


def long_convolution(u_BDN: Tensor, past_DN: Tensor, future_DN: Tensor | None = None) -> Tensor:
    """y[n] = Σ_{t ≥ 0} past[t] u[n − t] + Σ_{t ≥ 1} future[t] u[n + t], in the dtype of `u_BDN`.

    `future[:, 0]` is not used: lag 0 belongs to `past`.
    """
    w_DR = past_DN.flip(-1)
    if future_DN is not None:
        w_DR = torch.cat([w_DR, future_DN[:, 1:].to(w_DR.dtype)], -1)
    return fft_convolution(u_BDN, w_DR, (past_DN.shape[-1] - 1,))


def fft_convolution(u_BDX: Tensor, w_DR: Tensor, before: tuple[int, ...]) -> Tensor:
    """y_BDX in the dtype of `u_BDX`; X and R stand for one axis or two, as many as in `before`."""
    exact = at_least_float32(u_BDX)
    points = []
    w_DR = w_DR.to(exact)
    for axis, early in enumerate(before):
        size, late = u_BDX.shape[2 + axis], w_DR.shape[1 + axis] - 1 - early
        # Taps that reach beyond both ends of the domain are left out.
        far, reach = min(early, size - 1), min(late, size - 1)
        w_DR = w_DR.narrow(1 + axis, early - far, far + 1 + reach)
        points.append(fft_length(size, max(far, reach)))
    axes = range(len(before))
    rest = [points[axis] - w_DR.shape[1 + axis] for axis in axes]
    # Tap o stands at o mod M, where a circular convolution looks for it.
    k_DP = F.pad(w_DR, [part for axis in reversed(axes) for part in (0, rest[axis])])
    shifts = [-min(before[axis], u_BDX.shape[2 + axis] - 1) for axis in axes]
    k_DP = k_DP.roll(shifts, [1 + axis for axis in axes])
    y_BDX: Tensor = _Circular.apply(u_BDX.to(exact), k_DP)  # type: ignore[no-untyped-call]
    return y_BDX.to(u_BDX.dtype)


@final
class _Circular(torch.autograd.Function):
    """y[n] = Σ_o k[o mod M] u[n + o] for n inside the domain.

    torch would go back through each transform by a complex one of full length; these are real.
    """

    @staticmethod
    def forward(u_BDX: Tensor, k_DP: Tensor) -> Tensor:
        points = k_DP.shape[1:]
        k_DF = _transform(k_DP, points).conj()
        parts = [
            _back(_transform(u_XDX, points) * k_DF, points, u_BDX.shape[2:])
            for u_XDX in torch.split(u_BDX, _at_once(u_BDX, k_DP))
        ]
        return torch.cat(parts)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def vmap(info: Any, in_dims: Dims, u: Tensor, k: Tensor) -> tuple[Tensor, int]:
        """Networks are more channels."""
        u_KBDX, k_KDP = in_front(info.batch_size, in_dims, (u, k))
        u_BDX = u_KBDX.transpose(0, 1).flatten(1, 2)
        y_BDX: Tensor = _Circular.apply(u_BDX, k_KDP.flatten(0, 1))  # type: ignore[no-untyped-call]
        return by_network(info.batch_size, y_BDX, 1), 1

    @staticmethod
    def backward(ctx: Any, grad_BDX: Tensor) -> tuple[Tensor | None, Tensor | None]:
        u_BDX, k_DP = ctx.saved_tensors
        points = k_DP.shape[1:]
        wants_u, wants_k = ctx.needs_input_grad
        k_DF = _transform(k_DP, points)
        parts, sum_DF = [], torch.zeros_like(k_DF)
        at_once = _at_once(u_BDX, k_DP)
        pairs = zip(torch.split(grad_BDX, at_once), torch.split(u_BDX, at_once), strict=True)
        for g_XDX, u_XDX in pairs:
            g_XDF = _transform(g_XDX, points)
            if wants_k:
                sum_DF = sum_DF + (g_XDF.conj() * _transform(u_XDX, points)).sum(0)
            if wants_u:
                parts.append(_back(g_XDF * k_DF, points, u_BDX.shape[2:]))
        grad_u = torch.cat(parts) if wants_u else None
        return grad_u, _back(sum_DF, points, points) if wants_k else None


def _at_once(u_BDX: Tensor, k_DP: Tensor) -> int:
    """How many examples are transformed together."""
    together = max(1, _CACHED // k_DP.numel()) if u_BDX.device.type == "cpu" else len(u_BDX)
    return min(together, len(u_BDX))


def _transform(u_BDX: Tensor, points: tuple[int, ...]) -> Tensor:
    axes = tuple(range(-len(points), 0))
    u_BDF: Tensor = torch.fft.rfftn(u_BDX, s=points, dim=axes)
    return u_BDF


def _back(y_BDF: Tensor, points: tuple[int, ...], sizes: tuple[int, ...]) -> Tensor:
    axes = tuple(range(-len(points), 0))
    y_BDX: Tensor = torch.fft.irfftn(y_BDF, s=points, dim=axes)
    for axis, size in zip(axes, sizes, strict=True):
        y_BDX = y_BDX.narrow(axis, 0, size)
    return y_BDX
