"""Params that mean the same operator at a site become one."""

import pytest
import torch

from itnet_kernels.attention import FAMILY as ATTENTION
from itnet_kernels.attention import AttentionParams
from itnet_kernels.conv import FAMILY as CONV
from itnet_kernels.conv import ConvParams
from itnet_nas.kernels import Domain, Site


def _site(*shape: int, causal: bool = False) -> Site:
    kind = "grid" if len(shape) == 2 else "sequence"
    return Site(domain=Domain(kind=kind, shape=shape, causal=causal), width=8)


@pytest.mark.parametrize(
    ("site", "given", "wanted"),
    [
        (_site(9), 8, 8),
        (_site(9), 9, 8),
        (_site(9, causal=True), 64, 8),
        (_site(3, 7), 10, 6),
        (_site(1), 3, 1),
    ],
)
def test_a_radius_is_cut_to_the_domain(site: Site, given: int, wanted: int) -> None:
    assert CONV.normalize(site, ConvParams(radius=given)).radius == wanted


def test_a_cut_convolution_computes_what_the_long_one_did() -> None:
    site = _site(5)
    long = CONV.build(site, ConvParams(radius=7)).double()
    cut = CONV.build(site, CONV.normalize(site, ConvParams(radius=7))).double()
    weights = long.state_dict()
    weights["taps"] = weights["taps"][..., 3:-3]
    cut.load_state_dict(weights)
    u_BND = torch.randn(2, 5, 8, dtype=torch.float64)

    torch.testing.assert_close(cut(u_BND), long(u_BND), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("window", "wanted"), [(7, 7), (8, None), (100, None), (None, None)])
def test_a_window_over_everything_is_none(window: int | None, wanted: int | None) -> None:
    params = AttentionParams(heads=2, window=window)

    assert ATTENTION.normalize(_site(9, causal=True), params).window == wanted


@pytest.mark.parametrize("position", ["none", "alibi", "rotary"])
def test_attention_without_the_window_computes_what_it_did_with_it(position: str) -> None:
    site = _site(9)
    params = AttentionParams(heads=2, position=position, window=8)  # type: ignore[arg-type]
    wide = ATTENTION.build(site, params).double()
    full = ATTENTION.build(site, ATTENTION.normalize(site, params)).double()
    full.load_state_dict(wide.state_dict())
    u_BND = torch.randn(2, 9, 8, dtype=torch.float64)

    torch.testing.assert_close(full(u_BND), wide(u_BND), rtol=0, atol=1e-13)
