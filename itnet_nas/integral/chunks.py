"""Sums over the past whose pairs fade, in time and memory O(N): chunk by chunk, with a state.

    y[i] = Σ_{j ≤ i} e^{a_i − a_j} (q[i]·k[j]) v[j],        a_i = Σ_{n ≤ i} l_n,   l_n ≤ 0

The sequence is cut into J chunks of at most 32 positions. Inside a chunk all pairs are formed;
what came before it is summed up in a state X of S x E numbers, which fades and grows from chunk to
chunk. With a counted from the beginning of each chunk, and a_C at its end:

    y[i]  = Σ_{j ≤ i in the chunk} e^{a_i − a_j} (q[i]·k[j]) v[j]  +  e^{a_i} X^T q[i]
    X    ← e^{a_C} X  +  Σ_j e^{a_C − a_j} k[j] v[j]^T

No exponent is ever above 0: differences of l are summed inside a chunk, never e^{a} / e^{a}, which
overflows. Everything is computed in float32 at least.

The gradients are sums of the same kind, so nothing of size N x C is kept for them. With dX the
gradient of the state that leaves a chunk, and R = ⟨X, dX⟩ there,

    da_i = dy[i]·y[i] − dv[i]·v[i],        dl_n = Σ_{i ≥ n in the chunk} da_i + R

Source  chunked form arXiv 2405.21060 (SSD) and 2312.06635 (GLA); the gradient of a follows from y
        being e^{a_i} times a sum of terms e^{−a_j} v[j]
Shapes  B examples, H heads, G = H or 1 heads of keys, N positions, S numbers of a key, E channels
        of a head, J chunks of C positions
"""

from __future__ import annotations

from typing import Any, NamedTuple, final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from itnet_nas.integral.accelerators import Accelerator, accelerator
from itnet_nas.integral.evaluation import Evaluation, taken
from itnet_nas.integral.networks import Dims, by_network, in_front, more_examples
from itnet_nas.integral.precision import as_given, at_least_float32

# A square costs C for each position, a state S E / C. With 16 numbers of state and heads of 16
# channels 32 took half the time of 64 on a CPU, and with 64 of each no more.
LONGEST = 32


