"""Sums over pairs of positions, each weighed by a small network of both and by a window.

    Z^h[i] = Σ_j φ^h(i, j) κ^h(i, j) f_j          Z₀^h[i] = Σ_j φ^h(i, j) f_j

κ is given by its factors (`features`), φ by a window (`measures`), and f is any field. With
f = (v, 1) the two sums hold all that is needed to centre κ under the measure φ, and to normalise
it. Here all pairs are formed at once, or those of the few keys that count for a query; many pairs
are done in tiles (`tiled`).

Source  ITNet (arXiv 2606.19538)
Shapes  B examples, X either B or 1, N queries, S keys, P pairs, H heads, M hidden units,
        G products, E channels of the field, K neighbours
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch.nn import functional as F

from itnet_nas.integral.neighbours import at_neighbours
from itnet_nas.integral.precision import as_given

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.integral.features import PairFactors


def before_gelu(f: PairFactors) -> Tensor:
    """p_XMNS: one product of matrices, of which a is one more column, and b added to it."""
    if not f.w_MG.shape[1]:
        return f.a_XMN.unsqueeze(3) + f.b_XMS.unsqueeze(2)
    hidden, queries = f.a_XMN.shape[1:]
    p_XPS = query_rows(f) @ key_columns(f)
    p_XMNS = p_XPS.reshape(len(p_XPS), hidden, queries, -1)
    return p_XMNS.add_(f.b_XMS.unsqueeze(2))


def query_rows(f: PairFactors) -> Tensor:
    """(w ⊙ q, a) of every unit, (X, M·N, G + 1)."""
    q_XMNG = f.q_XNG.unsqueeze(1) * f.w_MG.unsqueeze(1)
    return torch.cat([q_XMNG, f.a_XMN.unsqueeze(3)], 3).flatten(1, 2)


def key_columns(f: PairFactors) -> Tensor:
    """(k, 1), (X, G + 1, S)."""
    return torch.cat([f.k_XGS, torch.ones_like(f.k_XGS[:, :1])], 1)


def pair_kernel(f: PairFactors) -> Tensor:
    """κ_XHNS, all of it."""
    p_XMNS = before_gelu(f)
    kappa_XHP = read(f, F.gelu(p_XMNS).flatten(2))
    return kappa_XHP.reshape(*kappa_XHP.shape[:2], *p_XMNS.shape[2:])


def read(f: PairFactors, h_XMP: Tensor) -> Tensor:
    """κ_XHP of hidden numbers at P pairs."""
    # One product for each example: a single one of all would turn h round first.
    read_XHM = f.read_HM.expand(len(h_XMP), -1, -1)
    return torch.baddbmm(f.shift_H.unsqueeze(1), read_XHM, h_XMP)


def dense_sums(
    f: PairFactors, field_BHSE: Tensor, phi_HNS: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(Z_BHNE, Z₀_BHNE), every pair at once; without a window Z₀ is (B, H, 1, E)."""
    with as_given(field_BHSE):
        kappa_XHNS = pair_kernel(f)
        if phi_HNS is None:
            return kappa_XHNS @ field_BHSE, field_BHSE.sum(2, keepdim=True)
        return (phi_HNS * kappa_XHNS) @ field_BHSE, phi_HNS @ field_BHSE


