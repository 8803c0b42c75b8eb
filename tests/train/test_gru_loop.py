"""The GRU whose steps several networks take together is torch's."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state

from itnet_nas.train.gru_loop import GruLoop
from itnet_nas.train.mappable import make_mappable


def layers(count: int) -> list[nn.GRU]:
    torch.manual_seed(0)
    return [nn.GRU(5, 4, batch_first=True).double() for _ in range(count)]


def test_values_and_gradients_are_those_of_torch() -> None:
    torchs = layers(3)
    loops = copy.deepcopy(torchs)
    for loop in loops:
        make_mappable(loop)
    weights = {n: w.detach().requires_grad_() for n, w in stack_module_state(loops)[0].items()}
    u_KBND = torch.randn(3, 2, 7, 5, dtype=torch.float64, requires_grad=True)

    y_KBNS = torch.vmap(lambda w, u: functional_call(loops[0], w, (u,))[0])(weights, u_KBND)

    weight = torch.randn_like(y_KBNS)
    found = torch.autograd.grad((y_KBNS * weight).sum(), [u_KBND, *weights.values()])
    for k, layer in enumerate(torchs):
        y_BNS = layer(u_KBND[k])[0]
        torch.testing.assert_close(y_KBNS[k], y_BNS, rtol=1e-12, atol=1e-13)
        parameters = dict(layer.named_parameters())
        wanted = torch.autograd.grad(
            (y_BNS * weight[k]).sum(), [u_KBND, *(parameters[name] for name in weights)]
        )
        torch.testing.assert_close(found[0][k], wanted[0][k], rtol=1e-11, atol=1e-13)
        for one, two in zip(found[1:], wanted[1:], strict=True):
            torch.testing.assert_close(one[k], two, rtol=1e-11, atol=1e-13)


def test_a_gate_that_is_shut_gives_no_nan() -> None:
    (layer,) = layers(1)
    with torch.no_grad():
        layer.bias_ih_l0[:8] = -1e4
    make_mappable(layer)

    y_BNS = layer(torch.randn(2, 6, 5, dtype=torch.float64))[0]

    gradients = torch.autograd.grad(y_BNS.sum(), list(layer.parameters()))
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize(
    "layer",
    [
        nn.GRU(4, 4, batch_first=True, bidirectional=True),
        nn.GRU(4, 4, batch_first=True, num_layers=2),
        nn.GRU(4, 4),
        nn.GRU(4, 4, batch_first=True, bias=False),
    ],
    ids=["both ways", "two layers", "positions first", "no bias"],
)
def test_another_kind_of_gru_is_left_as_it_is(layer: nn.GRU) -> None:
    make_mappable(layer)

    assert type(layer) is nn.GRU
    assert not GruLoop.fits(layer)
