"""Rows of a Jacobian, by reverse mode alone, for many examples at a time.

    row[k, b, j, e] = ∂y[b, i_k, c_k] / ∂u[b, j, e]           a row of one position and channel
    g[k, b, j, e]   = Σ_{i, d} v[k, b, i, d] ∂y[b, i, d] / ∂u[b, j, e]        what v pulls back

The field is given once for each of them along the batch, and each copy asks for the gradient of its
own: exact, since examples do not act on one another. Fused kernels have no forward mode and no
second derivative, so nothing else is used.

Shapes  B examples, N positions, D channels, A coordinates, K rows of each example,
        Q pairs of a row and an example that are computed at a time
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    # (u_BND, mask_BN, x_BNA) -> y_BND: an Operator, or any callable of that form.
    Run = Callable[[Tensor, Tensor | None, Tensor | None], Tensor]

AT_ONCE = 1 << 20  # numbers of a field, or of a kernel written out, that are held at a time


@final
@dataclass(frozen=True)
class Field:
    """What an operator is given: values, which positions are real, and where points stand."""

    u_BND: Tensor
    mask_BN: Tensor | None = None
    x_BNA: Tensor | None = None

    def __len__(self) -> int:
        return len(self.u_BND)

    @property
    def length(self) -> int:
        """Number of positions N."""
        return self.u_BND.shape[1]

    @property
    def width(self) -> int:
        """Number of channels D."""
        return self.u_BND.shape[2]

    @property
    def real_BN(self) -> Tensor:
        """The mask, also where there is none."""
        if self.mask_BN is not None:
            return self.mask_BN
        return torch.ones(self.u_BND.shape[:2], dtype=torch.bool, device=self.u_BND.device)

    def take(self, index_Q: Tensor) -> Field:
        """These examples, as often as each is named."""
        return Field(
            self.u_BND[index_Q],
            None if self.mask_BN is None else self.mask_BN[index_Q],
            None if self.x_BNA is None else self.x_BNA[index_Q],
        )


def rows(op: Run, field: Field, position_K: Tensor, channel_K: Tensor) -> Tensor:
    """row_KBND: for each k, the gradient of y[b, position[k], channel[k]] of every example b."""

    def chosen(y_QND: Tensor, k_Q: Tensor, b_Q: Tensor) -> Tensor:
        del b_Q
        q_Q = torch.arange(len(k_Q), device=k_Q.device)
        return y_QND[q_Q, position_K[k_Q], channel_K[k_Q]].sum()

    return _gradients(op, field, len(position_K), chosen)


def pulled_back(op: Run, field: Field, v_KBND: Tensor) -> Tensor:
    """g_KBND: the cotangent v[k, b] on the output of example b, brought back to its input."""

    def weighed(y_QND: Tensor, k_Q: Tensor, b_Q: Tensor) -> Tensor:
        return (v_KBND[k_Q, b_Q] * y_QND).sum()

    return _gradients(op, field, len(v_KBND), weighed)


def _gradients(
    op: Run, field: Field, count: int, read: Callable[[Tensor, Tensor, Tensor], Tensor]
) -> Tensor:
    """Gradients g_KBND of read(y_QND, k_Q, b_Q), a sum of one number of each copy."""
    batch, device = len(field), field.u_BND.device
    at_once = max(1, AT_ONCE // (field.length * (field.length + field.width)))
    found = []
    for first in range(0, count * batch, at_once):
        q_Q = torch.arange(first, min(first + at_once, count * batch), device=device)
        k_Q, b_Q = q_Q // batch, q_Q % batch
        here = field.take(b_Q)
        with torch.enable_grad():
            u_QND = here.u_BND.detach().requires_grad_()
            y_QND = op(u_QND, here.mask_BN, here.x_BNA)
            if not y_QND.requires_grad:  # an output that does not read its input at all
                found.append(torch.zeros_like(u_QND))
                continue
            total = read(y_QND, k_Q, b_Q)
            (g_QND,) = torch.autograd.grad(total, u_QND, allow_unused=True)
        found.append(torch.zeros_like(u_QND) if g_QND is None else g_QND)
    return torch.cat(found).reshape(count, batch, *field.u_BND.shape[1:])
