from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.position_mixer import FAMILY, PositionMixer, PositionMixerParams
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract

SHORT = Site(domain=Domain(kind="sequence", shape=(5,), causal=True), width=4)
OPEN = Site(domain=Domain(kind="sequence", shape=(5,)), width=4)


class TestPositionMixer(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [{}, {"groups": 1}, {"groups": 8}]


def test_a_causal_kernel_is_a_triangle_for_each_group() -> None:
    op = PositionMixer(width=4, length=5, groups=2, causal=True)

    kernel = op.dense_kernel(torch.randn(1, 3, 4))

    assert torch.equal(kernel.k_BHNN[0], op.matrices()[:, :3, :3])
    assert not kernel.k_BHNN.triu(1).any()


def test_a_masked_position_has_no_column() -> None:
    op = PositionMixer(width=4, length=3, groups=1, causal=False)

    kernel = op.dense_kernel(torch.randn(1, 3, 4), torch.tensor([[True, False, True]]))

    assert not kernel.k_BHNN[..., 1].any()


def test_white_noise_comes_out_about_as_loud() -> None:
    torch.manual_seed(0)
    op = PositionMixer(width=48, length=64, groups=4, causal=True)

    loud = float(op(torch.randn(8, 64, 48)).detach().std())

    assert 0.7 < loud < 1.4


def test_the_costs_of_a_triangle_by_hand() -> None:
    """15 pairs; 2 · 15 · 4 + 4 · 5 · 16 = 440. Weights 2 · 15 + 2 · 20 = 70, matrices 2 · 25."""
    assert FAMILY.cost(SHORT, PositionMixerParams(groups=2)) == Cost(
        flops=440,
        params=70,
        state_bytes=4 * 20,
        train_flops=1320,
        decode_flops=40 + 64,
        traffic_bytes=4 * (6 * 20 + 70 + 100),
        activation_bytes=4 * (60 + 50) + 8 * 15,
    )


def test_training_is_counted_exactly() -> None:
    params = PositionMixerParams(groups=2)
    op = FAMILY.build(OPEN, params).to("meta")
    u_BND = torch.empty(1, 5, 4, device="meta", requires_grad=True)

    with FlopCounterMode(display=False) as counter:
        op(u_BND).sum().backward()

    assert FAMILY.cost(OPEN, params).train_flops == counter.get_total_flops()


def test_twice_the_groups_copy_the_matrices() -> None:
    (move,) = FAMILY.morphisms(SHORT, PositionMixerParams(groups=2))

    assert move.params == PositionMixerParams(groups=4)
    assert move.change == "groups 2 -> 4, matrices copied"


@pytest.mark.parametrize(("groups", "width"), [(4, 4), (2, 6), (64, 128)])
def test_groups_that_cannot_be_halved_lead_nowhere(groups: int, width: int) -> None:
    site = Site(domain=Domain(kind="sequence", shape=(5,)), width=width)

    assert FAMILY.morphisms(site, PositionMixerParams(groups=groups)) == ()


@pytest.mark.slow
def test_a_lone_layer_learns_a_rule_of_its_own_at_every_position() -> None:
    assert score("position_mixer", {"groups": 4}, "places", causal=False) > 0.98
    assert score("identity", {}, "places", causal=False) < 0.1
