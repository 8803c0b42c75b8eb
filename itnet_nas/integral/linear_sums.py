"""Sums over all positions or over the past, with weights that are products and fade at fixed rates.

    y[i] = Σ_j γ_h^|i − j| (q[i]·k[j]) v[j]          over all j, in a causal domain over j ≤ i

Where every position sees all others and nothing fades, one matrix Σ_j k[j] v[j]^T serves them all.
Else `fading_sum` runs over the past, and where nothing is hidden also over the future.

Shapes  B examples, H heads, N positions, S numbers of a key, E channels of a head
"""

from __future__ import annotations

import torch
from torch import Tensor

from itnet_nas.integral.chunks import (
    FadingWork,
    fading_sum,
    fading_sum_evaluations,
    fading_sum_work,
)
from itnet_nas.integral.evaluation import Evaluation, taken
from itnet_nas.integral.precision import as_given, at_least_float32


def linear_sum_evaluations(
    length: int, causal: bool, fades: bool, device: str
) -> tuple[Evaluation, ...]:
    """How `linear_sum` computes at a length, on a kind of device."""
    alone = causal or fades
    why = "each position has a sum of its own" if alone else "one sum serves every position"
    others = fading_sum_evaluations(length, device)
    if not alone:
        others = tuple(Evaluation(way.name, False, why) for way in others)
    return (Evaluation("sum", not alone, why), *others)


def linear_sum(
    q_BHNS: Tensor,
    k_BHNS: Tensor,
    v_BHNE: Tensor,
    log_H: Tensor | None = None,
    causal: bool = False,
) -> Tensor:
    """y_BHNE, in float32 at least. `log_H` are log γ_h; None is 0 everywhere."""
    dtype = at_least_float32(v_BHNE)
    ways = linear_sum_evaluations(v_BHNE.shape[2], causal, log_H is not None, v_BHNE.device.type)
    if taken(ways) == "sum":
        with as_given(v_BHNE):
            return q_BHNS.to(dtype) @ (k_BHNS.to(dtype).mT @ v_BHNE.to(dtype))
    log_1H1 = None if log_H is None else log_H.reshape(1, -1, 1)
    y_BHNE = fading_sum(q_BHNS, k_BHNS, v_BHNE, log_1H1)
    if causal:
        return y_BHNE
    q, k, v = (part.flip(2) for part in (q_BHNS, k_BHNS, v_BHNE))
    return y_BHNE + fading_sum(q, k, v, log_1H1, strict=True).flip(2)


def linear_sum_work(
    length: int, heads: int, state: int, size: int, causal: bool, fades: bool
) -> FadingWork:
    """4 N H S E for one sum, three times that with backward; else `fading_sum_work`, once or twice.

    One sum is written and read once. It keeps q, k, v and itself.
    """
    if causal or fades:
        work = fading_sum_work(length, heads, state, size, heads, fades)
        return FadingWork(*((1 if causal else 2) * figure for figure in work))
    flops, matrix = 4 * length * heads * state * size, heads * state * size
    kept = length * heads * (2 * state + size) + matrix
    return FadingWork(flops=flops, train_flops=3 * flops, moved=2 * matrix, kept=kept)


def fading_norms(log_H: Tensor, length: int, causal: bool) -> tuple[Tensor, Tensor]:
    """Σ_j γ_h^|i − j| and Σ_j γ_h^(2 |i − j|), for every head and position i, each (H, N)."""
    lag_N = torch.arange(length, device=log_H.device)
    gamma_HN = (log_H.unsqueeze(-1) * lag_N).exp()
    norms = []
    for past_HN in (gamma_HN.cumsum(-1), gamma_HN.square().cumsum(-1)):
        # The future of a position is the past of its mirror image; lag 0 is in both.
        norms.append(past_HN if causal else past_HN + past_HN.flip(-1) - 1)
    return norms[0], norms[1]