def gathered_sums(
    f: PairFactors, field_BHNE: Tensor, index_BNK: Tensor, there_BNK: Tensor
) -> tuple[Tensor, Tensor]:
    """(Z_BHNE, Z₀_BHNE), where φ is 1 for the neighbours that are there, and 0 otherwise."""
    heads, size = field_BHNE.shape[1], field_BHNE.shape[3]
    batch = len(index_BNK)
    with as_given(field_BHNE):
        flat_BNF = field_BHNE.transpose(1, 2).flatten(2)
        keys = [part.mT.expand(batch, -1, -1) for part in (f.k_XGS, f.b_XMS)]
        fetched_BNKC = at_neighbours(torch.cat([*keys, flat_BNF], 2), index_BNK)
        sizes = [f.k_XGS.shape[1], f.b_XMS.shape[1], heads * size]
        k_BNKG, b_BNKM, flat_BNKF = torch.split(fetched_BNKC, sizes, 3)
        p_BNKM = (f.q_XNG.unsqueeze(2) * k_BNKG) @ f.w_MG.mT + f.a_XMN.mT.unsqueeze(2) + b_BNKM
        there_BNK1 = there_BNK.unsqueeze(3).to(p_BNKM.dtype)
        kappa_BNKH = (F.gelu(p_BNKM) @ f.read_HM.mT + f.shift_H) * there_BNK1
        # Every κ is summed with the channels of every head, and its own taken after: more products,
        # but none that is as large as what was fetched.
        weights_BNKW = torch.cat([kappa_BNKH, there_BNK1], 3)
        sums_BNWF = weights_BNKW.mT @ flat_BNKF
        sums_BNWHE = sums_BNWF.reshape(*sums_BNWF.shape[:3], heads, size)
        z_BNEH = sums_BNWHE[:, :, :-1].diagonal(dim1=2, dim2=3)
        return z_BNEH.permute(0, 3, 1, 2), sums_BNWHE[:, :, -1].transpose(1, 2)


@final
class PairWork(NamedTuple):
    """What sums over pairs take for one example: operations, and numbers rather than bytes."""

    flops: int
    back: int  # operations of the backward pass
    moved: int  # written out on the way, or read again
    kept: int  # for the backward pass, factors and field among them


@final
class PairSizes(NamedTuple):
    """How large what is summed is: M, G, H, all channels of the field, and A of a soft window."""

    hidden: int
    products: int
    heads: int
    channels: int
    soft_axes: int = 0
    windowed: bool = False  # whether φ differs from pair to pair

    @property
    def hidden_flops(self) -> int:
        """Of p and κ at one pair: 2 M (G + 1) + M + 2 M H, or M + 2 M H without products."""
        columns = 2 * (self.products + 1) if self.products else 0
        return self.hidden * (columns + 1 + 2 * self.heads)

    @property
    def window_flops(self) -> int:
        """Of φ at one pair, and of φ κ: 5 A + 1 for each head, or 1 where edges are hard."""
        return self.heads * (5 * self.soft_axes + 1) if self.windowed else 0

    @property
    def position(self) -> int:
        """Numbers that a position has as query and as key, and in the field."""
        return 2 * (self.hidden + self.products) + self.channels


def pair_work(queries: int, keys: int, pairs: int, sizes: PairSizes, tiled: bool) -> PairWork:
    """Work of `dense_sums` or `tiled_sums`, of which `pairs` of all pairs count.

    For each pair that counts κ, φ and 2 for each channel of the field, once more for Z₀ where there
    is a window; twice that backward, and in tiles κ and φ again. Dense, all pairs are written out
    and kept: p, GELU(p), κ, φ κ, and what a soft window is made of.
    """
    sums = 2 * sizes.channels * (2 if sizes.windowed else 1)
    again = sizes.hidden_flops + sizes.window_flops
    flops = pairs * (again + sums)
    ends = (queries + keys) * sizes.position
    if tiled:
        return PairWork(flops, 2 * flops + pairs * again, ends, ends)
    window = sizes.heads * (1 + 4 * sizes.soft_axes) if sizes.windowed else 0
    held = queries * keys * (2 * sizes.hidden + sizes.heads + window)
    return PairWork(flops, 2 * flops, 2 * held, ends + held)


def gathered_work(queries: int, near: int, sizes: PairSizes) -> PairWork:
    """Work of `gathered_sums` with `near` neighbours of each query.

    For each neighbour G + 2 M G + 2 M + 2 M H, and 2 (H + 1) for each channel of the field; twice
    that backward. What is fetched is written out and kept, with its products, p, GELU(p) and κ.
    """
    hidden, products, heads, channels, *_ = sizes
    pairs = queries * near
    each = products + 2 * hidden * (products + 1 + heads) + 2 * (heads + 1) * channels
    held = pairs * (2 * products + 3 * hidden + 2 * heads + channels)
    return PairWork(pairs * each, 2 * pairs * each, 2 * held, held + queries * sizes.position)
