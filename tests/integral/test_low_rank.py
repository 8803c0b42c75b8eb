"""The three ways to compute a kernel of low rank, held to the sum over all pairs."""

import pytest
import torch
from torch import Tensor

from itnet_nas.integral.evaluation import taken
from itnet_nas.integral.low_rank import (
    CHUNK,
    FeatureMap,
    low_rank_evaluations,
    low_rank_mix,
    low_rank_work,
)


def _parts(length: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    phi, psi, v = (
        torch.randn(2, 3, length, size, generator=generator, dtype=torch.float64).to(dtype)
        for size in (5, 5, 4)
    )
    return phi, psi, v


def _pairs(phi: Tensor, psi: Tensor, v: Tensor, causal: bool) -> Tensor:
    rows = []
    for i in range(v.shape[2]):
        seen = range(i + 1 if causal else v.shape[2])
        terms = [(phi[:, :, i] * psi[:, :, j]).sum(-1, keepdim=True) * v[:, :, j] for j in seen]
        rows.append(torch.stack(terms).sum(0))
    return torch.stack(rows, 2)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("length", [1, 2, 31, 32, 33, 64, 70])
def test_it_is_the_sum_over_pairs(length: int, causal: bool) -> None:
    phi, psi, v = _parts(length)

    y_BHNE = low_rank_mix(phi, psi, v, causal)

    torch.testing.assert_close(y_BHNE, _pairs(phi, psi, v, causal), rtol=0, atol=1e-12)


@pytest.mark.parametrize("causal", [True, False])
def test_so_are_its_gradients(causal: bool) -> None:
    phi, psi, v = (part.requires_grad_() for part in _parts(70))
    weight = torch.randn(2, 3, 70, 4, dtype=torch.float64)

    y_BHNE = low_rank_mix(phi, psi, v, causal)

    found = torch.autograd.grad((y_BHNE * weight).sum(), (phi, psi, v))
    wanted = torch.autograd.grad((_pairs(phi, psi, v, causal) * weight).sum(), (phi, psi, v))
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-11)


@pytest.mark.parametrize("causal", [True, False])
def test_features_that_all_examples_share_may_be_given_once(causal: bool) -> None:
    phi, psi, v = _parts(70)

    once = low_rank_mix(phi[:1], psi[:1], v, causal)

    each = low_rank_mix(phi[:1].expand(2, -1, -1, -1), psi[:1].expand(2, -1, -1, -1), v, causal)
    torch.testing.assert_close(once, each, rtol=0, atol=1e-13)


def test_a_long_running_sum_is_not_rounded_at_every_chunk() -> None:
    """A thousand chunks of ones: in half precision a sum would stop growing at 256."""
    one = torch.ones(1, 1, 1000 * CHUNK, 1, dtype=torch.bfloat16)

    y_BHNE = low_rank_mix(one, one, one, causal=True)

    assert float(y_BHNE[0, 0, -1, 0]) == pytest.approx(1000 * CHUNK, rel=1e-2)


@pytest.mark.parametrize(
    ("length", "causal", "way", "reasons"),
    [
        (
            4096,
            False,
            "sum",
            [
                "every position reads the same sum over all of them, so no pair is formed",
                "one sum serves every position",
                "there is no past to sum",
            ],
        ),
        (
            32,
            True,
            "pairs",
            [
                "each position has a sum of its own, of what came before it",
                "32 positions fit into one chunk of 32",
                "32 positions fit into one chunk of 32",
            ],
        ),
        (
            33,
            True,
            "chunks",
            [
                "each position has a sum of its own, of what came before it",
                "33 positions do not fit into one chunk of 32",
                "33 positions do not fit into one chunk of 32",
            ],
        ),
    ],
)
def test_the_way_is_taken_for_a_reason(
    length: int, causal: bool, way: str, reasons: list[str]
) -> None:
    evaluations = low_rank_evaluations(length, causal)

    assert taken(evaluations) == way
    assert [one.reason for one in evaluations] == reasons


def test_work_by_hand() -> None:
    """Rank 5 and 4 channels in 3 heads; 70 positions fill 3 chunks of 32, that is 96 positions."""
    assert low_rank_work(70, 3, 5, 4).flops == 4 * 70 * 3 * 5 * 4
    assert low_rank_work(20, 3, 5, 4, causal=True).flops == 20**2 * 3 * (2 * 9 + 1)
    assert low_rank_work(70, 3, 5, 4, causal=True).flops == (
        3 * 32**2 * 3 * (2 * 9 + 1) + 4 * 96 * 3 * 5 * 4 + 3 * 3 * 5 * 4
    )


@pytest.mark.parametrize(("content", "axes"), [(True, 0), (False, 2), (True, 2)])
def test_fresh_features_meet_with_a_variance_of_one(content: bool, axes: int) -> None:
    torch.manual_seed(0)
    features = FeatureMap(64, heads=8, rank=16, content=content, axes=axes)

    phi, psi = features(torch.randn(4, 50, 64), torch.rand(4, 50, axes))

    k_BHNN = (phi @ psi.mT).detach()
    assert 0.6 < float(k_BHNN.square().mean()) < 1.6


def test_features_without_content_are_the_same_for_all_examples() -> None:
    features = FeatureMap(8, heads=2, rank=3, content=False, axes=1)

    phi, psi = features(torch.randn(4, 9, 8), torch.rand(1, 9, 1))

    assert phi.shape == psi.shape == (1, 2, 9, 3)
