import pytest
import torch
from support.learning import score

from itnet_kernels.gru import FAMILY, Gru, GruParams
from itnet_nas.kernels import Cost, Domain, Site

SHORT = Site(domain=Domain(kind="sequence", shape=(6,), causal=True), width=4)


def test_the_costs_by_hand() -> None:
    """3 gates of 4 numbers over 8: 96 weights, 24 biases, 20 products a position."""
    assert FAMILY.cost(SHORT, GruParams()) == Cost(
        flops=6 * (192 + 20),
        params=120,
        state_bytes=4 * 4,
        train_flops=18 * (192 + 20),
        decode_flops=212,
        traffic_bytes=4 * (6 * (8 + 24) + 120),
        activation_bytes=4 * 6 * (4 + 28),
    )


@pytest.mark.parametrize(("device", "library"), [("cpu", "torch's own"), ("cuda", "cuDNN's")])
def test_the_loop_is_that_of_a_library(device: str, library: str) -> None:
    ways = FAMILY.evaluations(SHORT, GruParams(), device)

    assert [(way.name, way.taken) for way in ways] == [("fused", True), ("recurrence", False)]
    assert ways[0].reason == f"{library} loop: a gate has to wait for the memory before"


def test_the_kernel_is_said_to_hold_along_the_trajectory_alone() -> None:
    assert Gru(4, causal=True).dense_kernel(torch.randn(1, 5, 4)).feedback


@pytest.mark.slow
def test_a_lone_layer_keeps_a_parity_that_no_linear_memory_keeps() -> None:
    assert score("gru", {}, "parity") > 0.95
    assert score("ssm", {"state": 16}, "parity") < 0.3
