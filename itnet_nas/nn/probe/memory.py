"""How the past is kept: whether all of it is written into a few directions, or each token apart.

Cut a sequence in two. H_j collects what a token j of the past does to all of the future, and
H_ij its part at position i. In a cache or a window each token has channels of its own, and the
H_j are orthogonal to one another but for chance; a memory of n numbers has no more than n
directions for all of them.

    W  = Σ_{j≠k} w_j w_k C_jk / (√C_jj √C_kk) / Σ_{j≠k} w_j w_k     C_jk = ‖H_jᵀ H_k‖²,  w_j = ‖H_j‖
    W₀ the same with C°_jk = Σ_i ‖H_ijᵀ H_ik‖² above: what is left of C_jk on average
       if every block H_ij has a random sign
    state = (W − W₀) / (1 − W₀), between 0 and 1            horizon = Σ_j w_j² (cut − j) / Σ_j w_j²

Nothing but what cotangents pull back is read. With a_j = vᵀ H_j, a'_j = v'ᵀ H_j and independent v
and v' on the future, E[⟨a_j, a'_j⟩ ⟨a_k, a'_k⟩] = C_jk. The future is dealt out at random into
groups and each cotangent comes group by group: its sum gives C, its parts give the same within
groups, E_g, which has all of C° and the share q of the rest that two positions have in one group.
So C° = (E_g − q C) / (1 − q), from all positions at once.

Shapes  B examples, N positions, D channels, R cotangents, G groups, K = G·R rows, P = R(R − 1) / 2
        pairs of cotangents, C cuts, L lags, S resamples
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import torch

from itnet_nas.nn.probe.interval import Resamples, estimate
from itnet_nas.nn.probe.rows import Field, pulled_back

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from itnet_nas.kernels import Domain
    from itnet_nas.nn.probe.budget import Budget
    from itnet_nas.nn.probe.rows import Run
    from itnet_nas.results.measured import Estimate

SHORT = 2.0  # a horizon below this leaves too few tokens to tell a memory from a window
FEWEST = 4  # cotangents of each example at least, so that there are six pairs of them


@final
@dataclass(frozen=True)
class Memory:
    """How the past is kept, how far back it reaches, and why a figure is missing.

    `rows` counts what was pulled back, over all examples.
    """

    state: Estimate | None
    horizon: Estimate | None
    notes: dict[str, str] = field(default_factory=dict)
    rows: int = 0


def memory(
    op: Run,
    u_BND: Tensor,
    mask_BN: Tensor | None,
    domain: Domain,
    budget: Budget,
    generator: Generator,
) -> Memory:
    """Read `state` and `horizon` of an operator on a sequence.

    Each example is cut at `budget.memory_cuts` places in the middle third of its real positions.
    Of a layer that looks both ways, what comes out is how its future half reads its past half.
    """
    if domain.kind != "sequence":
        return _missing("only positions in an order have a past")
    if not budget.memory_rows:
        return _missing("this budget does not ask for it")
    given = Field(u_BND.detach(), mask_BN)
    found = []
    for index in range(budget.memory_cuts):
        share = 1 / 2 if budget.memory_cuts == 1 else (1 + index / (budget.memory_cuts - 1)) / 3
        read = _Cut.of(given.real_BN, share)
        if read is not None:
            found.append(_read(op, given, read, budget.memory_rows, generator))
    if not found:
        return _missing("too few positions to have a past and a future of two each")
    return _report(found, budget.resamples, generator)


def _missing(why: str) -> Memory:
    return Memory(None, None, {"state": why, "horizon": why})


def _report(found: list[_Read], resamples: int, generator: Generator) -> Memory:
    rows = sum(one.rows for one in found)
    coherence_CB, null_CB, lag_CB, energy_CB = (
        torch.stack([getattr(one, name) for one in found]).cpu()
        for name in ("coherence_B", "null_B", "lag_B", "energy_B")
    )
    if not bool(energy_CB.sum() > 0):
        why = "nothing of the past reaches the future"
        return Memory(None, None, {"state": why, "horizon": why}, rows)
    again = Resamples(len(found), 1, energy_CB.shape[1], resamples, generator)
    horizon = _estimate(again.ratio(lag_CB.unsqueeze(1), energy_CB.unsqueeze(1)), torch.inf)
    if horizon is not None and horizon.value < SHORT:
        why = f"a past of {horizon.value:.1f} positions is too short to tell a memory from a window"
        return Memory(None, horizon, {"state": why}, rows)
    heard_CB = (energy_CB > 0).double()
    top_CB, bottom_CB = coherence_CB - null_CB, heard_CB - null_CB
    state = _estimate(again.ratio(top_CB.unsqueeze(1), bottom_CB.unsqueeze(1)), 1)
    notes = {} if state is not None else {"state": "all of the past comes from one position"}
    return Memory(state, horizon, notes, rows)


def _estimate(value_S: Tensor, high: float) -> Estimate | None:
    return estimate(value_S, 0, high)


@final
@dataclass(frozen=True)
class _Cut:
    """Past and future of every example, and how far before its cut a position stands."""

    past_BN: Tensor
    future_BN: Tensor
    lag_BN: Tensor

    @classmethod
    def of(cls, real_BN: Tensor, share: float) -> _Cut | None:
        """The cut after this share of the real positions; None where all are too short for one.

        An example that is too short for it has no past.
        """
        order_BN = real_BN.cumsum(1)  # the first real position is number 1
        count_B1 = order_BN[:, -1:]
        before_B1 = (count_B1 * share).round().to(order_BN.dtype)
        enough_B1 = (before_B1 >= 2) & (count_B1 - before_B1 >= 2)
        if not bool(enough_B1.any()):
            return None
        past_BN = real_BN & (order_BN <= before_B1) & enough_B1
        place_N = torch.arange(real_BN.shape[1], device=real_BN.device)
        cut_B1 = torch.where(past_BN, place_N, 0).amax(1, keepdim=True) + 1
        return cls(past_BN, real_BN & ~past_BN, (cut_B1 - place_N).clamp(min=0))


@final
@dataclass(frozen=True)
class _Read:
    """What one cut says of each example: W, W₀, Σ_j w_j² (cut − j), Σ_j w_j², and rows read."""

    coherence_B: Tensor
    null_B: Tensor
    lag_B: Tensor
    energy_B: Tensor
    rows: int


def _read(op: Run, given: Field, cut: _Cut, count: int, generator: Generator) -> _Read:
    groups = 4 if count >= 4 * FEWEST else 2
    cotangents = max(count // groups, FEWEST)
    on_GBN, share_B = _dealt(cut.future_BN, groups, generator)
    like = given.u_BND
    sign_RBND = torch.randint(
        2, (cotangents, *like.shape), generator=generator, device=generator.device
    )
    v_RBND = (2 * sign_RBND - 1).to(like)
    v_GRBND = v_RBND * on_GBN[:, None, :, :, None]
    g_GRBND = pulled_back(op, given, v_GRBND.flatten(0, 1)).reshape(v_GRBND.shape)
    # Fourth powers of small numbers follow, and sums that nearly cancel.
    a_GRBND = (g_GRBND * cut.past_BN[..., None]).double()
    whole_RBND = a_GRBND.sum(0)
    s_PBN = _pairs(whole_RBND)
    e_RBN = whole_RBND.square().sum(-1)
    w2_BN, c_BN = e_RBN.mean(0), s_PBN.square().mean(0)
    # The same pairs make W and its norms, and their errors cancel: W ≤ 1 holds for them too. W₀
    # is made of others, so that its norms must be steadier: C_jj / w_j⁴, which lies between 1/D
    # and 1, is pooled over the examples, by lag.
    own_BN = _inverse(c_BN.sqrt())
    w4_BN = (e_RBN.sum(0).square() - e_RBN.square().sum(0)) / (cotangents * (cotangents - 1))
    ratio_BN = _pooled(c_BN, cut.lag_BN) * _inverse(_pooled(w4_BN, cut.lag_BN))
    pooled_BN = _inverse(w2_BN * ratio_BN.clamp(1 / like.shape[-1], 1).sqrt())
    w_BN = w2_BN.sqrt()
    weight_B = _inverse(w_BN.sum(1).square() - w2_BN.sum(1))
    together_B = _crossed(s_PBN, w_BN * pooled_BN)
    within_GB = torch.stack([_crossed(_pairs(a_RBND), w_BN * pooled_BN) for a_RBND in a_GRBND])
    return _Read(
        coherence_B=weight_B * _crossed(s_PBN, w_BN * own_BN),
        null_B=weight_B * (within_GB.sum(0) - share_B * together_B) / (1 - share_B),
        lag_B=(w2_BN * cut.lag_BN).sum(1),
        energy_B=w2_BN.sum(1),
        rows=groups * cotangents * len(given),
    )


def _dealt(future_BN: Tensor, groups: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Groups on_GBN of the future, at random, and how likely two of it are in the same one."""
    draw_BN = torch.rand(future_BN.shape, generator=generator, device=generator.device)
    order_BN = (draw_BN.to(future_BN.device) + 2 * ~future_BN).argsort(1).argsort(1)
    group_G = torch.arange(groups, device=future_BN.device)
    on_GBN = future_BN & (order_BN % groups == group_G[:, None, None])
    size_GB, all_B = on_GBN.sum(2).double(), future_BN.sum(1).double()
    return on_GBN, (size_GB * (size_GB - 1)).sum(0) / (all_B * (all_B - 1)).clamp(min=2)


