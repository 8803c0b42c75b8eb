from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.long_conv import FAMILY, LongConv, LongConvParams
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract


def _sequence(length: int, causal: bool = False, width: int = 48) -> Site:
    domain = Domain(kind="sequence", shape=(length,), causal=causal)
    return Site(domain=domain, width=width)


def _grid(rows: int, columns: int, width: int = 48) -> Site:
    return Site(domain=Domain(kind="grid", shape=(rows, columns)), width=width)


POINTS = Site(domain=Domain(kind="points", shape=(9,)), width=48)


class TestLongConv(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [{}]


class TestLongConvByFft(KernelFamilyContract):
    """Domains with so many lags that they are computed by FFT."""

    family = FAMILY
    cases: list[dict[str, Any]] = [{}]
    sites = (_sequence(97, causal=True, width=3), _sequence(53, width=4), _grid(6, 7, width=4))


def test_a_one_in_the_middle_shows_the_lags() -> None:
    op = LongConv(width=1, shape=(4,), causal=False)
    op.taps.data = torch.tensor([[1.0, 2, 3, 4, 5, 6, 7]])
    op.mix.weight.data.fill_(1.0)
    op.mix.bias.data.fill_(0.0)

    y_BND = op(torch.tensor([0.0, 1, 0, 0]).reshape(1, 4, 1))

    assert y_BND.flatten().tolist() == [5, 4, 3, 2]


def test_fewer_positions_use_the_lags_that_they_have() -> None:
    op = LongConv(width=3, shape=(60,), causal=False).double()
    u_BND = torch.randn(2, 60, 3, dtype=torch.float64)
    mask_BN = torch.arange(60).expand(2, -1) < 20

    torch.testing.assert_close(op(u_BND[:, :20]), op(u_BND, mask_BN)[:, :20], rtol=0, atol=1e-12)


@pytest.mark.parametrize("length", [8, 1024])
def test_at_first_channels_fade_within_1_to_all_positions(length: int) -> None:
    op = LongConv(width=64, shape=(length,), causal=True)

    power_DR = op.taps.detach().square().flip(1)

    assert float(power_DR[:8, :4].sum() / power_DR[:8].sum()) > 0.95
    assert float(power_DR[-8:, length // 4 :].sum() / power_DR[-8:].sum()) > 0.4
    assert float(power_DR.sum(1).mean()) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize(
    "site",
    [_sequence(49), _sequence(1024, causal=True), _grid(12, 16)],
    ids=lambda s: str(s.domain),
)
def test_white_noise_comes_out_about_as_loud(site: Site) -> None:
    op = FAMILY.build(site, LongConvParams())

    loud = float(op(torch.randn(8, site.length, 48)).detach().std())

    assert 0.5 < loud < 2


def test_the_costs_of_128_causal_lags_by_hand() -> None:
    """256 points: transforms of 2.5 · 256 · 8, 129 frequencies; 4 channels and their map."""
    cost = FAMILY.cost(_sequence(128, causal=True, width=4), LongConvParams())

    mix = 2 * 128 * 16
    assert cost == Cost(
        flops=4 * (3 * 5120 + 6 * 129) + mix,
        params=4 * 128 + 20,
        state_bytes=4 * 127 * 4,
        train_flops=4 * (8 * 5120 + 20 * 129) + 3 * mix,
        decode_flops=2 * 128 * 4 + 32,
        traffic_bytes=4 * (4 * (4 * 128 + 6 * 256 + 12 * 129) + 4 * 128 + 20),
        activation_bytes=4 * 4 * (128 + 128 + 256),
    )


def test_few_lags_are_counted_exactly() -> None:
    site = _sequence(20)
    op = FAMILY.build(site, LongConvParams()).to("meta")

    with FlopCounterMode(display=False) as counter:
        op(torch.empty(1, 20, 48, device="meta"))

    assert counter.get_total_flops() == FAMILY.cost(site, LongConvParams()).flops


def test_it_refuses_points() -> None:
    why = "a point cloud has no neighbours in a row, so a lag has no meaning on it"

    assert FAMILY.refuses(POINTS, LongConvParams()) == why


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_on_a_long_domain_it_is_computed_by_fft_everywhere(device: str) -> None:
    direct, fft = FAMILY.evaluations(_sequence(1024), LongConvParams(), device)

    assert not direct.taken
    assert fft.taken


def test_on_a_short_domain_it_is_computed_directly() -> None:
    why = "41 taps, not more than the 96 up to which direct is faster on a CPU, as measured"

    assert FAMILY.evaluations(_sequence(21), LongConvParams()) == (
        Evaluation("direct", True, why),
        Evaluation("fft", False, why),
    )


@pytest.mark.slow
def test_a_lone_layer_learns_to_look_19_positions_back() -> None:
    assert score("long_conv", {}, "far") > 0.98
    assert score("conv", {"radius": 6}, "far") < 0.1


@pytest.mark.slow
def test_a_lone_layer_learns_a_memory_that_fades() -> None:
    assert score("long_conv", {}, "echo") > 0.98
    assert score("conv", {"radius": 3}, "echo") < 0.8
