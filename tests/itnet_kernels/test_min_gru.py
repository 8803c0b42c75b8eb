from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.min_gru import FAMILY, MinGru, MinGruParams
from itnet_nas.kernels import Domain, Site
from itnet_nas.testing import KernelFamilyContract


class TestMinGru(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [{}]


CAUSAL = Site(domain=Domain(kind="sequence", shape=(40,), causal=True), width=8)


def _half() -> MinGru:
    """Half of what is there is kept, half of what comes is taken in."""
    op = MinGru(1, length=3, causal=True)
    op.gate.weight.data.zero_()
    op.gate_D.data.zero_()
    op.value.weight.data.fill_(1.0)
    return op


def test_a_memory_that_halves_by_hand() -> None:
    y_BND = _half()(torch.tensor([8.0, 4.0, 2.0]).reshape(1, 3, 1))

    assert y_BND.flatten().tolist() == [4, 4, 3]


def test_a_masked_position_leaves_the_memory_as_it_was() -> None:
    mask_BN = torch.tensor([[True, False, True]])

    y_BND = _half()(torch.tensor([8.0, 99.0, 2.0]).reshape(1, 3, 1), mask_BN)

    assert y_BND.flatten().tolist() == [4, 0, 3]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("length", [49, 512])
def test_white_noise_comes_out_about_as_loud(causal: bool, length: int) -> None:
    op = MinGru(48, length, causal)

    loud = float(op(torch.randn(8, length, 48)).detach().std())

    assert 0.5 < loud < 2


def test_products_are_counted_exactly() -> None:
    """The counter sees the two maps, not the 5 N D of the memory."""
    op = FAMILY.build(CAUSAL, MinGruParams()).to("meta")
    u_BND = torch.empty(1, 40, 8, device="meta", requires_grad=True)

    with FlopCounterMode(display=False) as counter:
        op(u_BND).sum().backward()

    cost = FAMILY.cost(CAUSAL, MinGruParams())
    assert cost.train_flops == counter.get_total_flops() + 15 * 40 * 8
    assert cost.flops == 40 * (4 * 64 + 5 * 8)


@pytest.mark.parametrize(
    ("kind", "shape", "width", "why"),
    [
        ("grid", (2, 3), 8, "a recurrence needs a sequence, not grid of 2 x 3"),
        ("sequence", (20,), 7, "two directions need an even width, and 7 is odd"),
    ],
)
def test_the_reason_is_given(kind: Any, shape: tuple[int, ...], width: int, why: str) -> None:
    site = Site(domain=Domain(kind=kind, shape=shape), width=width)

    assert FAMILY.refuses(site, MinGruParams()) == why


def test_it_is_computed_in_chunks() -> None:
    ways = FAMILY.evaluations(CAUSAL, MinGruParams())

    assert [tuple(way) for way in ways] == [
        ("chunks", True, "5 chunks of 8 take a step together"),
        ("recurrence", False, "40 steps one after the other; decoding takes them, by `step`"),
    ]


@pytest.mark.slow
def test_a_lone_layer_learns_a_memory_that_fades() -> None:
    assert score("min_gru", {}, "echo") > 0.9
    assert score("conv", {"radius": 3}, "echo") < 0.7
