"""The residual block."""

from __future__ import annotations

import torch
from tiny_plugins import Shift

from itnet_nas.nn.block import Block, masked


def block(width: int = 6, mlp_ratio: int = 3) -> Block:
    torch.manual_seed(0)
    return Block(Shift(width, radius=2), width, mlp_ratio)


def test_a_block_has_4d_plus_2rdd_plus_rd_plus_d_parameters_beside_its_mixer() -> None:
    d, r = 6, 3
    found = block(d, r)
    mixer = sum(p.numel() for p in found.mixer.parameters())

    assert sum(p.numel() for p in found.parameters()) - mixer == 4 * d + 2 * r * d * d + r * d + d


def test_a_block_computes_both_residuals_before_which_it_normalises() -> None:
    found = block().double()
    u_BND = torch.randn(2, 5, 6, dtype=torch.float64)

    y_BND = found(u_BND)

    v_BND = u_BND + found.mixer.reference(found.mixer_norm(u_BND))
    first, _, second = found.mlp
    hidden = torch.nn.functional.gelu(first(found.mlp_norm(v_BND)))
    assert torch.allclose(y_BND, v_BND + second(hidden), rtol=0, atol=1e-12)


def test_masked_positions_give_zero() -> None:
    mask_BN = torch.tensor([[True, True, False, False, True]])

    y_BND = block()(torch.randn(1, 5, 6), mask_BN)

    assert not y_BND[0, 2:4].any()
    assert y_BND[0, [0, 1, 4]].all()


def test_what_stands_at_masked_positions_does_not_matter() -> None:
    mask_BN = torch.tensor([[True, False, True, True, False]])
    u_BND = torch.randn(1, 5, 6)
    other_BND = torch.where(mask_BN.unsqueeze(-1), u_BND, 100.0)
    found = block()

    assert torch.equal(found(u_BND, mask_BN), found(other_BND, mask_BN))


def test_masking_silences_infinities() -> None:
    u_BND = torch.full((1, 2, 1), torch.inf)

    assert masked(u_BND, torch.tensor([[False, False]])).flatten().tolist() == [0.0, 0.0]
