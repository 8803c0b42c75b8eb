"""Decoding over lengths that are no multiple of a block, and past the end of a window."""

import pytest
import torch

from itnet_kernels.attention import Attention
from itnet_kernels.conv import Conv
from itnet_kernels.gru import Gru
from itnet_kernels.ssm import Ssm
from itnet_nas.kernels import Operator


def _operators() -> list[tuple[str, Operator]]:
    torch.manual_seed(0)
    return [
        ("conv", Conv(8, radius=6, dense=False, shape=(37,), causal=True)),
        ("gru", Gru(8, causal=True)),
        ("ssm", Ssm(8, modes=3, length=37, causal=True)),
        *(
            (f"{position}, window {window}", Attention(8, 2, position, window, (37,), causal=True))
            for position in ("none", "alibi", "rotary")
            for window in (None, 5)
        ),
    ]


@pytest.mark.parametrize(
    ("name", "op"), _operators(), ids=lambda part: part if isinstance(part, str) else ""
)
def test_37_steps_are_one_forward_pass(name: str, op: Operator) -> None:
    op = op.double()
    u_BND = torch.randn(3, 37, 8, dtype=torch.float64)
    state, rows = op.start(3), []

    for u_BD in u_BND.unbind(1):
        y_BD, state = op.step(u_BD, state)
        rows.append(y_BD)

    torch.testing.assert_close(torch.stack(rows, 1), op(u_BND), rtol=0, atol=1e-12)


def test_an_operator_that_looks_ahead_says_that_it_cannot_decode() -> None:
    op = Ssm(8, modes=1, length=37, causal=False)

    with pytest.raises(NotImplementedError) as raised:
        op.start(1)

    assert not op.decodes
    assert str(raised.value) == "Ssm cannot decode; ask `decodes` first"
