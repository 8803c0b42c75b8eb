"""LSTM beside torch's own, and beside its integral with the kernel along the trajectory."""

from __future__ import annotations

import torch
from support.exact import CAUSAL, SEQUENCE, Leaf, Row, Twin, dense_twin
from torch import Tensor, nn

from itnet_kernels.lstm import Lstm


def _torch(op: Lstm) -> Twin:
    """nn.LSTM, in both directions at once where ours has two."""
    size, width = op.ahead.hidden_size, op.ahead.input_size
    twin = nn.LSTM(width, size, batch_first=True, bidirectional=op.back is not None).double()
    theirs = dict(twin.named_parameters())
    leaves = []
    for layer, ending in ((op.ahead, ""), (op.back, "_reverse")):
        if layer is not None:
            leaves += [Leaf(p, theirs[name + ending]) for name, p in layer.named_parameters()]
    for leaf in leaves:
        leaf.theirs.data.copy_(leaf.ours.data)

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        y_BND: Tensor = twin(u_BND)[0]
        return y_BND

    return Twin(run, leaves)


def _cell(op: Lstm) -> Twin:
    """nn.LSTMCell, position by position."""
    cell = nn.LSTMCell(op.ahead.input_size, op.ahead.hidden_size).double()
    leaves = [Leaf(a, b) for a, b in zip(op.ahead.parameters(), cell.parameters(), strict=True)]
    for leaf in leaves:
        leaf.theirs.data.copy_(leaf.ours.data)

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        h_BD, rows = torch.zeros_like(u_BND[:, 0]), []
        c_BD = h_BD
        for u_BD in u_BND.unbind(1):
            h_BD, c_BD = cell(u_BD, (h_BD, c_BD))
            rows.append(h_BD)
        return torch.stack(rows, 1)

    return Twin(run, leaves)


ROWS = [
    Row("lstm", "torch.nn.LSTM", CAUSAL, _torch),
    Row("lstm", "torch.nn.LSTM, bidirectional", SEQUENCE, _torch),
    Row("lstm", "torch.nn.LSTMCell in a loop", CAUSAL, _cell),
    Row("lstm", "its own K, V, O, both ways", SEQUENCE, dense_twin, sense="given the trajectory"),
]
