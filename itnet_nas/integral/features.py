"""The general kernel: a number for every pair of positions, from a small network of both.

    κ^h(i, j) = r_h + Σ_m R[h, m] GELU( p_m(i, j) )
    p(i, j)   = W [ x_i − x_j, |x_i − x_j|², √2 cos(ω(x_i − x_j) + β), u_i, u_j, A u_i ⊙ B u_j ] + c

Written like this, W reads a row of all these features for each pair. But every one of them is a
sum, or a short product, of something at i and something at j:

    |x − y|² = |x|² − 2 x·y + |y|²       cos(ω(x − y) + β) = cos(ωx + β) cos ωy + sin(ωx + β) sin ωy

so that p_m(i, j) = a_m[i] + b_m[j] + Σ_g w[m, g] q_g[i] k_g[j], one thin product of matrices. These
are the `PairFactors`; with A = B = 1 the product of u_i and u_j is the one of the paper.

Source  ITNet (arXiv 2606.19538); Fourier features NIPS 2007, Rahimi and Recht
Shapes  B examples, X either B or 1, N queries, S keys, D channels, H heads, M hidden units,
        G products, A coordinates, F frequencies
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from itnet_nas.integral.precision import as_given, at_least_float32

if TYPE_CHECKING:
    from collections.abc import Mapping

FREQUENCIES = 8
_SLOWEST = math.pi / 2  # a quarter of a turn for each unit of distance


class PairFactors(NamedTuple):
    """What κ is made of. Queries and keys need not be the same positions."""

    a_XMN: Tensor
    q_XNG: Tensor
    b_XMS: Tensor
    k_XGS: Tensor
    w_MG: Tensor
    read_HM: Tensor
    shift_H: Tensor

    def at_keys(self, index_BS: Tensor) -> PairFactors:
        """The same queries, and of the keys of each example these alone."""
        return self._replace(
            b_XMS=_take(self.b_XMS, index_BS),
            k_XGS=_take(self.k_XGS, index_BS),
        )


def _take(part_XGN: Tensor, index_BS: Tensor) -> Tensor:
    rows = part_XGN.shape[1]
    every_BGN = part_XGN.expand(len(index_BS), -1, -1)
    return every_BGN.gather(2, index_BS.unsqueeze(1).expand(-1, rows, -1))


@final
class PairMlp(nn.Module):
    """The parameters of κ, and κ in two forms: as factors, and pair by pair.

    Without `content` no u is read, with `axes` 0 no x; `products` is the number of rows of A and B.
    `finest` is the highest frequency to begin with, for coordinates of about unit size.
    """

    omega_FA: Tensor
    phase_F: Tensor

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        content: bool,
        products: int,
        axes: int,
        finest: float = 4 * _SLOWEST,
    ) -> None:
        super().__init__()
        reads = width if content else 0
        place = (axes, 1, FREQUENCIES) if axes else (0, 0, 0)
        self.axes = axes
        # Columns of W, in the order of the formula.
        self.columns = [*place, reads, reads, products if content else 0]
        self.products = self.columns[5] + (axes + 2 * FREQUENCIES if axes else 0)  # G
        self.first = nn.Linear(sum(self.columns), hidden)
        self.read = nn.Linear(hidden, heads)
        self.left = self._projection(width) if self.columns[5] else None
        self.right = self._projection(width) if self.columns[5] else None
        octave_F1 = (finest / _SLOWEST) ** torch.rand(FREQUENCIES, 1)
        omega_FA = _SLOWEST * octave_F1 * F.normalize(torch.randn(FREQUENCIES, axes))
        phase_F = 2 * math.pi * torch.rand(FREQUENCIES)
        self.register_parameter("omega_FA", nn.Parameter(omega_FA) if axes else None)
        self.register_parameter("phase_F", nn.Parameter(phase_F) if axes else None)
        # x, u_i, u_j and products add as much to the variance of p, and 1 all together.
        groups = bool(axes) + 2 * content + bool(self.columns[5])
        shares = (0.25, 0.25, 0.5, 1.0, 1.0, 1.0)
        with torch.no_grad():
            parts = torch.split(self.first.weight, self.columns, 1)
            for part, share in zip(parts, shares, strict=True):
                part.normal_(std=math.sqrt(share / groups / max(1, part.shape[1])))
        nn.init.zeros_(self.first.bias)
        nn.init.normal_(self.read.weight, std=hidden**-0.5)
        nn.init.zeros_(self.read.bias)

    def _projection(self, width: int) -> nn.Linear:
        layer = nn.Linear(width, self.columns[5], bias=False)
        nn.init.normal_(layer.weight, std=width**-0.5)
        return layer

    def forward(self, u_BND: Tensor, x_XNA: Tensor | None) -> PairFactors:
        """The factors, every position being a query and a key; in float32 at least."""
        exact = at_least_float32(self.first.weight)
        offset_MA, square_M1, wave_MF, query_MD, key_MD, meet_MR = torch.split(
            self.first.weight, self.columns, 1
        )
        a_XNM = self.first.bias.to(exact).reshape(1, 1, -1).expand(1, u_BND.shape[1], -1)
        b_XNM = torch.zeros_like(a_XNM)
        q, k, w = [a_XNM[..., :0]], [a_XNM[..., :0]], [wave_MF[:, :0]]
        if query_MD.shape[1]:
            a_XNM = a_XNM + F.linear(u_BND, query_MD).to(exact)
            b_XNM = F.linear(u_BND, key_MD).to(exact)
        if self.left is not None and self.right is not None:
            q.append(self.left(u_BND).to(exact))
            k.append(self.right(u_BND).to(exact))
            w.append(meet_MR)
        if self.axes and x_XNA is not None:
            x_XNA = x_XNA.to(exact)
            # Autocast would round what is taken the cosine of.
            with as_given(x_XNA):
                along_XNM = x_XNA @ offset_MA.mT
                far_XNM = x_XNA.square().sum(-1, keepdim=True) * square_M1.squeeze(1)
                angle_XNF = x_XNA @ self.omega_FA.mT
            a_XNM, b_XNM = a_XNM + along_XNM + far_XNM, b_XNM - along_XNM + far_XNM
            turned_XNF = angle_XNF + self.phase_F
            q += [x_XNA, turned_XNF.cos(), turned_XNF.sin()]
            k += [x_XNA, angle_XNF.cos(), angle_XNF.sin()]
            w += [-2 * square_M1.expand(-1, self.axes), *[math.sqrt(2) * wave_MF] * 2]
        return PairFactors(
            a_XMN=a_XNM.mT.contiguous(),
            q_XNG=_beside(q, len(a_XNM)),
            b_XMS=b_XNM.mT.contiguous(),
            k_XGS=_beside(k, len(a_XNM)).mT.contiguous(),
            w_MG=torch.cat(w, 1).to(exact),
            read_HM=self.read.weight.to(exact),
            shift_H=self.read.bias.to(exact),
        )

    @torch.no_grad()
    def level(self, u_BND: Tensor, x_XNA: Tensor) -> None:
        """Scale R so that κ of every head varies by 1 about its mean over keys, at u and x."""
        kappa_BHNN = self.by_pairs(u_BND, x_XNA)
        gap_BHNN = kappa_BHNN - kappa_BHNN.mean(-1, keepdim=True)
        self.read.weight.div_(gap_BHNN.square().mean((0, 2, 3)).sqrt().clamp(min=1e-3).unsqueeze(1))

    def by_pairs(self, u_BND: Tensor, x_XNA: Tensor | None) -> Tensor:
        """κ_BHNN as the formula has it, a row of features for each pair. For small N."""
        batch, length, _ = u_BND.shape
        pairs = (batch, length, length, -1)
        features = []
        if self.axes and x_XNA is not None:
            omega_FA, phase_F = self.omega_FA, self.phase_F
            gap_XNNA = x_XNA.unsqueeze(2) - x_XNA.unsqueeze(1)
            wave_XNNF = math.sqrt(2) * torch.cos(gap_XNNA @ omega_FA.mT + phase_F)
            features += [gap_XNNA, gap_XNNA.square().sum(-1, keepdim=True), wave_XNNF]
        if self.columns[3]:
            features += [u_BND.unsqueeze(2), u_BND.unsqueeze(1)]
        if self.left is not None and self.right is not None:
            features.append(self.left(u_BND).unsqueeze(2) * self.right(u_BND).unsqueeze(1))
        given = torch.cat([feature.expand(pairs) for feature in features], -1)
        kappa_BNNH: Tensor = self.read(F.gelu(self.first(given)))
        return kappa_BNNH.permute(0, 3, 1, 2)


def twice_hidden(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same κ with twice as many units: those that are new are −p of the old, not yet read."""
    first, c, read = weights["first.weight"], weights["first.bias"], weights["read.weight"]
    return {
        **weights,
        "first.weight": torch.cat([first, -first]),
        "first.bias": torch.cat([c, -c]),
        "read.weight": torch.cat([read, torch.zeros_like(read)], 1),
    }


def twice_products(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same κ with twice as many products: other pairs of rows of A and B, not yet read."""
    left, right, first = (weights[f"{name}.weight"] for name in ("left", "right", "first"))
    return {
        **weights,
        "left.weight": torch.cat([left, left]),
        "right.weight": torch.cat([right, right.roll(1, 0) if len(right) > 1 else -right]),
        "first.weight": F.pad(first, (0, len(left))),
    }


def _beside(parts: list[Tensor], batch: int) -> Tensor:
    """All along the last axis; one that is the same for every example is repeated."""
    return torch.cat([part.expand(batch, -1, -1) for part in parts], -1)
