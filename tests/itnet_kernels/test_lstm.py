from typing import Any

import pytest
import torch
from support.learning import score

from itnet_kernels.lstm import FAMILY, Lstm, LstmParams
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract


class TestLstm(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [{}]


SHORT = Site(domain=Domain(kind="sequence", shape=(6,), causal=True), width=4)


def _adder() -> Lstm:
    """One number that is written and shown in full and never fades: c counts tanh(u)."""
    op = Lstm(1, causal=True).double()
    for parameter in op.parameters():
        parameter.data.zero_()
    op.ahead.bias_ih_l0.data[:] = torch.tensor([50.0, 50.0, 0.0, 50.0])
    op.ahead.weight_ih_l0.data[2] = 1.0
    return op


def test_a_memory_that_adds_by_hand() -> None:
    u_BND = torch.tensor([0.5, -0.25, 1.0], dtype=torch.float64).reshape(1, 3, 1)

    y_BND = _adder()(u_BND)

    held_N = u_BND.flatten().tanh().cumsum(0)
    torch.testing.assert_close(y_BND.flatten(), held_N.tanh(), rtol=0, atol=1e-14)


def test_a_masked_position_leaves_the_memory_as_it_was() -> None:
    u_BND = torch.tensor([0.5, 99.0, 1.0], dtype=torch.float64).reshape(1, 3, 1)
    mask_BN = torch.tensor([[True, False, True]])

    y_BND = _adder()(u_BND, mask_BN)

    held = u_BND[0, 0].tanh() + u_BND[0, 2].tanh()
    torch.testing.assert_close(y_BND[0, 2], held.tanh(), rtol=0, atol=1e-14)


def test_the_costs_by_hand() -> None:
    """4 gates of 4 numbers over 8: 128 weights, 32 biases, 16 products a position."""
    assert FAMILY.cost(SHORT, LstmParams()) == Cost(
        flops=6 * (256 + 16),
        params=160,
        state_bytes=4 * 8,
        train_flops=18 * (256 + 16),
        decode_flops=272,
        traffic_bytes=4 * (6 * (8 + 32) + 160),
        activation_bytes=4 * (6 * (16 + 48 + 64) + 3200),
    )


def test_both_ways_have_half_a_memory_each_and_do_not_decode() -> None:
    site = Site(domain=Domain(kind="sequence", shape=(6,)), width=4)

    cost = FAMILY.cost(site, LstmParams())

    assert cost.flops == 6 * 2 * (2 * 8 * 6 + 8)
    assert cost.state_bytes is None
    assert cost.decode_flops is None


@pytest.mark.parametrize(
    ("kind", "shape", "width", "why"),
    [
        ("grid", (2, 3), 8, "a recurrence needs a sequence, not grid of 2 x 3"),
        ("points", (20,), 8, "a recurrence needs a sequence, not points of 20"),
        ("sequence", (20,), 7, "two directions need an even width, and 7 is odd"),
    ],
)
def test_the_reason_is_given(kind: Any, shape: tuple[int, ...], width: int, why: str) -> None:
    site = Site(domain=Domain(kind=kind, shape=shape), width=width)

    assert FAMILY.refuses(site, LstmParams()) == why


@pytest.mark.parametrize(("device", "library"), [("cpu", "oneDNN"), ("cuda", "cuDNN")])
def test_the_loop_is_that_of_a_library(device: str, library: str) -> None:
    ways = FAMILY.evaluations(SHORT, LstmParams(), device)

    assert [(way.name, way.taken) for way in ways] == [("fused", True), ("recurrence", False)]
    assert ways[0].reason == f"{library}'s loop: a gate has to wait for the memory before"


def test_the_kernel_is_said_to_hold_along_the_trajectory_alone() -> None:
    assert Lstm(4, causal=True).dense_kernel(torch.randn(1, 5, 4)).feedback


@pytest.mark.slow
def test_a_lone_layer_keeps_a_parity_that_no_linear_memory_keeps() -> None:
    assert score("lstm", {}, "parity") > 0.95
    assert score("ssm", {"state": 16}, "parity") < 0.3
