"""Scores as ratios of sums over rows, with 95 % intervals that draw the rows again.

    ratio      Σ top[p, c, b] / Σ bottom[p, c, b]
    of pairs   Σ top[p, c, b, b'] / Σ bottom[p, c, b, b'],  b ≠ b'              (a U-statistic)
    quantile   the least x with Σ_{x' ≤ x} h[p, c, b, x'] ≥ share · Σ h

A layer may differ between its positions, its channels and its inputs, so all three are drawn again
with replacement, jointly: a row counts as often as its position, channel and input were drawn,
together. An input that was drawn twice makes no pair with itself. The interval is that between the
2.5 and the 97.5 percentile.

Of n positions n − 1 are drawn, and likewise channels and inputs: n would spread the draws of few
rows too little, by √(1 − 1/n). So 87 to 96 % of the intervals hold the mean where 3 to 6 positions
and channels differ as much as single rows do, and nearly all where they do not.

Source  the bootstrap of crossed samples, arXiv 0712.1111
Shapes  P positions, C channels, B examples, S draws (the first one is the sample itself),
        X distances
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from itnet_nas.results.measured import Estimate

if TYPE_CHECKING:
    from torch import Tensor


@final
class Resamples:
    """How often each position, channel and input was drawn; fixed by the generator."""

    def __init__(
        self, positions: int, channels: int, inputs: int, draws: int, generator: torch.Generator
    ) -> None:
        self.p_SP = _counts(positions, draws, generator)
        self.c_SC = _counts(channels, draws, generator)
        self.b_SB = _counts(inputs, draws, generator)

    def ratio(self, top_PCB: Tensor, bottom_PCB: Tensor) -> Tensor:
        """value_S, the first one of the sample itself; not a number where nothing was drawn."""
        return _divided(self._sums(top_PCB.unsqueeze(-1)), self._sums(bottom_PCB.unsqueeze(-1)))[
            :, 0
        ]

    def ratio_of_pairs(self, top_PCBB: Tensor, bottom_PCBB: Tensor) -> Tensor:
        """value_S; what stands on the diagonal of two examples is not looked at."""
        return _divided(self._pair_sums(top_PCBB), self._pair_sums(bottom_PCBB))

    def quantile(self, h_PCBX: Tensor, share: float) -> Tensor:
        """x_S: the place in the last dimension, from 0 on."""
        sum_SX = self._sums(h_PCBX).cumsum(-1)
        # A hair below the share: a window that holds exactly so much holds it.
        enough_SX = sum_SX >= (share - 1e-9) * sum_SX[:, -1:]
        x_S = enough_SX.to(torch.uint8).argmax(-1).double()
        return torch.where(sum_SX[:, -1] > 0, x_S, torch.nan)

    def _sums(self, a_PCBX: Tensor) -> Tensor:
        w_SPCB = (
            self.p_SP[:, :, None, None] * self.c_SC[:, None, :, None] * self.b_SB[:, None, None, :]
        )
        return w_SPCB.flatten(1) @ a_PCBX.flatten(0, 2).double()

    def _pair_sums(self, a_PCBB: Tensor) -> Tensor:
        w_SPC = self.p_SP[:, :, None] * self.c_SC[:, None, :]
        inputs = a_PCBB.shape[-1]
        sum_SQ = w_SPC.flatten(1) @ a_PCBB.flatten(0, 1).flatten(1).double()
        apart_BB = 1 - torch.eye(inputs, dtype=torch.float64)
        w_SBB = self.b_SB[:, :, None] * self.b_SB[:, None, :] * apart_BB
        return (w_SBB.flatten(1) * sum_SQ).sum(1)


def estimate(value_S: Tensor, low: float, high: float) -> Estimate | None:
    """The first value and the interval of the others, all kept between `low` and `high`.

    None where the sample itself says nothing.
    """
    value_S = value_S.clamp(low, high)
    value = float(value_S[0])
    if value != value:
        return None
    drawn_S = value_S[1:][~value_S[1:].isnan()]
    if not len(drawn_S):
        return Estimate(value=value, low=value, high=value)
    ends = torch.quantile(drawn_S, torch.tensor([0.025, 0.975], dtype=drawn_S.dtype)).tolist()
    return Estimate(value=value, low=min(value, ends[0]), high=max(value, ends[1]))


def _counts(size: int, draws: int, generator: torch.Generator) -> Tensor:
    """w_SN: ones first, then how often each of `size` was drawn."""
    many = size - 1 if size > 2 else size
    drawn_SN = torch.randint(size, (draws, many), generator=generator)
    w_SN = torch.zeros(draws, size, dtype=torch.float64)
    w_SN.scatter_add_(1, drawn_SN, torch.ones_like(drawn_SN, dtype=torch.float64))
    return torch.cat([torch.ones(1, size, dtype=torch.float64), w_SN])


def _divided(top: Tensor, bottom: Tensor) -> Tensor:
    return torch.where(
        bottom > 0, top / bottom.clamp(min=torch.finfo(torch.float64).tiny), torch.nan
    )