def _pairs(a_RBND: Tensor) -> Tensor:
    """s_PBN = ⟨a_j, a'_j⟩ for every two cotangents."""
    s_RRBN = torch.einsum("rbnd,qbnd->rqbn", a_RBND, a_RBND)
    first_P, second_P = torch.triu_indices(len(a_RBND), len(a_RBND), offset=1)
    return s_RRBN[first_P, second_P]


def _crossed(s_PBN: Tensor, k_BN: Tensor) -> Tensor:
    """Σ_{j≠k} k_j k_k s_j s_k for each example, averaged over the pairs of cotangents."""
    t_PBN = k_BN * s_PBN
    return (t_PBN.sum(-1).square() - t_PBN.square().sum(-1)).mean(0)


def _pooled(value_BN: Tensor, lag_BN: Tensor) -> Tensor:
    """For each position the sum over all examples at the same lag."""
    sum_L = value_BN.new_zeros(value_BN.shape[1] + 1)
    return sum_L.index_add(0, lag_BN.flatten(), value_BN.flatten())[lag_BN]


def _inverse(value: Tensor) -> Tensor:
    """1 / value, and 0 where value is 0: a token that nothing is known of takes no part."""
    return torch.where(value > 0, 1 / value.clamp(min=1e-300), 0.0)
