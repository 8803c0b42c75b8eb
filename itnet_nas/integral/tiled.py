"""Sums over pairs of positions, tile by tile: no pass holds a number for every pair.

The forward pass keeps what it was given, and nothing else; the backward pass forms each tile again.
Tiles are small enough for the hidden numbers of one to stay in a processor's cache, which is why
they are faster than all pairs at once, forming everything twice notwithstanding.

With g = ∂Z and g₀ = ∂Z₀, and sums over j or i inside a tile:

    ∂(φκ) = g fᵀ     ∂φ = κ ⊙ g fᵀ + g₀ fᵀ     ∂f = (φκ)ᵀ g + φᵀ g₀
    ∂p = GELU′(p) ⊙ Rᵀ(φ ⊙ g fᵀ)     ∂a_m = Σ_j ∂p_m     ∂b_m = Σ_i ∂p_m     ∂(w q) = ∂p kᵀ

Shapes  as in `pairwise`; C queries and S keys of a tile, Y examples that are done together
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor
from torch.nn import functional as F

from itnet_nas.integral.evaluation import Evaluation, taken
from itnet_nas.integral.features import PairFactors
from itnet_nas.integral.monte_carlo import draw
from itnet_nas.integral.pairwise import (
    before_gelu,
    dense_sums,
    key_columns,
    pair_kernel,
    query_rows,
    read,
)
from itnet_nas.integral.precision import as_given

if TYPE_CHECKING:
    from itnet_nas.integral.measures import PairWindow

# Hidden numbers of a tile. On a CPU with 1 MiB of second-level cache; elsewhere, as it is not
# measured, few and large ones.
_TILE = 1 << 19
_TILE_ELSEWHERE = 1 << 24
_KEYS = 256
# Hidden numbers of one example up to which all pairs at once are faster than tiles: 8 examples of
# 64 positions with 16 units took 12 ms instead of 16, of 128 positions 43 instead of 25.
_DENSE = 1 << 16
_DENSE_ELSEWHERE = 1 << 22

_Tiles = list[tuple[slice, slice]]


def pair_sums(
    f: PairFactors, field_BHSE: Tensor, window: PairWindow | None = None
) -> tuple[Tensor, Tensor]:
    """(Z_BHNE, Z₀_BHNE) as `pair_evaluations` says; without a window Z₀ is (B, H, 1, E)."""
    _, hidden, queries = f.a_XMN.shape
    keys = field_BHSE.shape[2]
    if taken(pair_evaluations(queries, keys, hidden, field_BHSE.device.type)) == "tiled":
        return tiled_sums(f, field_BHSE, window)
    return dense_sums(f, field_BHSE, None if window is None else window.weights())


def drawn_sums(
    f: PairFactors, field_BHNE: Tensor, samples: int, mask_BN: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(Z_BHNE, Z₀_BH1E) without a window: Z from `samples` keys that are drawn, Z₀ exactly.

    f is 0 where a position is not real, its last channel 1 where it is, and chances grow with the
    size of the others. Z is unbiased, and so is whatever is linear in it.
    """
    z0_BH1E = field_BHNE.sum(2, keepdim=True)
    size_BN = field_BHNE[..., :-1].square().sum((1, 3)).sqrt()
    index_BS, weight_BS = draw(size_BN, samples, mask_BN)
    drawn_BHSE = field_BHNE.gather(
        2, index_BS[:, None, :, None].expand(-1, field_BHNE.shape[1], -1, field_BHNE.shape[3])
    )
    count_B1 = z0_BH1E[:, 0, :, -1]
    times_BS = (weight_BS * count_B1).to(field_BHNE.dtype)
    z_BHNE, _ = pair_sums(f.at_keys(index_BS), drawn_BHSE * times_BS[:, None, :, None])
    return z_BHNE, z0_BH1E


def pair_evaluations(
    queries: int, keys: int, hidden: int, device: str = "cpu"
) -> tuple[Evaluation, ...]:
    """All pairs at once, or tile by tile, and why."""
    numbers = hidden * queries * keys
    most = _DENSE if device == "cpu" else _DENSE_ELSEWHERE
    few = numbers <= most
    known = "up to which all at once is faster on a CPU, as measured"
    if device != "cpu":
        known = f"up to which {device} forms all at once, not measured"
    why = f"{numbers:,} hidden numbers, {'not more' if few else 'more'} than the {most:,} {known}"
    return (Evaluation("dense", few, why), Evaluation("tiled", not few, why))


