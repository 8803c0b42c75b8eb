"""An integral over many positions, estimated from a few that are drawn by importance.

    (1 / n) Σ_j f(j)  ≈  Σ_m weight_m f(index_m),     weight_m = 1 / (M n p(index_m))

n counts the real positions, index_m are M draws with replacement from p. The estimate is unbiased
whatever p is, as long as it is positive wherever f may differ from 0, and its error falls as
M^(−1/2). It is least where p follows |f|. So that no real position is left without a chance,

    p(j) = 0.9 importance(j) / Σ importance  +  0.1 / n

which bounds every weight by 10 / M, and costs at most a ninth more draws where the importance was
right. A row whose importance is 0 everywhere is drawn from evenly.

Draws come from torch's global generator of the device, so that `torch.manual_seed` repeats them.

Source  ITNet (arXiv 2606.19538), evaluation by Monte Carlo with importance weights
Shapes  B examples, N positions, M draws, E channels
"""

from __future__ import annotations

import torch
from torch import Tensor

from itnet_nas.integral.precision import at_least_float32

_EVEN = 0.1  # the share of p that does not ask for importance


def draw(
    importance_BN: Tensor, samples: int, mask_BN: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(index_BM, weight_BM); importance is not negative, and need not sum to 1.

    The weights carry no gradient: with the draw held fixed, the gradient of the estimate is an
    unbiased estimate of the gradient. In a row without a real position every weight is 0, and what
    stands at positions that are not real is not looked at.
    """
    exact = at_least_float32(importance_BN)
    by_BN = importance_BN.detach().to(exact)
    real_BN = torch.ones_like(by_BN) if mask_BN is None else mask_BN.to(exact)
    by_BN = by_BN.masked_fill(real_BN == 0, 0)
    count_B1, sum_B1 = real_BN.sum(1, keepdim=True), by_BN.sum(1, keepdim=True)
    even_BN = real_BN / count_B1.clamp(min=1)
    p_BN = torch.where(sum_B1 > 0, (1 - _EVEN) * by_BN / sum_B1 + _EVEN * even_BN, even_BN)
    # A row without a real position still has to be drawn from; its weights are 0.
    p_BN = torch.where(count_B1 > 0, p_BN, 1)
    index_BM = torch.multinomial(p_BN, samples, replacement=True)
    weight_BM = 1 / (samples * count_B1.clamp(min=1) * p_BN.gather(1, index_BM))
    # Where cumulative sums round below 1, a draw may fall beyond the last real position.
    return index_BM, torch.where(real_BN.gather(1, index_BM) > 0, weight_BM, 0)


def monte_carlo_mean(
    f_BNE: Tensor, importance_BN: Tensor, samples: int, mask_BN: Tensor | None = None
) -> Tensor:
    """(1 / n) Σ_j f(j) over real positions, estimated from `samples` draws, as y_BE.

    The dtype is that of `f_BNE`; its gradient reaches the positions that were drawn.
    """
    index_BM, weight_BM = draw(importance_BN, samples, mask_BN)
    drawn_BME = f_BNE.gather(1, index_BM.unsqueeze(-1).expand(-1, -1, f_BNE.shape[-1]))
    # A product with 0 would keep a NaN that stands where nothing is real.
    drawn_BME = drawn_BME.masked_fill((weight_BM == 0).unsqueeze(-1), 0)
    return (weight_BM.to(f_BNE.dtype).unsqueeze(-1) * drawn_BME).sum(1)
