import math
from typing import Any

import pytest
import torch
from support.learning import score

from itnet_kernels.continuous_conv import FAMILY, ContinuousConv, ContinuousConvParams
from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract


def _sequence(length: int, causal: bool = False, width: int = 48) -> Site:
    domain = Domain(kind="sequence", shape=(length,), causal=causal)
    return Site(domain=domain, width=width)


def _grid(rows: int, columns: int, width: int = 48) -> Site:
    return Site(domain=Domain(kind="grid", shape=(rows, columns)), width=width)


POINTS = Site(domain=Domain(kind="points", shape=(9,)), width=48)


class TestContinuousConv(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [{}, {"radius": 3}, {"radius": 30}, {"hidden": 3}]


class TestContinuousConvByFft(KernelFamilyContract):
    """Domains with so many offsets that they are computed by FFT."""

    family = FAMILY
    cases: list[dict[str, Any]] = [{}]
    sites = (_sequence(97, causal=True, width=3), _sequence(53, width=4), _grid(6, 7, width=4))


def _plain(radius: int | None, shape: tuple[int, ...], causal: bool = False) -> ContinuousConv:
    """One channel, a network that says 1 for every offset, a window of e^0 = 1 position."""
    op = ContinuousConv(1, 2, radius, shape, causal).double()
    for weight in (op.turn_HA, op.phase_H, op.inner.weight, op.inner.bias, op.read.weight):
        weight.data.fill_(0.0)
    op.read.bias.data.fill_(1.0)
    op.log_width_DA.data.fill_(0.0)
    return op


def test_the_window_is_a_gaussian() -> None:
    kernel = _plain(2, (9,)).kernel().flatten().tolist()

    assert kernel == pytest.approx([math.exp(-n * n / 2) for n in (-2, -1, 0, 1, 2)], abs=1e-15)


def test_a_causal_window_is_its_past_half() -> None:
    kernel = _plain(2, (9,), causal=True).kernel().flatten().tolist()

    assert kernel == pytest.approx([math.exp(-2), math.exp(-0.5), 1], abs=1e-15)


def test_on_a_grid_the_window_has_a_width_along_each_axis() -> None:
    op = _plain(1, (5, 5))
    op.log_width_DA.data = torch.tensor([[0.0, 50.0]], dtype=torch.float64)

    down, level = math.exp(-0.5), 1.0
    wanted = [[down] * 3, [level] * 3, [down] * 3]
    torch.testing.assert_close(op.kernel()[0], torch.tensor(wanted, dtype=torch.float64))


def test_the_network_by_hand() -> None:
    """sin(π/2 · sin(π/2 · o / r)) is −1, 0, 1 at −r, 0, r under a window that is wide open."""
    op = _plain(3, (9,))
    op.log_width_DA.data.fill_(50.0)
    op.turn_HA.data = torch.tensor([[math.pi / 2], [0.0]], dtype=torch.float64)
    op.inner.weight.data = torch.diag(torch.tensor([math.pi / 2, 0.0], dtype=torch.float64))
    op.read.weight.data = torch.tensor([[1.0, 5.0]], dtype=torch.float64)
    op.read.bias.data.fill_(0.0)

    kernel = op.kernel().flatten().tolist()

    third = math.sin(math.pi / 2 * math.sin(math.pi / 6))
    assert kernel[::3] == pytest.approx([-1, 0, 1], abs=1e-14)
    assert kernel[4] == pytest.approx(third, abs=1e-14)


@pytest.mark.parametrize("log_width", [-1e4, -3.0, 50.0])
def test_no_width_makes_the_kernel_or_its_gradient_infinite(log_width: float) -> None:
    op = _plain(None, (9,)).float()
    op.log_width_DA.data.fill_(log_width)

    kernel_DR = op.kernel()
    kernel_DR.sum().backward()

    assert kernel_DR.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in op.parameters())


def test_the_kernel_is_not_rounded_by_autocast() -> None:
    op = ContinuousConv(4, 8, None, (64,), causal=False)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        kernel_DR = op.kernel()

    assert torch.equal(kernel_DR, op.kernel())


@pytest.mark.parametrize("shape", [(49,), (1024,), (7, 9)])
def test_at_first_every_channel_has_a_kernel_of_length_1(shape: tuple[int, ...]) -> None:
    op = ContinuousConv(16, 16, None, shape, causal=False)

    length_D = op.kernel().detach().flatten(1).norm(dim=1)

    torch.testing.assert_close(length_D, torch.ones(16))


def test_at_first_widths_reach_from_1_position_to_all() -> None:
    op = ContinuousConv(32, 16, None, (1025,), causal=False)

    width_D = op.log_width_DA.detach().exp().flatten()

    assert 1 < float(width_D[0]) < 1.2
    assert 900 < float(width_D[-1]) < 1024


@pytest.mark.parametrize(
    "site",
    [_sequence(49), _sequence(1024, causal=True), _grid(12, 16)],
    ids=lambda s: str(s.domain),
)
@pytest.mark.parametrize("radius", [None, 5])
def test_white_noise_comes_out_about_as_loud(site: Site, radius: int | None) -> None:
    op = FAMILY.build(site, ContinuousConvParams(radius=radius))

    loud = float(op(torch.randn(8, site.length, 48)).detach().std())

    assert 0.5 < loud < 2


