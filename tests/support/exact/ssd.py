"""SSD as its paper writes it: once as a matrix from segment sums, once as a recurrence."""

from __future__ import annotations

import torch
from support.exact import CAUSAL, Leaf, Row, Twin
from torch import Tensor
from torch.nn import functional as F

from itnet_kernels.ssd import Ssd


def _inputs(op: Ssd, u_BND: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The paper's x (B, N, H, E), z, dt (B, N, H), B and C (B, N, S)."""
    width, state = u_BND.shape[-1], op.state
    made = u_BND @ op.inner.weight.T + op.inner.bias
    x, z, c, b = torch.split(made, [width, width, state, state], -1)
    dt = F.softplus(u_BND @ op.delta.weight.T + op.step_RH[0])
    return x.reshape(*x.shape[:2], op.heads, -1), z, dt, b, c


def _out(op: Ssd, y_BNHE: Tensor, x_BNHE: Tensor, z_BND: Tensor) -> Tensor:
    """The skip D, the gate, and the map out; without the norm in between."""
    y_BND = (y_BNHE + op.skip_H.unsqueeze(-1) * x_BNHE).flatten(2)
    return (y_BND * z_BND * torch.sigmoid(z_BND)) @ op.out.weight.T + op.out.bias


def _segment_sums(op: Ssd) -> Twin:
    """Y = (L ∘ C B^T) X with L = exp(segsum(dt A)), section 3.2 of arXiv 2405.21060."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        x, z, dt, b, c = _inputs(op, u_BND)
        log_BHN = (-op.log_rate_RH[0].exp() * dt).mT
        length = u_BND.shape[1]
        matrices = []
        for i in range(length):
            segments = [
                log_BHN[..., j + 1 : i + 1].sum(-1).exp() if j <= i else 0 * log_BHN[..., 0]
                for j in range(length)
            ]
            matrices.append(torch.stack(segments, -1))
        l_BHNN = torch.stack(matrices, -2)
        m_BHNN = l_BHNN * (c @ b.mT).unsqueeze(1)
        y_BNHE = torch.einsum("bhij,bjh,bjhe->bihe", m_BHNN, dt, x)
        return _out(op, y_BNHE, x, z)

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


def _recurrence(op: Ssd) -> Twin:
    """h ← exp(dt A) h + dt B x^T, y = C h + D x: the state space form, with a scalar A."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        x, z, dt, b, c = _inputs(op, u_BND)
        h_BHES = x.new_zeros(len(x), op.heads, x.shape[-1], op.state)
        rows = []
        for n in range(u_BND.shape[1]):
            fade = torch.exp(-op.log_rate_RH[0].exp() * dt[:, n])[..., None, None]
            h_BHES = fade * h_BHES + torch.einsum("bh,bhe,bs->bhes", dt[:, n], x[:, n], b[:, n])
            rows.append(torch.einsum("bhes,bs->bhe", h_BHES, c[:, n]))
        return _out(op, torch.stack(rows, 1), x, z)

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


_PARAMS = {"state": 5, "heads": 4}
_SENSE = "without short convolution and norm; content along the path"

ROWS = [
    Row("ssd", "SSD (Mamba-2), the matrix of segment sums", CAUSAL, _segment_sums, _PARAMS, _SENSE),
    Row("ssd", "SSD (Mamba-2), as a recurrence", CAUSAL, _recurrence, _PARAMS, _SENSE),
]
