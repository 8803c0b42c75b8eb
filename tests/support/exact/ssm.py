"""S4D as its paper writes it: a continuous system, held over each step, then a recurrence."""

from __future__ import annotations

import torch
from support.exact import CAUSAL, SEQUENCE, Leaf, Row, Twin
from torch import Tensor

from itnet_kernels.ssm import Modes, Ssm


def _held(modes: Modes) -> tuple[Tensor, Tensor, Tensor]:
    """Ā, B̄ and C of x' = A x + u, y = 2 Re C x, with steps of 1: zero-order hold.

    Ā = e^A, B̄ = (e^A − 1) / A, section 3.1 of arXiv 2206.11893; C is our reading of the modes, half
    of it, since the paper counts conjugate pairs, and without B̄, which ours has in it.
    """
    a_DS = torch.complex(-(modes.slowest + modes.log_rate_DS.exp()), modes.turn_DS)
    a_bar_DS = a_DS.exp()
    b_bar_DS = (a_bar_DS - 1) / a_DS
    return a_bar_DS, b_bar_DS, torch.view_as_complex(modes.c_DS2) / b_bar_DS / 2


def _s4d(op: Ssm) -> Twin:
    """x ← Ā x + B̄ u, y = 2 Re(C x) + D u, a linear map of the channels; backward without lag 0."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        rows = [op.skip_D * u_BD for u_BD in u_BND.unbind(1)]
        for modes, ahead in ((op.past, True), (op.future, False)):
            if modes is None:
                continue
            a_bar_DS, b_bar_DS, c_DS = _held(modes)
            x_BDS = torch.zeros(*u_BND[:, 0].shape, c_DS.shape[-1], dtype=c_DS.dtype)
            for n in range(len(rows)) if ahead else reversed(range(len(rows))):
                decayed_BDS = a_bar_DS * x_BDS
                x_BDS = decayed_BDS + b_bar_DS * u_BND[:, n].unsqueeze(-1)
                read_BDS = x_BDS if ahead else decayed_BDS
                rows[n] = rows[n] + 2 * (c_DS * read_BDS).real.sum(-1)
        return torch.stack(rows, 1) @ op.mix.weight.T + op.mix.bias

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


ROWS = [
    Row("ssm", "S4D, zero-order hold, as a recurrence", CAUSAL, _s4d, {"state": 4}),
    Row("ssm", "S4D both ways", SEQUENCE, _s4d, {"state": 3}),
]
