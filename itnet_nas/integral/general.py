"""The general kernel as a whole: κ, its window, its measure, and the ways to sum over pairs.

    h[i] = concat_h Σ_j K^h[i, j] v^h[j],    K^h[i, j] = s_h n^p_h φ / n ( κ − c_h mean_j κ )

κ is a small network of both positions (`features`), φ a window and s, p, c a measure (`measures`).
The sums are over all pairs (`pairwise`, `tiled`), over those within a radius, over the nearest
points, or in training over some that are drawn anew each time.

Source  ITNet (arXiv 2606.19538)
Shapes  B examples, X either B or 1, N positions, D channels, H heads, M hidden units,
        A coordinates, G products of factors, S positions kept, E channels of a head, and a 1
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, final

import torch
from torch import Tensor, nn

from itnet_nas.integral.evaluation import taken
from itnet_nas.integral.features import FREQUENCIES, PairMlp
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.measures import CentredMeasure, DomainWindow, PairWindow
from itnet_nas.integral.neighbours import centred, near_matrix, nearest
from itnet_nas.integral.pairwise import (
    PairSizes,
    PairWork,
    dense_sums,
    gathered_sums,
    gathered_work,
    pair_work,
)
from itnet_nas.integral.precision import at_least_float32
from itnet_nas.integral.tiled import drawn_sums, pair_evaluations, pair_sums
from itnet_nas.integral.windows import band_pairs

# How alike κ and v are, measured on white noise: the variance of Σ κ v grows by n / D times it.
_ALIKE = 0.5


@final
class GeneralKernel(nn.Module):
    """`shape` is that of the site; `axes` is A, 0 where κ reads no x; `points` have no order.

    At most one of `radius`, `neighbours` and `samples` is given. White noise v comes out as h of
    about unit deviation, each head of it.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        content: bool,
        products: int,
        axes: int,
        shape: tuple[int, ...],
        points: bool = False,
        causal: bool = False,
        radius: int | None = None,
        neighbours: int | None = None,
        samples: int | None = None,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.width = width
        self.radius = radius
        self.neighbours = neighbours
        self.samples = samples
        finest = 2 * math.pi if points else math.pi * max(2, max(shape) / 4)
        self.mlp = PairMlp(width, heads, hidden, content, products, axes, finest)
        self.window = DomainWindow(shape, heads, axes > 0 and not points, causal, radius)
        self.measure = CentredMeasure(heads)
        length = math.prod(shape)
        some_N = torch.linspace(0, length - 1, min(64, length)).long()
        u_1ND = torch.randn(1, len(some_N), width)
        x_1NA = torch.randn(1, len(some_N), axes)
        if not points:
            x_1NA = self.window.places(length, u_1ND)[:, some_N]
        self.mlp.level(u_1ND, x_1NA)
        # κ reads u_j, so it is like v_j, and Σ κ v grows faster than a sum of independent values.
        window = self.window(length, u_1ND)
        count = torch.tensor(float(min(length, neighbours or length)))
        if window is not None:
            count = window.weights(slice(length // 2, length // 2 + 1)).sum((1, 2)).detach()
        self.measure.scale_H.data /= (1 + _ALIKE * content * count / width).sqrt()

    def forward(
        self,
        u_BND: Tensor,
        v_BND: Tensor,
        mask_BN: Tensor | None = None,
        x_BNA: Tensor | None = None,
    ) -> Tensor:
        """h_BND, float32 at least; u is 0 where a position is not real."""
        f = self.mlp(u_BND, self._places(u_BND, mask_BN, x_BNA))
        field_BHNE = self._field(v_BND, mask_BN)
        if self.neighbours is not None:
            sums = gathered_sums(f, field_BHNE, *self._near(mask_BN, x_BNA))
        elif self.samples is not None and self.training:
            sums = drawn_sums(f, field_BHNE, self.samples, mask_BN)
        else:
            sums = pair_sums(f, field_BHNE, self.window(u_BND.shape[1], field_BHNE))
        return self._joined(*sums)

    def by_pairs(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """K_BHNN as the formula has it, κ from a row of features for each pair."""
        kappa_BHNN = self.mlp.by_pairs(u_BND, self._places(u_BND, mask_BN, x_BNA))
        window = self.window(u_BND.shape[1], u_BND)
        phi_BHNN = torch.ones_like(kappa_BHNN[:, :1])
        if window is not None:
            phi_BHNN = phi_BHNN * window.weights()
        if self.neighbours is not None:
            phi_BHNN = phi_BHNN * near_matrix(*self._near(mask_BN, x_BNA)).unsqueeze(1)
        if mask_BN is not None:
            phi_BHNN = phi_BHNN * mask_BN[:, None, None, :]
        return self.measure.by_pairs(phi_BHNN, kappa_BHNN)

    def start(self, batch: int) -> tuple[int, Tensor]:
        """(position 0, nothing kept): b, k and v of every position so far, (B, M + G + D, S)."""
        weight = self.mlp.first.weight
        numbers = len(weight) + self.mlp.products + self.width
        return 0, weight.new_zeros(batch, numbers, 0, dtype=at_least_float32(weight))

    def step(self, u_BD: Tensor, v_BD: Tensor, state: Any) -> tuple[Tensor, tuple[int, Tensor]]:
        """One position more is kept, in a window the last r + 1, and compared with all of them."""
        n, kept_BCS = state
        f = self.mlp(u_BD.unsqueeze(1), self.window.places(n + 1, kept_BCS)[:, n:])
        own = [part.expand(len(u_BD), -1, -1) for part in (f.b_XMS, f.k_XGS)]
        own_BC1 = torch.cat([*own, v_BD.unsqueeze(2).to(kept_BCS.dtype)], 1)
        kept_BCS = torch.cat([kept_BCS, own_BC1], 2)
        if self.radius is not None:
            kept_BCS = kept_BCS[..., -self.radius - 1 :]
        sizes = [part.shape[1] for part in own]
        b_BMS, k_BGS, v_BDS = torch.split(kept_BCS, [*sizes, self.width], 1)
        field_BHSE, last = self._field(v_BDS.mT), kept_BCS.shape[2] - 1
        window: PairWindow = self.window(last + 1, field_BHSE)
        phi_H1S = window.weights(slice(last, last + 1))
        sums = dense_sums(f._replace(b_XMS=b_BMS, k_XGS=k_BGS), field_BHSE, phi_H1S)
        return self._joined(*sums).squeeze(1), (n + 1, kept_BCS)

    def _places(self, u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        """x_XNA as κ reads it."""
        if x_BNA is not None:
            return centred(x_BNA, mask_BN)
        return self.window.places(u_BND.shape[1], self.mlp.first.weight)

    def _near(self, mask_BN: Tensor | None, x_BNA: Tensor | None) -> tuple[Tensor, Tensor]:
        if x_BNA is None or self.neighbours is None:
            raise ValueError("the nearest points are known only where points stand somewhere")
        return nearest(x_BNA, self.neighbours, mask_BN)

    def _field(self, v_BND: Tensor, mask_BN: Tensor | None = None) -> Tensor:
        """(v, 1) of each head, 0 where a position is not real."""
        v_BND = zero_masked(v_BND.to(at_least_float32(self.mlp.first.weight)), mask_BN)
        one_BNH = zero_masked(torch.ones_like(v_BND[..., : self.heads]), mask_BN)
        v_BNHE, one_BNHE = (
            part.reshape(*part.shape[:2], self.heads, -1) for part in (v_BND, one_BNH)
        )
        return torch.cat([v_BNHE, one_BNHE], -1).transpose(1, 2)

    def _joined(self, z_BHNE: Tensor, z0_BHNE: Tensor) -> Tensor:
        h_BHNE: Tensor = self.measure(z_BHNE, z0_BHNE)
        return h_BHNE.transpose(1, 2).flatten(2)


@final
class GeneralWork(NamedTuple):
    """What a `GeneralKernel` takes for one example: operations, and numbers rather than bytes."""

    maps: int  # of every position apart, forward
    search: int  # for neighbours; without a gradient
    evaluated: PairWork
    trained: PairWork
    step: int  # of pairs, at the last position
    params: int
    kept: int  # positions, while decoding
    numbers: int  # that are kept of each


def general_work(
    width: int,
    heads: int,
    hidden: int,
    content: bool,
    products: int,
    axes: int,
    shape: tuple[int, ...],
    points: bool,
    causal: bool,
    radius: int | None,
    neighbours: int | None,
    samples: int | None,
) -> GeneralWork:
    """On a CPU. Arguments as for `GeneralKernel`, with R = `products`.

    maps    4 D M + 4 D R with content, 2 A M + 2 A F where x is read, each N times
    pairs   N², causal N (N + 1) / 2, in a window those within it, N K of neighbours, N S in
            training where S are drawn; `pair_work` and `gathered_work` say what one takes
    search  3 A N² for neighbours
    """
    length, soft = math.prod(shape), 0 if points else axes
    read, rows = (width, products) if content else (0, 0)
    waves = FREQUENCIES if axes else 0
    columns = 2 * read + rows + axes + waves + bool(axes)
    sides = 1 if causal else 2
    windowed = bool(soft) or causal or radius is not None
    sizes = PairSizes(hidden, rows + axes + 2 * waves, heads, width + heads, soft, windowed)
    search, reach = 0, length if radius is None else radius
    kept = min(length, reach + 1)
    if neighbours is not None:
        near = min(neighbours, length)
        evaluated = trained = gathered_work(length, near, sizes)
        search = 3 * axes * length**2
    else:
        pairs = math.prod(band_pairs(size, reach, causal) for size in shape)
        evaluated = trained = pair_work(
            length, length, pairs, sizes, _tiled(length, length, hidden)
        )
        if samples is not None:
            tiled = _tiled(length, samples, hidden)
            trained = pair_work(length, samples, length * samples, sizes, tiled)
    return GeneralWork(
        maps=length * (4 * read * hidden + 4 * read * rows + 2 * axes * (hidden + waves)),
        search=search,
        evaluated=evaluated,
        trained=trained,
        step=pair_work(1, kept, kept, sizes, tiled=False).flops,
        params=hidden * (columns + 1)
        + heads * (hidden + 1)
        + 2 * read * rows
        + waves * (axes + 1)
        + heads * (3 + soft * sides),
        kept=kept,
        numbers=hidden + sizes.products + width,
    )


def _tiled(queries: int, keys: int, hidden: int) -> bool:
    return taken(pair_evaluations(queries, keys, hidden)) == "tiled"
