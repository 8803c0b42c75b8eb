"""A layer that does not look around, beside a convolution with one tap."""

from __future__ import annotations

from support.exact import GRID, SEQUENCE, Leaf, Row, Twin
from torch import Tensor, nn

from itnet_kernels.identity import Identity


def _conv1d(op: Identity) -> Twin:
    width = op.mix.in_features
    twin = nn.Conv1d(width, width, 1).double()
    twin.weight.data = op.mix.weight.data.unsqueeze(-1).clone()
    twin.bias.data = op.mix.bias.data.clone()  # type: ignore[union-attr]

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        y_BDN: Tensor = twin(u_BND.mT)
        return y_BDN.mT

    assert twin.bias is not None
    return Twin(
        run,
        [Leaf(op.mix.weight, twin.weight, lambda w: w.squeeze(-1)), Leaf(op.mix.bias, twin.bias)],
    )


def _linear(op: Identity) -> Twin:
    twin = nn.Linear(op.mix.in_features, op.mix.out_features).double()
    twin.load_state_dict(op.mix.state_dict())

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        y_BND: Tensor = twin(u_BND)
        return y_BND

    return Twin(run, [Leaf(op.mix.weight, twin.weight), Leaf(op.mix.bias, twin.bias)])


ROWS = [
    Row("identity", "torch.nn.Conv1d with one tap", SEQUENCE, _conv1d),
    Row("identity", "torch.nn.Linear", GRID, _linear),
]
