from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.dynamic_conv import FAMILY, DynamicConv, DynamicConvParams
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract

CAUSAL = Site(domain=Domain(kind="sequence", shape=(64,), causal=True), width=48)
OPEN = Site(domain=Domain(kind="sequence", shape=(64,)), width=48)
GRID = Site(domain=Domain(kind="grid", shape=(5, 6)), width=48)
POINTS = Site(domain=Domain(kind="points", shape=(9,)), width=48)


class TestDynamicConv(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [
        {"radius": 1},
        {"radius": 3, "heads": 2},
        {"radius": 2, "heads": 8, "taps": "linear"},
        {"radius": 1, "heads": 1, "taps": "linear"},
    ]


def _plain(radius: int, causal: bool = False, softmax: bool = True) -> DynamicConv:
    """One channel, values and outputs as they are."""
    op = DynamicConv(1, radius, 1, softmax, (5,), causal)
    for linear in (op.value, op.out):
        linear.weight.data.fill_(1.0)
        linear.bias.data.fill_(0.0)
    op.score.weight.data.fill_(0.0)
    op.score.bias.data.fill_(0.0)
    return op


def _row(op: DynamicConv, u: list[float], mask: list[bool] | None = None) -> list[float]:
    mask_BN = None if mask is None else torch.tensor([mask])
    found: list[float] = (
        op(torch.tensor(u, dtype=torch.float32).reshape(1, -1, 1), mask_BN).flatten().tolist()
    )
    return found


def test_equal_scores_take_the_mean_of_the_neighbours_that_are_there() -> None:
    assert _row(_plain(radius=1), [2, 4, 9, 5]) == pytest.approx([3, 5, 6, 7])


def test_a_masked_neighbour_leaves_its_weight_to_the_others() -> None:
    found = _row(_plain(radius=1), [2, 4, 9, 5], [True, True, False, True])

    assert found == pytest.approx([3, 3, 0, 5])


def test_a_position_that_scores_by_its_content_picks_its_neighbour() -> None:
    """Positive ones look back, negative ones ahead."""
    op = _plain(radius=1)
    op.score.weight.data = torch.tensor([[1e4], [0.0], [-1e4]])

    assert _row(op, [1, 2, -3, 4]) == pytest.approx([1, 1, 4, -3])


def test_linear_taps_are_the_scores_themselves() -> None:
    op = _plain(radius=1, causal=True, softmax=False)
    op.score.weight.data = torch.tensor([[1.0], [0.0]])
    op.score.bias.data = torch.tensor([0.0, 10.0])

    assert _row(op, [1, 2, 3]) == [10, 20 + 2, 30 + 6]


@pytest.mark.parametrize("taps", ["softmax", "linear"])
@pytest.mark.parametrize(("site", "radius"), [(CAUSAL, 6), (OPEN, 3), (GRID, 1), (GRID, 3)])
def test_white_noise_comes_out_about_as_loud(site: Site, radius: int, taps: Any) -> None:
    torch.manual_seed(0)
    op = FAMILY.build(site, DynamicConvParams(radius=radius, taps=taps))

    loud = float(op(torch.randn(8, site.length, 48)).detach().std())

    assert 0.5 < loud < 2


def test_decoding_goes_on_past_the_window() -> None:
    torch.manual_seed(0)
    op = DynamicConv(8, 3, 2, True, (1,), causal=True).double()
    u_BND = torch.randn(2, 20, 8, dtype=torch.float64)
    state, rows = op.start(2), []

    for u_BD in u_BND.unbind(1):
        y_BD, state = op.step(u_BD, state)
        rows.append(y_BD)

    torch.testing.assert_close(torch.stack(rows, 1), op(u_BND), rtol=0, atol=1e-12)


def test_its_costs_by_hand() -> None:
    """Causal radius 3: 4 taps, 2 heads. Each position 4·48² + 2·48·8 + 2·48·4 + 4·8 = 10,400."""
    cost = FAMILY.cost(CAUSAL, DynamicConvParams(radius=3, heads=2))

    assert cost == Cost(
        flops=64 * 10_400,
        params=2 * 49 * 48 + 8 * 49,
        state_bytes=4 * 3 * 48,
        train_flops=3 * 64 * 10_400,
        decode_flops=10_400,
        traffic_bytes=4 * (64 * (6 * 48 + 32) + 5096),
        activation_bytes=4 * 64 * (3 * 48 + 8),
    )


@pytest.mark.parametrize("site", [CAUSAL, OPEN], ids=lambda site: str(site.domain))
def test_the_counter_sees_15_columns_of_zeros_in_every_band(site: Site) -> None:
    params = DynamicConvParams(radius=3, heads=2, taps="linear")
    op = FAMILY.build(site, params).to("meta")

    with FlopCounterMode(display=False) as counter:
        op(torch.empty(1, 64, 48, device="meta"))

    assert counter.get_total_flops() == FAMILY.cost(site, params).flops + 2 * 64 * 15 * 48


def test_it_refuses_points_and_uneven_heads() -> None:
    assert (
        FAMILY.refuses(POINTS, DynamicConvParams(radius=1))
        == "a point cloud has no neighbours in a row, so a window has no meaning on it"
    )
    assert (
        FAMILY.refuses(OPEN, DynamicConvParams(radius=1, heads=5))
        == "5 heads do not divide width 48"
    )


def test_a_radius_is_cut_to_the_domain() -> None:
    assert FAMILY.normalize(GRID, DynamicConvParams(radius=9)).radius == 5


def test_only_without_softmax_can_a_window_grow() -> None:
    soft = FAMILY.morphisms(OPEN, DynamicConvParams(radius=2))
    linear = FAMILY.morphisms(OPEN, DynamicConvParams(radius=2, taps="linear"))

    assert [move.change for move in soft] == ["heads 4 -> 8, scores copied"]
    assert [move.change for move in linear] == [
        "heads 4 -> 8, scores copied",
        "radius 2 -> 3, zeros outside",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("taps", ["softmax", "linear"])
def test_a_lone_layer_learns_a_local_rule(taps: str) -> None:
    params = {"radius": 2, "heads": 4, "taps": taps}

    assert score("dynamic_conv", params, "wave", causal=False) > 0.9
    assert score("identity", {}, "wave", causal=False) < 0.5
