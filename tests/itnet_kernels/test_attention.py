from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels import attention
from itnet_kernels.attention import AttentionParams
from itnet_nas.integral.evaluation import taken
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract


class TestAttention(KernelFamilyContract):
    family = attention.FAMILY
    cases = [
        {"heads": 2},
        {"heads": 1, "position": "alibi"},
        {"heads": 2, "position": "rotary"},
        {"heads": 4, "window": 3},
        {"heads": 2, "position": "alibi", "window": 2},
        {"heads": 2, "position": "rotary", "window": 3},
    ]


class TestAttentionInBlocks(KernelFamilyContract):
    family = attention.FAMILY
    cases = [
        {"heads": 2, "window": 2},
        {"heads": 2, "position": "alibi", "window": 1},
    ]
    sites = (
        Site(domain=Domain(kind="sequence", shape=(133,), causal=True), width=4),
        Site(domain=Domain(kind="sequence", shape=(133,)), width=4),
        Site(domain=Domain(kind="grid", shape=(21, 15)), width=2),
    )


CAUSAL = Site(domain=Domain(kind="sequence", shape=(6,), causal=True), width=4)
OPEN = Site(domain=Domain(kind="sequence", shape=(6,)), width=4)


def test_with_equal_scores_it_is_the_mean_of_what_is_seen() -> None:
    op = attention.Attention(1, 1, "none", window=1, shape=(4,), causal=False)
    op.qkv.weight.data = torch.tensor([[0.0], [0.0], [1.0]])
    op.out.weight.data.fill_(1.0)

    y_BND = op(torch.tensor([3.0, 6, 9, 0]).reshape(1, 4, 1))

    assert y_BND.flatten().tolist() == pytest.approx([4.5, 6, 5, 4.5])


def test_one_step_back_costs_the_first_of_8_heads_half_a_unit_of_score() -> None:
    op = attention.Attention(8, 8, "alibi", window=None, shape=(2,), causal=True).double()
    torch.nn.init.zeros_(op.qkv.weight)
    op.qkv.weight.data[16, 0] = 1.0
    op.out.weight.data = torch.eye(8, dtype=torch.float64)
    u_BND = torch.zeros(1, 2, 8, dtype=torch.float64)
    u_BND[0, 0, 0] = 1.0

    y_BND = op(u_BND).detach()

    assert float(y_BND[0, 1, 0]) == pytest.approx(1 / (1 + torch.e**0.5))


@pytest.mark.parametrize("coordinates", [0, 3])
def test_points_are_a_set_to_it_wherever_they_stand(coordinates: int) -> None:
    domain = Domain(kind="points", shape=(9,), coordinates=coordinates)
    op = attention.FAMILY.build(Site(domain=domain, width=8), AttentionParams(heads=2))
    u_BND, order_N = torch.randn(2, 9, 8), torch.randperm(9)

    y_BND = op(u_BND, None, torch.randn(2, 9, coordinates) if coordinates else None)

    torch.testing.assert_close(op(u_BND[:, order_N]), y_BND[:, order_N])


@pytest.mark.parametrize("position", ["none", "alibi", "rotary"])
@pytest.mark.parametrize("window", [None, 8])
@pytest.mark.parametrize("causal", [True, False])
def test_white_noise_comes_out_about_as_loud(
    position: Any, window: int | None, causal: bool
) -> None:
    site = Site(domain=Domain(kind="sequence", shape=(100,), causal=causal), width=48)
    params = AttentionParams(heads=4, position=position, window=window)

    loud = float(attention.FAMILY.build(site, params)(torch.randn(8, 100, 48)).detach().std())

    assert 0.5 < loud < 2


def test_the_costs_of_rotary_by_hand() -> None:
    """6 positions of 4 channels, 2 heads, 21 pairs: maps 8 · 16 and turns 6 · 4 for each."""
    cost = attention.FAMILY.cost(CAUSAL, AttentionParams(heads=2, position="rotary"))

    assert cost == Cost(
        flops=6 * (128 + 24) + 21 * 24,
        params=4 * 16 + 16,
        state_bytes=8 * 6 * 4,
        train_flops=6 * (3 * 128 + 2 * 24) + 21 * (14 * 4 + 12 * 2),
        decode_flops=128 + 24 + 6 * 24,
        traffic_bytes=4 * (6 * 4 * 14 + 80),
        activation_bytes=4 * (6 * 4 * 8 + 6 * 2),
    )


def test_training_is_counted_but_for_its_softmax_and_what_is_made_again() -> None:
    """The backward pass makes all scores again, which torch leaves out on the meta device."""
    site = Site(domain=Domain(kind="sequence", shape=(64,)), width=48)
    op = attention.FAMILY.build(site, AttentionParams(heads=4)).to("meta")
    u_BND = torch.empty(1, 64, 48, device="meta", requires_grad=True)

    with FlopCounterMode(display=False) as counter:
        op(u_BND).sum().backward()

    stated = attention.FAMILY.cost(site, AttentionParams(heads=4)).train_flops
    assert stated is not None
    softmax, again = 12 * 4 * 64**2, 2 * 48 * 64**2
    assert stated - softmax - again == counter.get_total_flops()


def test_alibi_says_why_it_stays_fast() -> None:
    ways = attention.FAMILY.evaluations(OPEN, AttentionParams(heads=2, position="alibi"))

    assert [way.reason for way in ways if way.taken] == [
        "what ALiBi adds needs no gradient, so that no score is written to memory"
    ]


def test_on_cuda_a_window_without_a_compiler_is_cut_into_blocks() -> None:
    site = Site(domain=Domain(kind="sequence", shape=(4096,)), width=64)

    ways = attention.FAMILY.evaluations(site, AttentionParams(heads=4, window=32), "cuda")

    assert taken(ways) in ("blocked", "flex")


def test_no_move_keeps_a_softmax() -> None:
    assert attention.FAMILY.morphisms(OPEN, AttentionParams(heads=2, window=2)) == ()


@pytest.mark.slow
def test_a_lone_layer_learns_to_recall_what_was_shown_beside_a_kind() -> None:
    assert score("attention", {"heads": 4}, "recall") > 0.95
    assert score("conv", {"radius": 6}, "recall") < 0.3


@pytest.mark.slow
def test_a_lone_layer_learns_a_mean_over_those_that_count() -> None:
    assert score("attention", {"heads": 4}, "count", causal=False) > 0.85
    assert score("identity", {}, "count", causal=False) < 0.75


@pytest.mark.slow
def test_a_lone_layer_that_knows_distances_learns_a_local_rule() -> None:
    rotary = {"heads": 4, "position": "rotary", "window": 4}

    assert score("attention", rotary, "wave", causal=False) > 0.75
    assert score("identity", {}, "wave", causal=False) < 0.4
