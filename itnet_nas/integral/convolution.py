"""Convolutions over sequences and grids: taps for each channel, or a matrix for each tap.

    y[n, d] = Σ_o w[d, o] u[n + s·o, d]           depthwise
    y[n]    = Σ_o W[o] u[n + s·o]                 dense

o runs over −before … after along each axis, s is the dilation, u = 0 outside the domain. Taps that
reach beyond both ends of the domain are left out.

A depthwise convolution is computed directly, or by FFT where taps are many. On a CPU the direct one
is a convolution of images with channels last, which is how u_BND lies in memory: at 4096 positions
of 64 channels and 7 taps that takes a third of the time of conv1d, whose input has to be turned. A
dilated one is an undilated one of s interleaved fields, at a tenth of the time of conv1d.

Shapes  B examples, N positions, D channels, E channels that are read, R taps along all axes;
        X, Y the axes of an image and S, T the taps along them; P points of a transform
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional as F

from itnet_nas.integral.dense import DenseKernel, one_head_per_channel
from itnet_nas.integral.evaluation import Evaluation, taken
from itnet_nas.integral.fft import fft_convolution, fft_length
from itnet_nas.integral.positions import coordinates

if TYPE_CHECKING:
    from torch import Tensor, nn

    Ints = tuple[int, ...]

# Taps up to which the direct convolution is the faster, forward and backward, on a CPU with AVX-512
# (64 channels, 8 examples, torch 2.13). Sequences: 64 at 256 positions, 100 at 1024 and at 4096.
# Grids: 11 x 11 at 16 x 16, 9 x 9 at 32 x 32 and at 64 x 64.
MOST_DIRECT = {1: 96, 2: 100}
# On other devices a direct convolution is asked for more of them. Not measured.
MOST_DIRECT_ELSEWHERE = 192


def depthwise_convolution(
    u_BND: Tensor, w_DR: Tensor, shape: Ints, before: Ints, dilation: int = 1
) -> Tensor:
    """y_BND. `w_DR` has one axis of taps for each axis of the domain; `before` counts them."""
    w_DR, before = _inside(w_DR, shape, before, dilation)
    sizes = tuple(w_DR.shape[1:])
    ways = depthwise_evaluations(shape, before, _after(sizes, before), dilation, u_BND.device.type)
    if taken(ways) == "fft":
        u_BDX = u_BND.mT.reshape(u_BND.shape[0], -1, *shape)
        far = tuple(dilation * early for early in before)
        return fft_convolution(u_BDX, spread_taps(w_DR, dilation, len(shape)), far).flatten(2).mT
    w_D1R = w_DR.unsqueeze(1)
    if u_BND.device.type != "cpu":
        return _plain(u_BND, w_D1R, shape, before, dilation)
    if len(shape) == 1:
        # Rows of `dilation` positions: a column holds every dilation-th one.
        u_BXYD = _rows(u_BND, 1, dilation)
        y_BXYD = _image(u_BXYD, w_D1R.unsqueeze(-1), (before[0], 0))
        return y_BXYD.flatten(1, 2)[:, : shape[0]]
    u_BXYD = u_BND.reshape(len(u_BND), *shape, -1)
    if dilation == 1:
        return _image(u_BXYD, w_D1R, before).flatten(1, 2)
    parts_BXsYsD = _rows(_rows(u_BXYD, 1, dilation), 3, dilation)
    parts_BssXYD = parts_BXsYsD.permute(0, 2, 4, 1, 3, 5)
    y_BssXYD = _image(parts_BssXYD.flatten(0, 2), w_D1R, before).reshape(parts_BssXYD.shape)
    y_BXYD = y_BssXYD.permute(0, 3, 1, 4, 2, 5).flatten(3, 4).flatten(1, 2)
    return y_BXYD[:, : shape[0], : shape[1]].flatten(1, 2)


def dense_convolution(
    u_BND: Tensor,
    w_DER: Tensor,
    shape: Ints,
    before: Ints,
    dilation: int = 1,
    b_D: Tensor | None = None,
) -> Tensor:
    """y_BND, with `b_D` added. `w_DER` and `before` are as in a depthwise one, but for E."""
    w_DER, before = _inside(w_DER, shape, before, dilation)
    if u_BND.device.type != "cpu":
        return _plain(u_BND, w_DER, shape, before, dilation, b_D)
    if len(shape) == 1:
        # One row: a product of matrices for each tap, along positions that lie side by side.
        y_B1ND = _image(u_BND.unsqueeze(1), w_DER.unsqueeze(2), (0, before[0]), (1, dilation), b_D)
        return y_B1ND.squeeze(1)
    u_BXYD = u_BND.reshape(len(u_BND), *shape, -1)
    return _image(u_BXYD, w_DER, before, (dilation, dilation), b_D).flatten(1, 2)


def tap_pairs(
    shape: Ints, before: Ints, after: Ints, dilation: int = 1, device: torch.device | None = None
) -> Tensor:
    """Booleans t_RNN: whether m stands at the r-th offset of n, x[m] − x[n] = s·o_r."""
    ranges = [range(-b, a + 1) for b, a in zip(before, after, strict=True)]
    offset_RA = dilation * torch.tensor(list(product(*ranges)), device=device)
    x_NA = coordinates(shape, device)
    gap_NNA = x_NA.unsqueeze(0) - x_NA.unsqueeze(1)
    pairs_RNN: Tensor = (gap_NNA == offset_RA[:, None, None]).all(-1)
    return pairs_RNN


def depthwise_kernel(
    taps_DR: Tensor, mix: nn.Linear, u_BND: Tensor, pair_RNN: Tensor
) -> DenseKernel:
    """Of a window for each channel, K_d[i, j] = w_d[x_j − x_i], and a map of channels behind it.

    Heads are channels, O holds the columns of the map; `pair_RNN` are `tap_pairs`.
    """
    k_DNN = torch.einsum("dr,rij->dij", taps_DR, pair_RNN.to(taps_DR.dtype))
    v_D1D, _ = one_head_per_channel(len(taps_DR), u_BND)
    return DenseKernel(
        k_BHNN=k_DNN.expand(len(u_BND), -1, -1, -1),
        v_HEF=v_D1D,
        o_HDE=mix.weight.mT.unsqueeze(-1),
        b_D=mix.bias,
    )


def depthwise_evaluations(
    shape: Ints, before: Ints, after: Ints, dilation: int = 1, device: str = "cpu"
) -> tuple[Evaluation, ...]:
    """Direct or by FFT, and why."""
    taps = taps_inside(shape, before, after, dilation)
    most, known = MOST_DIRECT_ELSEWHERE, f"up to which {device} computes directly, not measured"
    if device == "cpu":
        most, known = MOST_DIRECT[len(shape)], "up to which direct is faster on a CPU, as measured"
    few = taps <= most
    counted = f"{taps} taps, {'not more' if few else 'more'} than the {most} {known}"
    return (Evaluation("direct", few, counted), Evaluation("fft", not few, counted))


class DepthwiseWork(NamedTuple):
    """What one channel of one example takes, as `Cost` counts it; not counting weights."""

    flops: int  # forward
    back: int  # operations of the backward pass
    moved: int  # numbers written out and read again on the way
    kept: int  # numbers kept for the backward pass, the input among them


def depthwise_work(shape: Ints, before: Ints, after: Ints, dilation: int = 1) -> DepthwiseWork:
    """Of the evaluation that is taken on a CPU.

    direct  2 N R forward and twice that backward; taps beyond the border are counted, those beyond
            both ends are not. Kept: the input, with the margin in front where it has one.
    fft     Three real transforms of 2.5 M log₂ M and as many complex products, of 6, as there are
            frequencies; backward five transforms, two products and a sum. Moved: taps and signal
            with what fills them up, their spectra and the product, and the result. Kept: the input
            and the taps, filled up.
    """
    way = taken(depthwise_evaluations(shape, before, after, dilation))
    taps, length = taps_inside(shape, before, after, dilation), math.prod(shape)
    before, after = _reach(shape, before, dilation), _reach(shape, after, dilation)
    if way == "direct":
        margins = [dilation * b if b != a else 0 for b, a in zip(before, after, strict=True)]
        kept = math.prod(size + margin for size, margin in zip(shape, margins, strict=True))
        return DepthwiseWork(2 * length * taps, 4 * length * taps, 0, kept)
    far = [dilation * max(b, a) for b, a in zip(before, after, strict=True)]
    each = [fft_length(size, reach) for size, reach in zip(shape, far, strict=True)]
    points = math.prod(each)
    frequencies = points // each[-1] * (each[-1] // 2 + 1)
    transforms = 2.5 * points * math.log2(points)
    return DepthwiseWork(
        flops=int(3 * transforms) + 6 * frequencies,
        back=int(5 * transforms) + 14 * frequencies,
        moved=2 * (3 * points + 6 * frequencies),
        kept=length + points,
    )


def spread_taps(w: Tensor, dilation: int, axes: int) -> Tensor:
    """Taps along the last axes with dilation − 1 zeros between them: the same without dilation."""
    for axis in range(-axes, 0):
        count = dilation * (w.shape[axis] - 1) + 1
        filled = F.pad(w.movedim(axis, -1).unsqueeze(-1), (0, dilation - 1)).flatten(-2)
        w = filled[..., :count].movedim(-1, axis)
    return w


def taps_inside(shape: Ints, before: Ints, after: Ints, dilation: int = 1) -> int:
    """How many taps there are that do not reach beyond both ends of the domain."""
    before, after = _reach(shape, before, dilation), _reach(shape, after, dilation)
    return math.prod(b + a + 1 for b, a in zip(before, after, strict=True))


def _reach(shape: Ints, taps: Ints, dilation: int) -> Ints:
    """As many of the taps to one side as stay inside the domain."""
    return tuple(min(t, (size - 1) // dilation) for t, size in zip(taps, shape, strict=True))


def _after(sizes: Ints, before: Ints) -> Ints:
    return tuple(size - 1 - early for size, early in zip(sizes, before, strict=True))


def _inside(w: Tensor, shape: Ints, before: Ints, dilation: int) -> tuple[Tensor, Ints]:
    """The taps that do not reach beyond both ends, and how many of them come before the middle."""
    axes = len(shape)
    near = _reach(shape, before, dilation)
    ahead = _reach(shape, _after(tuple(w.shape[-axes:]), before), dilation)
    for axis in range(axes):
        start, count = before[axis] - near[axis], near[axis] + ahead[axis] + 1
        if count < w.shape[axis - axes]:
            w = w.narrow(axis - axes, start, count)
    return w, near


def _margins(sizes: Ints, before: Ints, dilation: int = 1) -> list[int]:
    """What F.pad has to be told: the last axis first."""
    pairs = zip(before, _after(sizes, before), strict=True)
    return [dilation * part for pair in reversed(list(pairs)) for part in pair]


def _plain(
    u_BND: Tensor,
    w_DER: Tensor,
    shape: Ints,
    before: Ints,
    dilation: int,
    b_D: Tensor | None = None,
) -> Tensor:
    """conv1d or conv2d; E is 1 for a depthwise one."""
    groups = len(w_DER) if w_DER.shape[1] == 1 else 1
    u_BDX = u_BND.mT.reshape(u_BND.shape[0], -1, *shape)
    u_BDX = F.pad(u_BDX, _margins(tuple(w_DER.shape[2:]), before, dilation))
    convolve = F.conv1d if len(shape) == 1 else F.conv2d
    return convolve(u_BDX, w_DER, b_D, groups=groups, dilation=dilation).flatten(2).mT


def _rows(u: Tensor, axis: int, count: int) -> Tensor:
    """An axis as rows of `count` positions, the last one filled up with zeros."""
    rest = -u.shape[axis] % count
    if rest:
        u = F.pad(u, [0, 0] * (u.ndim - 1 - axis) + [0, rest])
    return u.reshape(*u.shape[:axis], -1, count, *u.shape[axis + 1 :])


def _image(
    u_BXYD: Tensor,
    w_DEST: Tensor,
    before: Ints,
    dilation: Ints = (1, 1),
    b_D: Tensor | None = None,
) -> Tensor:
    """y_BXYD by conv2d with channels last; E is 1 for a depthwise one."""
    groups = len(w_DEST) if w_DEST.shape[1] == 1 else 1
    after = _after(tuple(w_DEST.shape[2:]), before)
    padding = tuple(step * early for step, early in zip(dilation, before, strict=True))
    if before != after:
        late = tuple(step * count for step, count in zip(dilation, after, strict=True))
        u_BXYD = F.pad(u_BXYD, (0, 0, padding[1], late[1], padding[0], late[0]))
        padding = (0, 0)
    # No copy, but where the field did not lie like this already.
    u_BDXY = u_BXYD.contiguous().permute(0, 3, 1, 2)
    y_BDXY = F.conv2d(u_BDXY, w_DEST, b_D, padding=padding, dilation=dilation, groups=groups)
    return y_BDXY.permute(0, 2, 3, 1)