def test_fewer_positions_use_the_offsets_that_they_have() -> None:
    op = ContinuousConv(3, 8, None, (60,), causal=False).double()
    u_BND = torch.randn(2, 60, 3, dtype=torch.float64)
    mask_BN = torch.arange(60).expand(2, -1) < 20

    torch.testing.assert_close(op(u_BND[:, :20]), op(u_BND, mask_BN)[:, :20], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("radius", "support"), [(None, Support.FULL), (5, Support.WINDOW)], ids=str
)
def test_its_bias_is_a_window_or_everything(radius: int | None, support: Support) -> None:
    assert FAMILY.bias(ContinuousConvParams(radius=radius)) == Bias(
        support=support, radius=radius, sharing=Sharing.TRANSLATION
    )


def test_the_costs_of_a_causal_window_by_hand() -> None:
    """4 offsets, 4 channels, 2 units: the network 2 · 4 · (2 + 4 + 8) + 4 · 4 · 4 = 176.

    Taps 2 · 20 · 4 a channel, the map 2 · 20 · 16 = 640; 30 numbers of the network and 24 of the
    map; 4 · (8 + 8) of it kept.
    """
    site = _sequence(20, causal=True, width=4)

    assert FAMILY.cost(site, ContinuousConvParams(radius=3, hidden=2)) == Cost(
        flops=4 * 160 + 176 + 640,
        params=4 + 6 + 12 + 4 + 20,
        state_bytes=4 * 4 * (4 + 3),
        train_flops=3 * (4 * 160 + 176 + 640),
        decode_flops=2 * 4 * 4 + 2 * 16,
        traffic_bytes=4 * (4 * 4 * 20 + 2 * 4 * (8 + 8) + 46),
        activation_bytes=4 * (4 * (20 + 23) + 4 * (8 + 8)),
    )


def test_the_costs_of_every_offset_are_those_of_ffts() -> None:
    """127 offsets at 64 positions, 128 points; the network 2 · 127 · (16 + 256 + 768) and more."""
    cost = FAMILY.cost(_sequence(64), ContinuousConvParams())

    network = 2 * 127 * 1040 + 127 * 48 * 4
    assert cost.flops == 48 * (3 * 2240 + 6 * 65) + network + 2 * 64 * 48 * 48


def test_it_refuses_points() -> None:
    why = "a point cloud has no neighbours in a row, so an offset has no meaning on it"

    assert FAMILY.refuses(POINTS, ContinuousConvParams()) == why


@pytest.mark.parametrize(("radius", "wanted"), [(19, 19), (20, None), (64, None), (None, None)])
def test_a_window_over_everything_is_none(radius: int | None, wanted: int | None) -> None:
    assert FAMILY.normalize(_sequence(21), ContinuousConvParams(radius=radius)).radius == wanted


@pytest.mark.parametrize("site", [_sequence(9), _grid(3, 5)], ids=lambda site: str(site.domain))
def test_without_the_window_it_computes_what_it_did_with_it(site: Site) -> None:
    params = ContinuousConvParams(radius=site.domain.extent - 1)
    wide = FAMILY.build(site, params).double()
    full = FAMILY.build(site, FAMILY.normalize(site, params)).double()
    full.load_state_dict(wide.state_dict())
    u_BND = torch.randn(2, site.length, 48, dtype=torch.float64)

    torch.testing.assert_close(full(u_BND), wide(u_BND), rtol=0, atol=1e-13)


def test_a_short_window_is_computed_directly_and_a_long_one_by_fft() -> None:
    few = "9 taps, not more than the 96 up to which direct is faster on a CPU, as measured"
    many = "2047 taps, more than the 96 up to which direct is faster on a CPU, as measured"

    assert FAMILY.evaluations(_sequence(1024), ContinuousConvParams(radius=4)) == (
        Evaluation("direct", True, few),
        Evaluation("fft", False, few),
    )
    assert FAMILY.evaluations(_sequence(1024), ContinuousConvParams()) == (
        Evaluation("direct", False, many),
        Evaluation("fft", True, many),
    )


def test_twice_the_units_are_there_before_they_are_read() -> None:
    (move,) = FAMILY.morphisms(_sequence(9), ContinuousConvParams(hidden=4))

    assert move.params == ContinuousConvParams(hidden=8)
    assert move.change == "hidden 4 -> 8, not yet read"


def test_there_are_at_most_256_units() -> None:
    assert FAMILY.morphisms(_sequence(9), ContinuousConvParams(hidden=129)) == ()


@pytest.mark.slow
def test_a_lone_layer_learns_to_look_19_positions_back() -> None:
    assert score("continuous_conv", {}, "far") > 0.95
    assert score("conv", {"radius": 6}, "far") < 0.1


@pytest.mark.slow
def test_a_lone_layer_learns_a_memory_that_fades() -> None:
    assert score("continuous_conv", {}, "echo") > 0.97
    assert score("conv", {"radius": 3}, "echo") < 0.8


@pytest.mark.slow
def test_a_lone_layer_learns_a_local_rule_in_a_short_window() -> None:
    assert score("continuous_conv", {"radius": 3}, "wave", causal=False) > 0.95
    assert score("identity", {}, "wave", causal=False) < 0.5
