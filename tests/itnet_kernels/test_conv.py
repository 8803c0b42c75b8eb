from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.conv import FAMILY, Conv, ConvParams
from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract


def _sequence(length: int, causal: bool = False, width: int = 48) -> Site:
    domain = Domain(kind="sequence", shape=(length,), causal=causal)
    return Site(domain=domain, width=width)


CAUSAL, OPEN = _sequence(64, causal=True), _sequence(64)
GRID = Site(domain=Domain(kind="grid", shape=(6, 6)), width=48)


class TestConv(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [
        {"radius": 1},
        {"radius": 3},
        {"radius": 64},
        {"radius": 2, "channels": "dense"},
        {"radius": 1, "dilation": 2},
        {"radius": 2, "dilation": 3},
        {"radius": 2, "dilation": 2, "channels": "dense"},
    ]


class TestConvByFft(KernelFamilyContract):
    """121 taps, of which so many lie inside that they are computed by FFT."""

    family = FAMILY
    cases: list[dict[str, Any]] = [{"radius": 60}]
    sites = (_sequence(61, width=4),)


def _row(op: Conv, u: list[float]) -> list[float]:
    found: list[float] = op(torch.tensor([u]).float().mT.unsqueeze(0)).flatten().tolist()
    return found


def test_a_dilated_window_sees_every_second_neighbour() -> None:
    op = Conv(width=1, radius=1, dense=True, shape=(7,), causal=False, dilation=2)
    op.taps.data = torch.tensor([[[1.0, 2.0, 4.0]]])

    assert _row(op, [0, 0, 0, 1, 0, 0, 0]) == [0, 4, 0, 2, 0, 1, 0]


def test_a_causal_dilated_window_sees_every_third_earlier_one() -> None:
    op = Conv(width=1, radius=2, dense=True, shape=(8,), causal=True, dilation=3)
    op.taps.data = torch.tensor([[[1.0, 2.0, 4.0]]])

    assert _row(op, [0, 1, 0, 0, 0, 0, 0, 0]) == [0, 4, 0, 0, 2, 0, 0, 1]


def test_the_bias_of_a_dilated_window_has_its_reach_and_its_steps() -> None:
    assert FAMILY.bias(ConvParams(radius=3, dilation=2)) == Bias(
        support=Support.WINDOW, radius=6, dilation=2, sharing=Sharing.TRANSLATION
    )


@pytest.mark.parametrize("channels", ["depthwise", "dense"])
@pytest.mark.parametrize("site", [CAUSAL, OPEN, GRID], ids=lambda site: str(site.domain))
@pytest.mark.parametrize(("radius", "dilation"), [(1, 1), (3, 1), (2, 2)])
def test_white_noise_comes_out_about_as_loud(
    site: Site, channels: Any, radius: int, dilation: int
) -> None:
    op = FAMILY.build(site, ConvParams(radius=radius, dilation=dilation, channels=channels))

    loud = float(op(torch.randn(8, site.length, 48)).detach().std())

    assert 0.5 < loud < 2


def test_the_costs_of_a_depthwise_one_by_hand() -> None:
    """Causal radius 3: 4 taps, 64 · 2 · 48 · (4 + 48); 67 positions with the margin in front."""
    assert FAMILY.cost(CAUSAL, ConvParams(radius=3)) == Cost(
        flops=319_488,
        params=4 * 48 + 49 * 48,
        state_bytes=4 * 3 * 48,
        train_flops=3 * 319_488,
        decode_flops=2 * 48 * 52,
        traffic_bytes=4 * (4 * 64 * 48 + 53 * 48),
        activation_bytes=4 * 48 * (64 + 67),
    )


def test_the_costs_of_a_dense_one_by_hand() -> None:
    """5 taps of 48 x 48 at 64 positions."""
    assert FAMILY.cost(OPEN, ConvParams(radius=2, channels="dense")) == Cost(
        flops=1_474_560,
        params=5 * 48 * 48 + 48,
        train_flops=3 * 1_474_560,
        traffic_bytes=4 * (2 * 64 * 48 + 5 * 48 * 48 + 48),
        activation_bytes=4 * 64 * 48,
    )


def test_the_costs_of_121_taps_are_those_of_ffts() -> None:
    """128 points a channel: transforms of 2240, products of 65 frequencies; and the map."""
    cost = FAMILY.cost(OPEN, ConvParams(radius=60))

    mix = 2 * 64 * 48 * 48
    assert cost.flops == 48 * (3 * 2240 + 6 * 65) + mix
    assert cost.train_flops == 48 * (8 * 2240 + 20 * 65) + 3 * mix


def test_a_dilated_state_reaches_as_far_back_as_the_window() -> None:
    cost = FAMILY.cost(CAUSAL, ConvParams(radius=3, dilation=5))

    assert cost.state_bytes == 4 * 15 * 48
    assert cost.decode_flops == 2 * 48 * (4 + 48)


@pytest.mark.parametrize("channels", ["depthwise", "dense"])
@pytest.mark.parametrize("site", [CAUSAL, OPEN, GRID], ids=lambda site: str(site.domain))
def test_a_dilated_convolution_is_counted_exactly(site: Site, channels: Any) -> None:
    params = ConvParams(radius=2, channels=channels, dilation=2)
    op = FAMILY.build(site, params).to("meta")

    with FlopCounterMode(display=False) as counter:
        op(torch.empty(1, site.length, 48, device="meta"))

    assert counter.get_total_flops() == FAMILY.cost(site, params).flops


def test_it_refuses_a_dilation_that_leaves_no_neighbour() -> None:
    why = FAMILY.refuses(GRID, ConvParams(radius=1, dilation=6))

    assert why == "a dilation of 6 leaves no neighbour on grid of 6 x 6"
    assert FAMILY.refuses(GRID, ConvParams(radius=1, dilation=5)) == ""


def test_a_dilated_radius_is_cut_to_the_domain() -> None:
    assert FAMILY.normalize(OPEN, ConvParams(radius=40, dilation=8)).radius == 7


def test_two_ways_to_compute_and_why_one_is_taken() -> None:
    why = "7 taps, not more than the 96 up to which direct is faster on a CPU, as measured"

    assert FAMILY.evaluations(OPEN, ConvParams(radius=3)) == (
        Evaluation("direct", True, why),
        Evaluation("fft", False, why),
    )


def test_on_cuda_every_window_of_a_sequence_is_computed_directly() -> None:
    direct, fft = FAMILY.evaluations(_sequence(4096), ConvParams(radius=64), "cuda")

    assert direct.taken
    assert not fft.taken


def test_matrices_for_taps_are_computed_in_one_way() -> None:
    assert FAMILY.evaluations(OPEN, ConvParams(radius=3, channels="dense")) == ()


def test_it_can_grow_fill_its_holes_and_mix_channels() -> None:
    moves = FAMILY.morphisms(OPEN, ConvParams(radius=2, dilation=3))

    assert [move.change for move in moves] == [
        "radius 2 -> 3, zeros outside",
        "dilation 3 -> 1, zeros between",
        "depthwise -> dense, window times map",
    ]
    assert [move.params for move in moves] == [
        ConvParams(radius=3, dilation=3),
        ConvParams(radius=6),
        ConvParams(radius=2, dilation=3, channels="dense"),
    ]


def test_a_window_over_everything_does_not_grow() -> None:
    assert FAMILY.morphisms(_sequence(4), ConvParams(radius=3, channels="dense")) == ()


@pytest.mark.slow
@pytest.mark.parametrize("channels", ["depthwise", "dense"])
def test_a_lone_layer_learns_a_local_rule(channels: str) -> None:
    assert score("conv", {"radius": 2, "channels": channels}, "wave", causal=False) > 0.98
    assert score("identity", {}, "wave", causal=False) < 0.5


@pytest.mark.slow
def test_a_lone_layer_learns_to_look_19_back_where_its_steps_allow() -> None:
    assert score("conv", {"radius": 1, "dilation": 19}, "far") > 0.98
    assert score("conv", {"radius": 5, "dilation": 4}, "far") < 0.1
