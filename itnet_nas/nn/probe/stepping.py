"""Whether an operator can be run position by position: what proves a state that is declared.

A Jacobian cannot tell a linear state from a long convolution, since both are the same map. That the
map has a memory of constant size is shown by decoding with it: `step`, which carries nothing but
its state, has to give what `forward` gives.

Shapes  B examples, N positions, D channels
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from itnet_nas.nn.probe.undisturbed import undisturbed

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.kernels.operator import Operator

MOST = 64  # positions


def step_error(op: Operator, u_BND: Tensor) -> float | None:
    """max |step − forward| / max |forward| over the first `MOST` positions; None if it never steps.

    `u_BND` is what reaches the operator, without masked positions.
    """
    if not op.decodes:
        return None
    u_BND = u_BND[:, :MOST].detach().float()
    # What is not learned with the operator, as its mode, is put back.
    with undisturbed(op, 0, u_BND.device), torch.no_grad():
        y_BND = op(u_BND)
        state = op.start(len(u_BND))
        stepped = []
        for n in range(u_BND.shape[1]):
            y_BD, state = op.step(u_BND[:, n], state)
            stepped.append(y_BD)
        off_BND = torch.stack(stepped, 1) - y_BND
    return float(off_BND.abs().max() / y_BND.abs().max().clamp(min=1e-30))
