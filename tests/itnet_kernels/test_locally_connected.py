from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.locally_connected import FAMILY, LocallyConnected, LocallyConnectedParams
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract

CAUSAL = Site(domain=Domain(kind="sequence", shape=(64,), causal=True), width=48)
OPEN = Site(domain=Domain(kind="sequence", shape=(64,)), width=48)
GRID = Site(domain=Domain(kind="grid", shape=(5, 6)), width=48)
POINTS = Site(domain=Domain(kind="points", shape=(9,)), width=48)


class TestLocallyConnected(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [
        {"radius": 1},
        {"radius": 3, "groups": 1},
        {"radius": 2, "groups": 8},
    ]


def _plain(weights: list[list[float]]) -> LocallyConnected:
    """One channel, radius 1, sums as they are."""
    op = LocallyConnected(1, 1, 1, (len(weights),), causal=False)
    op.w_GNR.data = torch.tensor([weights])
    op.out.weight.data.fill_(1.0)
    op.out.bias.data.fill_(0.0)
    return op


def test_every_position_has_a_rule_of_its_own() -> None:
    """Mean of both, what stands before, the difference."""
    op = _plain([[9.0, 0.5, 0.5], [1.0, 0.0, 0.0], [-1.0, 1.0, 9.0]])

    y_BND = op(torch.tensor([[[2.0], [4.0], [7.0]]]))

    assert y_BND.flatten().tolist() == [3, 2, 3]


def test_fewer_positions_are_the_first_ones() -> None:
    op = LocallyConnected(8, 2, 2, (9,), causal=True).double()
    u_BND = torch.randn(2, 9, 8, dtype=torch.float64)

    torch.testing.assert_close(op(u_BND[:, :5]), op(u_BND)[:, :5], rtol=0, atol=1e-14)


@pytest.mark.parametrize(("site", "radius"), [(CAUSAL, 6), (OPEN, 1), (GRID, 2)])
def test_white_noise_comes_out_as_loud_everywhere(site: Site, radius: int) -> None:
    torch.manual_seed(0)
    op = FAMILY.build(site, LocallyConnectedParams(radius=radius))

    y_BND = op(torch.randn(8, site.length, 48)).detach()

    assert 0.7 < float(y_BND.std()) < 1.4
    assert 0.5 < float(y_BND[:, :8].std()) < 2


def test_its_costs_by_hand() -> None:
    """Causal radius 3, 4 taps: each position 2·48·4 + 2·48² = 4992; 2·64·4 weights and a map."""
    cost = FAMILY.cost(CAUSAL, LocallyConnectedParams(radius=3, groups=2))

    assert cost == Cost(
        flops=64 * 4992,
        params=512 + 48 * 49,
        state_bytes=4 * 3 * 48,
        train_flops=3 * 64 * 4992,
        decode_flops=4992,
        traffic_bytes=4 * (4 * 64 * 48 + 512 + 48 * 49),
        activation_bytes=8 * 64 * 48,
    )


@pytest.mark.parametrize("site", [CAUSAL, OPEN], ids=lambda site: str(site.domain))
def test_the_counter_sees_15_columns_of_zeros_in_every_band(site: Site) -> None:
    params = LocallyConnectedParams(radius=3)
    op = FAMILY.build(site, params).to("meta")

    with FlopCounterMode(display=False) as counter:
        op(torch.empty(1, 64, 48, device="meta"))

    assert counter.get_total_flops() == FAMILY.cost(site, params).flops + 2 * 64 * 15 * 48


@pytest.mark.parametrize(
    ("params", "site", "why"),
    [
        (
            {"radius": 1},
            POINTS,
            "a point cloud has no neighbours in a row, so a window has no meaning on it",
        ),
        ({"radius": 1, "groups": 5}, OPEN, "5 groups do not divide width 48"),
        (
            {"radius": 64, "groups": 16},
            Site(domain=Domain(kind="grid", shape=(100, 100)), width=48),
            "16641 taps at 10000 positions for 16 groups are 2662560000 weights, "
            "more than 16777216",
        ),
    ],
)
def test_the_reason_is_given(params: dict[str, Any], site: Site, why: str) -> None:
    assert FAMILY.refuses(site, LocallyConnectedParams(**params)) == why


def test_a_radius_is_cut_to_the_domain() -> None:
    assert FAMILY.normalize(GRID, LocallyConnectedParams(radius=9)).radius == 5


def test_its_moves_are_a_wider_window_and_more_groups() -> None:
    moves = FAMILY.morphisms(GRID, LocallyConnectedParams(radius=2))

    assert [move.change for move in moves] == [
        "radius 2 -> 3, zeros outside",
        "groups 4 -> 8, weights copied",
    ]


def test_a_window_over_everything_cannot_grow() -> None:
    moves = FAMILY.morphisms(GRID, LocallyConnectedParams(radius=5, groups=48))

    assert moves == ()


@pytest.mark.slow
def test_a_lone_layer_learns_a_rule_of_its_own_at_every_position() -> None:
    wide = {"radius": 31, "groups": 4}

    assert score("locally_connected", wide, "places", causal=False) > 0.98
    assert score("conv", {"radius": 31}, "places", causal=False) < 0.3