def tiled_sums(
    f: PairFactors, field_BHSE: Tensor, window: PairWindow | None = None, tile: int | None = None
) -> tuple[Tensor, Tensor]:
    """(Z_BHNE, Z₀_BHNE); without a window Z₀ is (B, H, 1, E). `tile` counts hidden numbers."""
    if tile is None:
        tile = _TILE if _small(field_BHSE) else _TILE_ELSEWHERE
    width = None if window is None else window.log_width_HAT
    z_ZBHNE: Tensor = _TiledSums.apply(*f, field_BHSE, width, window, tile)  # type: ignore[no-untyped-call]
    if window is None:
        return z_ZBHNE[0], field_BHSE.sum(2, keepdim=True)
    return z_ZBHNE[0], z_ZBHNE[1]


def _small(like: Tensor) -> bool:
    return like.device.type == "cpu" and not torch.compiler.is_compiling()


def _tiles(queries: int, keys: int, hidden: int, window: PairWindow | None, tile: int) -> _Tiles:
    """(queries, keys) of each tile. Keys that cannot count for any of the queries are left out."""
    rows = max(1, tile // (hidden * min(keys, _KEYS)))
    margin = None if window is None else window.margin
    if margin is not None:
        rows = min(rows, max(16, 2 * margin))
    found = []
    for start in range(0, queries, rows):
        queried = slice(start, min(queries, start + rows))
        first, last = 0, keys
        if margin is not None:
            first, last = max(0, start - margin), min(keys, queried.stop + margin)
        if window is not None and window.causal:
            last = min(last, queried.stop)
        parts = math.ceil((last - first) * hidden * (queried.stop - start) / tile)
        width = math.ceil((last - first) / parts)
        found += [(queried, slice(at, min(last, at + width))) for at in range(first, last, width)]
    return found


def _some(f: PairFactors, examples: slice, queries: slice, keys: slice) -> PairFactors:
    if len(f.a_XMN) == 1:
        examples = slice(0, 1)
    return f._replace(
        a_XMN=f.a_XMN[examples, :, queries],
        q_XNG=f.q_XNG[examples, queries],
        b_XMS=f.b_XMS[examples, :, keys],
        k_XGS=f.k_XGS[examples, :, keys],
    )


def _examples(f: PairFactors, batch: int, queries: slice, keys: slice, tile: int) -> list[slice]:
    """All at once where κ is the same for every one of them, or where they fit into a tile."""
    numbers = f.a_XMN.shape[1] * (queries.stop - queries.start) * (keys.stop - keys.start)
    many = batch if len(f.a_XMN) == 1 else max(1, tile // numbers)
    return [slice(start, min(batch, start + many)) for start in range(0, batch, many)]


@final
class _TiledSums(torch.autograd.Function):
    """Z and, where there is a window, Z₀."""

    @staticmethod
    def forward(
        ctx: Any,
        *given: Any,
    ) -> Tensor:
        *factors, field_BHSE, width_HAT, window, tile = given
        f = PairFactors(*factors)
        ctx.save_for_backward(*factors, field_BHSE, width_HAT)
        ctx.window, ctx.tile = window, tile
        batch, heads, keys, size = field_BHSE.shape
        queries, hidden = f.a_XMN.shape[2], f.a_XMN.shape[1]
        z_ZBHNE: Tensor = field_BHSE.new_zeros(
            1 if window is None else 2, batch, heads, queries, size
        )
        with as_given(field_BHSE):
            for rows, columns in _tiles(queries, keys, hidden, window, tile):
                phi_HCS = None if window is None else window.weights(rows, columns)
                for some in _examples(f, batch, rows, columns, tile):
                    kappa_YHCS = pair_kernel(_some(f, some, rows, columns))
                    f_YHSE = field_BHSE[some, :, columns]
                    if phi_HCS is not None:
                        kappa_YHCS *= phi_HCS
                        z_ZBHNE[1, some, :, rows] += phi_HCS @ f_YHSE
                    z_ZBHNE[0, some, :, rows] += kappa_YHCS @ f_YHSE
        return z_ZBHNE

    @staticmethod
    def backward(ctx: Any, grad_ZBHNE: Tensor) -> tuple[Tensor | None, ...]:
        *factors, field_BHSE, width_HAT = ctx.saved_tensors
        f, window, tile = PairFactors(*factors), ctx.window, ctx.tile
        if torch.is_grad_enabled():
            return (*_differentiably(f, field_BHSE, width_HAT, window, grad_ZBHNE), None, None)
        grads = PairFactors(*map(torch.zeros_like, factors))
        grad_field = torch.zeros_like(field_BHSE)
        grad_width = None if width_HAT is None else torch.zeros_like(width_HAT)
        batch, _, keys, _ = field_BHSE.shape
        queries, hidden = f.a_XMN.shape[2], f.a_XMN.shape[1]
        with as_given(field_BHSE):
            for rows, columns in _tiles(queries, keys, hidden, window, tile):
                phi_HCS = grad_phi = None
                if window is not None:
                    with torch.enable_grad():
                        if width_HAT is not None:
                            leaf_HAT = width_HAT.detach().requires_grad_()
                            window = window._replace(log_width_HAT=leaf_HAT)
                        phi = window.weights(rows, columns)
                    phi_HCS, grad_phi = phi.detach(), torch.zeros_like(phi)
                for some in _examples(f, batch, rows, columns, tile):
                    out = grad_ZBHNE[:, some, :, rows]
                    part = _some(f, some, rows, columns)
                    into = _some(grads, some, rows, columns)
                    f_YHSE, into_field = field_BHSE[some, :, columns], grad_field[some, :, columns]
                    _tile_backward(part, into, f_YHSE, into_field, phi_HCS, grad_phi, out)
                if grad_width is not None and grad_phi is not None:
                    grad_width += torch.autograd.grad(phi, leaf_HAT, grad_phi)[0]
        return (*grads, grad_field, grad_width, None, None)


def _differentiably(
    f: PairFactors,
    field_BHSE: Tensor,
    width_HAT: Tensor | None,
    window: PairWindow | None,
    grad_ZBHNE: Tensor,
) -> list[Tensor | None]:
    """The same gradients, of which gradients can be taken in turn; all pairs at once."""
    phi_HNS = None
    if window is not None:
        phi_HNS = window._replace(log_width_HAT=width_HAT).weights()
    sums = dense_sums(f, field_BHSE, phi_HNS)
    asked = [part if part is not None and part.requires_grad else None
             for part in (*f, field_BHSE, width_HAT)]  # fmt: skip
    found = iter(
        torch.autograd.grad(
            sums[: len(grad_ZBHNE)],
            [part for part in asked if part is not None],
            tuple(grad_ZBHNE),
            create_graph=True,
        )
    )
    return [None if part is None else next(found) for part in asked]


def _tile_backward(
    f: PairFactors,
    into: PairFactors,
    f_YHSE: Tensor,
    into_field: Tensor,
    phi_HCS: Tensor | None,
    into_phi: Tensor | None,
    out_ZYHCE: Tensor,
) -> None:
    """Add what a tile gives to each gradient, `into` being views of them."""
    p_YMCS = before_gelu(f)
    h_YMP = F.gelu(p_YMCS).flatten(2)
    kappa_YHP = read(f, h_YMP)
    kappa_YHCS = kappa_YHP.reshape(*kappa_YHP.shape[:2], *p_YMCS.shape[2:])
    out_YHCE = out_ZYHCE[0]
    grad_YHCS = out_YHCE @ f_YHSE.mT
    if phi_HCS is None or into_phi is None:
        into_field += kappa_YHCS.mT @ out_YHCE
    else:
        into_field += (phi_HCS * kappa_YHCS).mT @ out_YHCE + phi_HCS.mT @ out_ZYHCE[1]
        if len(into_phi) == len(kappa_YHCS[0]):
            into_phi += (kappa_YHCS * grad_YHCS + out_ZYHCE[1] @ f_YHSE.mT).sum(0)
        grad_YHCS = grad_YHCS * phi_HCS
    if len(kappa_YHCS) == 1:
        grad_YHCS = grad_YHCS.sum(0, keepdim=True)
    grad_YHP = grad_YHCS.flatten(2)
    into.read_HM.add_((grad_YHP @ h_YMP.mT).sum(0))
    into.shift_H.add_(grad_YHP.sum((0, 2)))
    read_YMH = f.read_HM.T.expand(len(grad_YHP), -1, -1)
    grad_h = torch.bmm(read_YMH, grad_YHP).reshape(p_YMCS.shape)
    grad_p = torch.ops.aten.gelu_backward(grad_h, p_YMCS)
    into.b_XMS.add_(grad_p.sum(2))
    if not f.w_MG.shape[1]:
        into.a_XMN.add_(grad_p.sum(3))
        return
    flat_YPS = grad_p.flatten(1, 2)
    rows_YPG, columns_YGS = query_rows(f), key_columns(f)
    into.k_XGS.add_((rows_YPG.mT @ flat_YPS)[:, :-1])
    grad_rows = (flat_YPS @ columns_YGS.mT).reshape(*grad_p.shape[:3], -1)
    into.a_XMN.add_(grad_rows[..., -1])
    into.q_XNG.add_((grad_rows[..., :-1] * f.w_MG.unsqueeze(1)).sum(1))
    into.w_MG.add_((grad_rows[..., :-1] * f.q_XNG.unsqueeze(1)).sum((0, 2)))
