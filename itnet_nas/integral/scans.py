"""Memories that fade at a rate of their own in every number, at every position.

    linear     h[n] = a[n] ⊙ h[n − 1] + b[n]
    selective  h[n] = e^(Δ[n] A) ⊙ h[n − 1] + Δ[n] x[n] B[n]^T,     y[n] = h[n] C[n]

The sequence is cut into about √N chunks. All chunks take one step at a time together, each from an
empty memory; then memories are handed on from chunk to chunk, faded by all that lies between. So
there are about 2 √N steps instead of N, and exponents are never positive. The selective memory has
S numbers for each channel: it is never kept for all positions. Its backward pass takes up the
memories at the borders of chunks, and goes through a few chunks at a time again.

States are float32 at least.

Source  S6, arXiv 2312.00752; chunks as in SSD, arXiv 2405.21060
Shapes  B examples, N positions, D channels, S numbers of state, C chunks, L positions of a chunk;
        X = B, or 1 where all examples have the same A
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from itnet_nas.integral.accelerators import Accelerator, accelerator
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.integral.networks import Dims, by_network, more_examples
from itnet_nas.integral.precision import as_given, at_least_float32

AT_ONCE = 1 << 21  # numbers of state that the backward pass keeps at a time


def scan_chunks(length: int) -> tuple[int, int]:
    """(C, L): how many chunks, and how long they are."""
    size = 1 << math.ceil(math.log2(max(1, length)) / 2)
    return -(-length // size), size


def _cut(u_BND: Tensor, fill: float = 0.0) -> Tensor:
    """u_LBCD: what all chunks read at their step l lies together."""
    chunks, size = scan_chunks(u_BND.shape[1])
    rest = chunks * size - u_BND.shape[1]
    padded = F.pad(u_BND, (0, 0, 0, rest), value=fill)
    return padded.reshape(len(u_BND), chunks, size, -1).permute(2, 0, 1, 3).contiguous()


def _joined(u_LBCD: Tensor, length: int) -> Tensor:
    """u_BND, the inverse of `_cut`."""
    return u_LBCD.permute(1, 2, 0, 3).flatten(1, 2)[:, :length]


def _handed_on(total_BCX: Tensor, last_BCX: Tensor) -> Tensor:
    """Memory before each chunk, from what a chunk leaves of one and what it makes itself."""
    before = [torch.zeros_like(last_BCX[:, 0])]
    for c in range(last_BCX.shape[1] - 1):
        before.append(total_BCX[:, c] * before[-1] + last_BCX[:, c])
    return torch.stack(before, 1)


def _scan(a_BND: Tensor, b_BND: Tensor) -> Tensor:
    """h_BND of the linear memory."""
    a_LBCD, h_LBCD = _cut(a_BND, 1.0), _cut(b_BND).clone()
    kept_LBCD = a_LBCD.clone()
    for step in range(1, len(a_LBCD)):
        h_LBCD[step].addcmul_(a_LBCD[step], h_LBCD[step - 1])
        kept_LBCD[step].mul_(kept_LBCD[step - 1])
    before_BCD = _handed_on(kept_LBCD[-1], h_LBCD[-1])
    return _joined(h_LBCD.addcmul_(kept_LBCD, before_BCD), a_BND.shape[1])


class _LinearScan(torch.autograd.Function):
    """Its backward pass is the same scan from the other end."""

    @staticmethod
    def forward(a_BND: Tensor, b_BND: Tensor) -> Tensor:
        return _scan(a_BND, b_BND)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    def vmap(info: Any, in_dims: Dims, *given: Tensor) -> tuple[Tensor, int]:
        """Networks are more examples."""
        h_BND: Tensor = _LinearScan.apply(*more_examples(info.batch_size, in_dims, given))  # type: ignore[no-untyped-call]
        return by_network(info.batch_size, h_BND), 0

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        a_BND, h_BND = ctx.saved_tensors
        # g[n] = y'[n] + a[n + 1] g[n + 1]
        after_BND = F.pad(a_BND[:, 1:], (0, 0, 0, 1)).flip(1)
        g_BND = _scan(after_BND, grads[0].flip(1)).flip(1)
        return g_BND * F.pad(h_BND[:, :-1], (0, 0, 1, 0)), g_BND


def linear_scan(a_BND: Tensor, b_BND: Tensor) -> Tensor:
    """h_BND of h[n] = a[n] ⊙ h[n − 1] + b[n], from an empty memory; 0 ≤ a ≤ 1."""
    exact = at_least_float32(b_BND)
    with as_given(b_BND):
        h_BND: Tensor = _LinearScan.apply(a_BND.to(exact), b_BND.to(exact))  # type: ignore[no-untyped-call]
    return h_BND


class _Parts(NamedTuple):
    """What drives a selective memory, cut into chunks."""

    delta_LBCD: Tensor
    x_LBCD: Tensor
    b_LBCS: Tensor
    c_LBCS: Tensor

    def at(self, chunks: slice) -> _Parts:
        """Those chunks alone."""
        return _Parts(*(part[:, :, chunks] for part in self))


def _fade(delta_BCD: Tensor, a_XDS: Tensor) -> Tensor:
    """e^(Δ A), as fade_BCDS; A of each example, or one for all."""
    return (delta_BCD.unsqueeze(-1) * a_XDS.unsqueeze(1)).exp_()


def _totals(parts: _Parts, a_XDS: Tensor) -> Tensor:
    """What a chunk leaves of the memory before it, (B, C, D, S)."""
    return _fade(parts.delta_LBCD.sum(0), a_XDS)


def _take(h_BCDS: Tensor, parts: _Parts, a_XDS: Tensor, step: int) -> Tensor:
    """One step of every chunk, in place."""
    delta_BCD, b_BCS = parts.delta_LBCD[step], parts.b_LBCS[step]
    gain_BCD = delta_BCD * parts.x_LBCD[step]
    h_BCDS.mul_(_fade(delta_BCD, a_XDS))
    return h_BCDS.addcmul_(gain_BCD.unsqueeze(-1), b_BCS.unsqueeze(-2))


def _empty(parts: _Parts, a_XDS: Tensor) -> Tensor:
    batch, chunks = parts.delta_LBCD.shape[1:3]
    return a_XDS.new_zeros(batch, chunks, *a_XDS.shape[1:])


def _selective(parts: _Parts, a_XDS: Tensor) -> tuple[Tensor, Tensor]:
    """(y_LBCD, the memory before each chunk)."""
    h_BCDS = _empty(parts, a_XDS)
    for step in range(len(parts.delta_LBCD)):
        _take(h_BCDS, parts, a_XDS, step)
    before_BCDS = _handed_on(_totals(parts, a_XDS), h_BCDS)
    h_BCDS = before_BCDS.clone()
    y_LBCD = torch.empty_like(parts.x_LBCD)
    for step in range(len(parts.delta_LBCD)):
        _take(h_BCDS, parts, a_XDS, step)
        y_LBCD[step] = (h_BCDS @ parts.c_LBCS[step].unsqueeze(-1)).squeeze(-1)
    return y_LBCD, before_BCDS


def _adjoint_after(parts: _Parts, a_XDS: Tensor, dy_LBCD: Tensor) -> Tensor:
    """What each chunk is told by those after it: the gradient of the memory that it hands on."""
    g_BCDS = _empty(parts, a_XDS)
    for step in reversed(range(len(dy_LBCD))):
        g_BCDS.addcmul_(dy_LBCD[step].unsqueeze(-1), parts.c_LBCS[step].unsqueeze(-2))
        g_BCDS.mul_(_fade(parts.delta_LBCD[step], a_XDS))
    return _handed_on(_totals(parts, a_XDS).flip(1), g_BCDS.flip(1)).flip(1)


class _SelectiveScan(torch.autograd.Function):
    """Keeps its inputs and the memories at the borders of chunks."""

    @staticmethod
    def forward(
        delta_BND: Tensor, a_XDS: Tensor, x_BND: Tensor, b_BNS: Tensor, c_BNS: Tensor
    ) -> tuple[Tensor, Tensor]:
        parts = _Parts(_cut(delta_BND), _cut(x_BND), _cut(b_BNS), _cut(c_BNS))
        y_LBCD, before_BCDS = _selective(parts, a_XDS)
        return _joined(y_LBCD, delta_BND.shape[1]), before_BCDS

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*inputs, output[1])

    @staticmethod
    def vmap(info: Any, in_dims: Dims, *given: Tensor) -> tuple[tuple[Tensor, Tensor], Any]:
        """Networks are more examples, each with the A of its network."""
        count = info.batch_size
        delta_BND, a_BDS, x_BND, b_BNS, c_BNS = more_examples(count, in_dims, given)
        if len(a_BDS) < len(x_BND):
            a_BDS = a_BDS.repeat_interleave(len(x_BND) // len(a_BDS), 0)
        y_BND, before_BCDS = _SelectiveScan.apply(delta_BND, a_BDS, x_BND, b_BNS, c_BNS)  # type: ignore[no-untyped-call]
        return (by_network(count, y_BND), by_network(count, before_BCDS)), (0, 0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        delta_BND, a_XDS, x_BND, b_BNS, c_BNS, before_BCDS = ctx.saved_tensors
        length = delta_BND.shape[1]
        parts = _Parts(_cut(delta_BND), _cut(x_BND), _cut(b_BNS), _cut(c_BNS))
        dy_LBCD = _cut(grads[0])
        after_BCDS = _adjoint_after(parts, a_XDS, dy_LBCD)
        batch, chunks, width, state = before_BCDS.shape
        group = max(1, AT_ONCE // (batch * width * state * (len(dy_LBCD) + 1)))
        found = _Parts(*(torch.empty_like(part) for part in parts))
        da_XDS = torch.zeros_like(a_XDS)
        for first in range(0, chunks, group):
            here = slice(first, first + group)
            da_XDS += _grouped(
                parts.at(here), a_XDS, dy_LBCD[:, :, here], before_BCDS[:, here],
                after_BCDS[:, here], found.at(here),
            )  # fmt: skip
        delta, x, b, c = (_joined(part, length) for part in found)
        return delta, da_XDS, x, b, c


def _grouped(
    parts: _Parts,
    a_XDS: Tensor,
    dy_LBCD: Tensor,
    before_BCDS: Tensor,
    after_BCDS: Tensor,
    found: _Parts,
) -> Tensor:
    """Gradients of some chunks, written into `found`; returns the one of A."""
    steps = len(dy_LBCD)
    h_JBCDS = before_BCDS.new_empty(steps + 1, *before_BCDS.shape)
    h_JBCDS[0] = before_BCDS
    for step in range(steps):
        h_JBCDS[step + 1] = h_JBCDS[step]
        _take(h_JBCDS[step + 1], parts, a_XDS, step)
    g_BCDS = after_BCDS.clone()
    da_XDS = torch.zeros_like(a_XDS)
    sums = "bcds,bcd->ds" if len(a_XDS) == 1 else "bcds,bcd->bds"
    for step in reversed(range(steps)):
        delta_BCD, x_BCD = parts.delta_LBCD[step], parts.x_LBCD[step]
        dy_BCD1 = dy_LBCD[step].unsqueeze(-1)
        g_BCDS.addcmul_(dy_BCD1, parts.c_LBCS[step].unsqueeze(-2))
        found.c_LBCS[step] = (dy_BCD1.mT @ h_JBCDS[step + 1]).squeeze(-2)
        gain_BC1D = (delta_BCD * x_BCD).unsqueeze(-2)
        found.b_LBCS[step] = (gain_BC1D @ g_BCDS).squeeze(-2)
        dgain_BCD = (g_BCDS @ parts.b_LBCS[step].unsqueeze(-1)).squeeze(-1)
        found.x_LBCD[step] = dgain_BCD * delta_BCD
        g_BCDS.mul_(_fade(delta_BCD, a_XDS))  # now of the memory one step earlier
        dexponent_BCDS = g_BCDS * h_JBCDS[step]
        found.delta_LBCD[step] = dgain_BCD * x_BCD + (dexponent_BCDS * a_XDS.unsqueeze(1)).sum(-1)
        da_XDS += torch.einsum(sums, dexponent_BCDS, delta_BCD)
    return da_XDS


def _mamba(device: str) -> Accelerator:
    path = "mamba_ssm.ops.selective_scan_interface:selective_scan_fn"
    return accelerator(path, device, "mamba-ssm")


def selective_scan_evaluations(length: int, device: str) -> tuple[Evaluation, ...]:
    """How `selective_scan` computes at a length, on a kind of device."""
    found = _mamba(device)
    chunks, size = scan_chunks(length)
    why = f"{chunks} chunks of {size} take a step together; states are kept at their borders"
    steps = f"{length} steps one after the other; decoding takes them, by `step`"
    return (
        Evaluation("chunks", found.function is None, why),
        Evaluation("recurrence", False, steps),
        Evaluation("mamba-ssm", found.function is not None, found.reason),
    )


def selective_scan(
    delta_BND: Tensor, a_DS: Tensor, x_BND: Tensor, b_BNS: Tensor, c_BNS: Tensor
) -> Tensor:
    """y_BND of the selective memory, from an empty one; Δ ≥ 0 and A ≤ 0. Float32 at least."""
    exact = at_least_float32(x_BND)
    given = [part.to(exact) for part in (delta_BND, a_DS.unsqueeze(0), x_BND, b_BNS, c_BNS)]
    fused = _mamba(x_BND.device.type).function
    with as_given(x_BND):
        if fused is not None and exact == torch.float32:
            delta, a, x, b, c = given
            y_BDN: Tensor = fused(x.mT, delta.mT, a[0], b.mT, c.mT)
            return y_BDN.mT
        y_BND: Tensor = _SelectiveScan.apply(*given)[0]  # type: ignore[no-untyped-call]
    return y_BND
