"""FLOPs against torch's counter where it sees the work, against hand counts where it is blind."""

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels import attention, conv, gru, identity, position_mixer, ssm
from itnet_nas.kernels import Domain, KernelFamily, Site

CAUSAL = Site(domain=Domain(kind="sequence", shape=(64,), causal=True), width=48)
OPEN = Site(domain=Domain(kind="sequence", shape=(64,)), width=48)
GRID = Site(domain=Domain(kind="grid", shape=(7, 7)), width=48)
POINTS = Site(domain=Domain(kind="points", shape=(20,)), width=48)


def counted(family: KernelFamily[Any], site: Site, **params: Any) -> int:
    """FLOPs of one forward pass over one example, as torch counts them."""
    op = family.build(site, family.Params(**params)).to("meta")
    with FlopCounterMode(display=False) as counter:
        op(torch.empty(1, site.length, site.width, device="meta"))
    return int(counter.get_total_flops())


def stated(family: KernelFamily[Any], site: Site, **params: Any) -> int:
    return int(family.cost(site, family.Params(**params)).flops)


@pytest.mark.parametrize("site", [CAUSAL, OPEN, GRID, POINTS], ids=lambda site: str(site.domain))
def test_identity_is_counted_exactly(site: Site) -> None:
    assert stated(identity.FAMILY, site) == counted(identity.FAMILY, site)


@pytest.mark.parametrize("channels", ["depthwise", "dense"])
@pytest.mark.parametrize("site", [CAUSAL, OPEN, GRID], ids=lambda site: str(site.domain))
def test_a_convolution_is_counted_exactly(site: Site, channels: str) -> None:
    params: dict[str, Any] = {"radius": 3, "channels": channels}

    assert stated(conv.FAMILY, site, **params) == counted(conv.FAMILY, site, **params)


@pytest.mark.parametrize("site", [OPEN, GRID, POINTS], ids=lambda site: str(site.domain))
def test_full_attention_is_counted_but_for_its_softmax(site: Site) -> None:
    softmax = 4 * 4 * site.length**2

    assert stated(attention.FAMILY, site, heads=4) - softmax == counted(
        attention.FAMILY, site, heads=4
    )


@pytest.mark.parametrize("site", [OPEN, GRID], ids=lambda site: str(site.domain))
def test_rotary_adds_6_n_d(site: Site) -> None:
    turned = stated(attention.FAMILY, site, heads=4, position="rotary")

    assert turned - stated(attention.FAMILY, site, heads=4) == 6 * site.length * 48


def test_alibi_adds_two_operations_for_each_head_and_pair() -> None:
    sloped = stated(attention.FAMILY, OPEN, heads=4, position="alibi")

    assert sloped - stated(attention.FAMILY, OPEN, heads=4) == 2 * 4 * 64**2


def test_causal_attention_has_half_the_pairs() -> None:
    """8 N D² + P (4 D + 4 H) with P = 64 · 65 / 2 = 2080."""
    assert stated(attention.FAMILY, CAUSAL, heads=4) == 1_179_648 + 2080 * 208


def test_windowed_attention_has_the_pairs_of_its_window() -> None:
    """Radius 2 of 64, causal: 1 + 2 + 62 · 3 = 189 pairs."""
    assert stated(attention.FAMILY, CAUSAL, heads=4, window=2) == 1_179_648 + 189 * 208


def test_a_window_on_a_grid_has_the_pairs_of_both_axes() -> None:
    """Radius 1 of 7: 19 pairs along each axis, 361 in all."""
    assert stated(attention.FAMILY, GRID, heads=4, window=1) == 8 * 49 * 48**2 + 361 * 208


@pytest.mark.parametrize("site", [OPEN, GRID], ids=lambda site: str(site.domain))
def test_a_position_mixer_is_counted_exactly(site: Site) -> None:
    assert stated(position_mixer.FAMILY, site) == counted(position_mixer.FAMILY, site)


def test_a_causal_position_mixer_has_the_pairs_of_a_triangle() -> None:
    """2 · 2080 · 48 + 4 · 64 · 48²; and 4 triangles of 2080 parameters beside two linear maps."""
    cost = position_mixer.FAMILY.cost(CAUSAL, position_mixer.PositionMixerParams())

    assert cost.flops == 199_680 + 589_824
    assert cost.params == 4 * 2080 + 2 * (48 * 48 + 48)


def test_a_gru_by_hand() -> None:
    """N (12 D² + 5 D) one way; both ways with half the memory N (9 D² + 5 D)."""
    assert stated(gru.FAMILY, CAUSAL) == 64 * (12 * 2304 + 240)
    assert stated(gru.FAMILY, OPEN) == 64 * (9 * 2304 + 240)


def test_the_counter_sees_the_gates_of_a_gru_step_by_step() -> None:
    """torch counts no fused loop, but the products of one GRUCell are those of one position."""
    cell = torch.nn.GRUCell(48, 48)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        torch.nn.functional.linear(torch.zeros(1, 48), cell.weight_ih)
        torch.nn.functional.linear(torch.zeros(1, 48), cell.weight_hh)

    assert stated(gru.FAMILY, CAUSAL) == 64 * (counter.get_total_flops() + 240)


def test_a_state_space_by_hand() -> None:
    """48 convolutions of 7110, 48 · 4 modes in tables of 8 x 8 lags, the skip and the map."""
    kernel = 48 * 4 * (4 * 64 + 4 * 8 + 10 * 8)
    convolution, skip, mix = 48 * 7110, 2 * 64 * 48, 2 * 64 * 48 * 48

    assert stated(ssm.FAMILY, CAUSAL, state=4) == convolution + kernel + skip + mix
    assert stated(ssm.FAMILY, OPEN, state=4) == convolution + 2 * kernel + skip + mix


def test_bytes_of_state_while_decoding_64_positions_of_48_channels() -> None:
    def state(family: KernelFamily[Any], **params: Any) -> int | None:
        return family.cost(CAUSAL, family.Params(**params)).state_bytes

    assert state(identity.FAMILY) == 0
    assert state(conv.FAMILY, radius=3) == 3 * 48 * 4
    assert state(gru.FAMILY) == 48 * 4
    assert state(ssm.FAMILY, state=4) == 48 * 4 * 8
    assert state(attention.FAMILY, heads=4) == 2 * 64 * 48 * 4
    assert state(attention.FAMILY, heads=4, window=8) == 2 * 8 * 48 * 4
    assert state(position_mixer.FAMILY) == 64 * 48 * 4


def test_what_does_not_decode_has_no_state() -> None:
    for family, params in (
        (conv.FAMILY, {"radius": 1}),
        (gru.FAMILY, {}),
        (ssm.FAMILY, {"state": 4}),
        (attention.FAMILY, {"heads": 2}),
        (position_mixer.FAMILY, {}),
    ):
        family_any: KernelFamily[Any] = family
        assert family_any.cost(OPEN, family_any.Params(**params)).state_bytes is None
