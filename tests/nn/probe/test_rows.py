"""Rows of a Jacobian against the whole of it."""

from __future__ import annotations

import pytest
import torch

from itnet_kernels import attention, gru
from itnet_nas.kernels import Domain, Site
from itnet_nas.nn.probe import rows as module
from itnet_nas.nn.probe.rows import Field, pulled_back, rows
from itnet_nas.testing.influence import jacobian

SITE = Site(domain=Domain(kind="sequence", shape=(7,), causal=True), width=4)


def field(mask: bool = False) -> Field:
    generator = torch.Generator().manual_seed(1)
    u_BND = torch.randn(3, 7, 4, generator=generator, dtype=torch.float64)
    mask_BN = torch.ones(3, 7, dtype=torch.bool)
    mask_BN[1, 5:] = False
    return Field(u_BND, mask_BN if mask else None)


def operator(family=attention.FAMILY, **params: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return family.build(SITE, family.Params(**params)).double().eval()


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("op", [operator(heads=2), operator(gru.FAMILY)], ids=["attention", "gru"])
def test_rows_are_those_of_the_whole_jacobian(op: torch.nn.Module, mask: bool) -> None:
    given = field(mask)

    row_KBND = rows(op, given, torch.tensor([2, 6]), torch.tensor([3, 0]))

    for b in range(3):
        mask_N = None if given.mask_BN is None else given.mask_BN[b]
        j_NDND = jacobian(op, given.u_BND[b], mask_N)
        assert torch.allclose(row_KBND[0, b], j_NDND[2, 3], atol=1e-12)
        assert torch.allclose(row_KBND[1, b], j_NDND[6, 0], atol=1e-12)


def test_a_cotangent_is_pulled_back_by_the_whole_jacobian() -> None:
    op, given = operator(heads=2), field()
    v_KBND = torch.randn(2, 3, 7, 4, dtype=torch.float64)

    g_KBND = pulled_back(op, given, v_KBND)

    for b in range(3):
        j_NDND = jacobian(op, given.u_BND[b])
        wanted_KND = torch.einsum("kid,idje->kje", v_KBND[:, b], j_NDND)
        assert torch.allclose(g_KBND[:, b], wanted_KND, atol=1e-12)


def test_pieces_give_what_one_call_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    op, given = operator(heads=2), field(mask=True)
    at = torch.tensor([2, 6]), torch.tensor([3, 0])
    whole = rows(op, given, *at)

    monkeypatch.setattr(module, "AT_ONCE", 4 * 7 * (7 + 4))  # four of six copies at a time
    calls = []

    def counted(u_BND, mask_BN, x_BNA):
        calls.append(len(u_BND))
        return op(u_BND, mask_BN, x_BNA)

    assert torch.allclose(rows(counted, given, *at), whole, atol=1e-14)
    assert calls == [4, 2]


def test_an_output_that_does_not_read_its_input_has_rows_of_0() -> None:
    def silent(u_BND, mask_BN, x_BNA):
        return torch.ones_like(u_BND)

    row_KBND = rows(silent, field(), torch.tensor([2]), torch.tensor([0]))

    assert torch.equal(row_KBND, torch.zeros(1, 3, 7, 4, dtype=torch.float64))


def test_places_go_with_their_example() -> None:
    x_BNA = torch.arange(3.0, dtype=torch.float64).reshape(3, 1, 1).expand(3, 7, 1)
    given = Field(field().u_BND, None, x_BNA)

    row_KBND = rows(lambda u, mask, x: u * x, given, torch.tensor([2]), torch.tensor([1]))

    assert row_KBND[0, :, 2, 1].tolist() == [0, 1, 2]