def chunk_sizes(length: int) -> tuple[int, int]:
    """(J, C): as few chunks as there can be, all of one size."""
    chunks = -(-length // LONGEST)
    return chunks, -(-length // chunks)


def _fla(device: str) -> Accelerator:
    return accelerator("fla.ops.simple_gla:chunk_simple_gla", device, "flash-linear-attention")


def fading_sum_evaluations(length: int, device: str) -> tuple[Evaluation, ...]:
    """How `fading_sum` computes at a length, on a kind of device."""
    found = _fla(device)
    foreign = found.function is not None
    chunks, size = chunk_sizes(length)
    short = chunks == 1
    if foreign:
        why = "a fused kernel is there"
    elif short:
        why = f"{length} positions fit into one chunk of {LONGEST}"
    else:
        why = f"{length} positions make {chunks} chunks of {size}: no N x N matrix"
    return (
        Evaluation("pairs", short and not foreign, why),
        Evaluation("chunks", not short and not foreign, why),
        Evaluation("fla", foreign, found.reason),
    )


def fading_sum(
    q_BGNS: Tensor,
    k_BGNS: Tensor,
    v_BHNE: Tensor,
    log_BHN: Tensor | None = None,
    *,
    strict: bool = False,
) -> Tensor:
    """y_BHNE in the dtype of `v_BHNE`, or in float32 where that is half precision.

    `log_BHN` are the l_n; its sizes B and N may be 1 where nothing varies, and None is 0
    everywhere. `strict` leaves out j = i. A position with k or v of 0 takes no part.
    """
    dtype = at_least_float32(v_BHNE)
    q, k, v = (part.to(dtype) for part in (q_BGNS, k_BGNS, v_BHNE))
    log = None if log_BHN is None else log_BHN.to(dtype)
    length, device = v.shape[2], v.device.type
    with as_given(v):
        way = taken(fading_sum_evaluations(length, device))
        if way == "fla" and dtype == torch.float32:
            return _by_fla(q, k, v, log, strict)
        chunks, size = chunk_sizes(length)
        rest = chunks * size - length
        if log is not None:
            constant = log.shape[-1] == 1
            log = log.expand(-1, -1, size) if constant else F.pad(log, (0, rest))
            log = log.reshape(*log.shape[:2], -1, size)
        q, k, v = (_fold(part, chunks, size, rest) for part in (q, k, v))
        y: Tensor = _FadingSum.apply(q, k, v, log, strict)[0]  # type: ignore[no-untyped-call]
        return y.flatten(2, 3)[:, :, :length]


def _fold(k_BHNS: Tensor, chunks: int, size: int, rest: int) -> Tensor:
    """(B, H, J, C, S), contiguous, zeros after the last position."""
    if rest:
        k_BHNS = F.pad(k_BHNS, (0, 0, 0, rest))
    return k_BHNS.reshape(*k_BHNS.shape[:2], chunks, size, -1).contiguous()


@final
class _FadingSum(torch.autograd.Function):
    """q and k are (B, G, J, C, S), v is (B, H, J, C, E), and l is (B or 1, H, J or 1, C)."""

    @staticmethod
    def forward(
        q: Tensor, k: Tensor, v: Tensor, log: Tensor | None, strict: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Pairs inside the chunks, and the state that enters each."""
        a = None if log is None else log.cumsum(-1)
        y = _fade_pairs(q @ k.mT, a, strict) @ v
        entering = None
        if v.shape[2] > 1:
            entering = _entering(k.mT @ _times(v, _to_the_end(a)), _whole(a))
            y = y + _times(q @ entering, _since_the_start(a))
        return y, entering

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor | None]
    ) -> None:
        *given, ctx.strict = inputs
        y, entering = output
        if entering is not None:
            ctx.mark_non_differentiable(entering)
        # y is wanted for the gradient of the decay alone.
        ctx.save_for_backward(*given, entering, y if ctx.needs_input_grad[3] else None)

    @staticmethod
    def vmap(info: Any, in_dims: Dims, *given: Any) -> tuple[Any, Any]:
        """Networks are more examples."""
        q, k, v, log, strict = given
        count = info.batch_size
        q, k, v = more_examples(count, in_dims[:3], (q, k, v))
        if log is not None:
            (log,) = in_front(count, in_dims[3:4], (log,))
            log = log.expand(-1, len(v) // count, *log.shape[2:]).flatten(0, 1)
        y, entering = _FadingSum.apply(q, k, v, log, strict)  # type: ignore[no-untyped-call]
        y = by_network(count, y)
        if entering is None:
            return (y, None), (0, None)
        return (y, by_network(count, entering)), (0, 0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        """Pairs formed anew, and the gradient of the state that leaves each chunk."""
        q, k, v, log, entering, y = ctx.saved_tensors
        with as_given(v):
            a = None if log is None else log.cumsum(-1)
            dy = dy.contiguous()
            dv = _fade_pairs(q @ k.mT, a, ctx.strict).mT @ dy
            pairs = _sum_to_heads(_fade_pairs(dy @ v.mT, a, ctx.strict), q.shape[1])
            dq, dk = pairs @ k, pairs.mT @ q
            leaving = None
            if entering is not None:
                faded = _times(dy, _since_the_start(a))
                into = (q.mT @ faded).flip(2)
                whole = _whole(a)
                leaving = _entering(into, None if whole is None else whole.flip(2)).flip(2)
                dq = dq + _sum_to_heads(faded @ entering.mT, q.shape[1])
                weight = _to_the_end(a)
                dk = dk + _sum_to_heads(_times(v, weight) @ leaving.mT, q.shape[1])
                dv = dv + _times(k @ leaving, weight)
            if y is None:
                return dq, dk, dv, None, None
            da = (dy * y).sum(-1) - (dv * v).sum(-1)
            dlog = da.flip(-1).cumsum(-1).flip(-1)
            if leaving is not None:
                after = F.pad(entering[:, :, 1:], (0, 0, 0, 0, 0, 1))
                dlog = dlog + (after * leaving).sum((-2, -1)).unsqueeze(-1)
            return dq, dk, dv, dlog.sum_to_size(log.shape), None


def _fade_pairs(score: Tensor, a: Tensor | None, strict: bool) -> Tensor:
    """score[i, j] e^{a_i − a_j} for j ≤ i, or j < i, and 0 elsewhere."""
    last = -1 if strict else 0
    if a is None:
        return score.tril(last)
    gap = a.unsqueeze(-1) - a.unsqueeze(-2)
    later = torch.ones(gap.shape[-2:], dtype=torch.bool, device=a.device).triu(last + 1)
    return score * gap.masked_fill_(later, -torch.inf).exp_()


def _entering(gained: Tensor, whole: Tensor | None) -> Tensor:
    """States (B, H, J, S, E) that enter the chunks, from what each gains and how far each fades."""
    state = torch.zeros_like(gained[:, :, 0])
    states = [state]
    for j in range(gained.shape[2] - 1):
        if whole is not None:
            state = state * whole[:, :, j if whole.shape[2] > 1 else 0]
        state = state + gained[:, :, j]
        states.append(state)
    return torch.stack(states, 2)


def _since_the_start(a: Tensor | None) -> Tensor | None:
    return None if a is None else a.exp().unsqueeze(-1)


def _to_the_end(a: Tensor | None) -> Tensor | None:
    return None if a is None else (a[..., -1:] - a).exp().unsqueeze(-1)


def _whole(a: Tensor | None) -> Tensor | None:
    return None if a is None else a[..., -1:].exp().unsqueeze(-1)


def _times(v: Tensor, weight: Tensor | None) -> Tensor:
    return v if weight is None else v * weight


def _sum_to_heads(part: Tensor, heads: int) -> Tensor:
    """Over the heads, where they share their keys."""
    return part if part.shape[1] == heads else part.sum(1, keepdim=True)


def _by_fla(
    q_BGNS: Tensor, k_BGNS: Tensor, v_BHNE: Tensor, log_BHN: Tensor | None, strict: bool
) -> Tensor:
    """The fused kernel, which has positions before heads, and j = i always among the pairs."""
    function = _fla(v_BHNE.device.type).function
    assert function is not None
    batch, heads, length, _ = v_BHNE.shape
    q, k = (part.expand(-1, heads, -1, -1) for part in (q_BGNS, k_BGNS))
    zero = v_BHNE.new_zeros(batch, heads, length)
    log = zero if log_BHN is None else log_BHN.expand(batch, -1, length)
    parts = [part.transpose(1, 2).contiguous() for part in (q, k, v_BHNE, log)]
    y_BNHE, _ = function(*parts, scale=1.0)
    y_BHNE: Tensor = y_BNHE.transpose(1, 2)
    return y_BHNE - (q * k).sum(-1, keepdim=True) * v_BHNE if strict else y_BHNE


class FadingWork(NamedTuple):
    """What `fading_sum` does for one example: operations, and numbers (not bytes)."""

    flops: int
    train_flops: int  # forward and backward
    moved: int  # written out and read again in a forward pass
    kept: int  # for the backward pass


def fading_sum_work(
    length: int, heads: int, state: int, size: int, key_heads: int, fades: bool = True
) -> FadingWork:
    """In chunks of C positions, whose squares are formed whole.

    flops       2 N C (S G + E H), and with more than one chunk 4 N S E H for what the states gain
                and give, 2 J S E H for their fading
    train_flops backward forms the pairs anew, 2 N C (3 S G + 2 E H), reads and makes the states
                and their gradients, 8 N S E H + 2 J S E H
    moved       q, k, v, y, the squares and the states, once in and once out; with fading a second
                set of squares
    kept        q, k, v and the states; with fading l and y
    """
    chunks, chunk = chunk_sizes(length)
    padded = chunks * chunk
    scores, values = (2 * padded * chunk * n for n in (state * key_heads, size * heads))
    inside = FadingWork(
        flops=scores + values,
        train_flops=4 * scores + 3 * values,
        moved=2 * padded * (2 * state * key_heads + 2 * size * heads + chunk * heads * (1 + fades)),
        kept=padded * (2 * state * key_heads + (1 + fades) * size * heads + fades * heads),
    )
    if chunks == 1:
        return inside
    states = chunks * state * size * heads
    passes, fading = 4 * padded * state * size * heads, 2 * states * fades
    return FadingWork(
        flops=inside.flops + passes + fading,
        train_flops=inside.train_flops + 3 * passes + 2 * fading,
        moved=inside.moved + 2 * states,
        kept=inside.kept + states,
    )
