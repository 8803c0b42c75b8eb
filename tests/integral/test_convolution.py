from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from itnet_nas.integral import convolution
from itnet_nas.integral.convolution import (
    DepthwiseWork,
    dense_convolution,
    depthwise_convolution,
    depthwise_evaluations,
    depthwise_work,
    spread_taps,
    tap_pairs,
    taps_inside,
)
from itnet_nas.integral.evaluation import Evaluation, taken

# Lengths that are no multiple of a dilation, windows that reach beyond one end or both.
PLACES = [
    (shape, before, after, dilation)
    for (shape, before, after), dilation in product(
        [
            ((21,), (3,), (3,)),
            ((21,), (4,), (0,)),
            ((4,), (1,), (9,)),
            ((1,), (2,), (2,)),
            ((5, 6), (1, 1), (1, 1)),
            ((5, 6), (1, 2), (3, 0)),
            ((2, 7), (4, 4), (4, 4)),
        ],
        [1, 2, 3, 7],
    )
]


def _randn(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _of_torch(
    u_BND: Tensor, w_DER: Tensor, place: Any, groups: int, b_D: Tensor | None = None
) -> Tensor:
    """conv1d or conv2d behind a margin of zeros."""
    shape, before, after, dilation = place
    u_BDX = u_BND.mT.reshape(len(u_BND), -1, *shape)
    margins = [dilation * n for pair in zip(before, after, strict=True) for n in pair[::-1]][::-1]
    convolve = F.conv1d if len(shape) == 1 else F.conv2d
    y_BDX = convolve(F.pad(u_BDX, margins), w_DER, b_D, groups=groups, dilation=dilation)
    return y_BDX.flatten(2).mT


def _sides(before: tuple[int, ...], after: tuple[int, ...]) -> list[int]:
    return [b + a + 1 for b, a in zip(before, after, strict=True)]


@pytest.mark.parametrize("most", [0, 10**6], ids=["fft", "direct"])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_depthwise_one_is_that_of_torch(
    place: Any, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution, "MOST_DIRECT", {1: most, 2: most})
    shape, before, after, dilation = place
    u_BND, w_DR = _randn(2, torch.Size(shape).numel(), 3), _randn(3, *_sides(before, after))

    y_BND = depthwise_convolution(u_BND, w_DR, shape, before, dilation)

    wanted = _of_torch(u_BND, w_DR.unsqueeze(1), place, groups=3)
    torch.testing.assert_close(y_BND, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_dense_one_is_that_of_torch(place: Any) -> None:
    shape, before, after, dilation = place
    u_BND, w_DER = _randn(2, torch.Size(shape).numel(), 3), _randn(3, 3, *_sides(before, after))
    b_D = _randn(3)

    y_BND = dense_convolution(u_BND, w_DER, shape, before, dilation, b_D)

    wanted = _of_torch(u_BND, w_DER, place, groups=1, b_D=b_D)
    torch.testing.assert_close(y_BND, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_pairs_of_a_tap_are_its_convolution(place: Any) -> None:
    shape, before, after, dilation = place
    u_BND, w_DR = _randn(2, torch.Size(shape).numel(), 3), _randn(3, *_sides(before, after))

    pair_RNN = tap_pairs(shape, before, after, dilation).double()

    y_BND = torch.einsum("dr,rij,bjd->bid", w_DR.flatten(1), pair_RNN, u_BND)
    wanted = _of_torch(u_BND, w_DR.unsqueeze(1), place, groups=3)
    torch.testing.assert_close(y_BND, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("dense", [False, True])
def test_other_devices_than_the_cpu_compute_the_same(place: Any, dense: bool) -> None:
    """They take conv1d and conv2d as they are; here on the CPU, to compare."""
    shape, before, after, dilation = place
    u_BND = _randn(2, torch.Size(shape).numel(), 3)
    w_DER = _randn(3, 3 if dense else 1, *_sides(before, after))

    y_BND = convolution._plain(u_BND, w_DER, shape, before, dilation)

    wanted = _of_torch(u_BND, w_DER, place, groups=1 if dense else 3)
    torch.testing.assert_close(y_BND, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dense", [False, True])
def test_on_the_meta_device_it_has_a_shape(dense: bool) -> None:
    u_BND = torch.empty(2, 30, 3, device="meta")
    w = torch.empty(3, 3, 5, 5, device="meta") if dense else torch.empty(3, 5, 5, device="meta")
    convolve = dense_convolution if dense else depthwise_convolution

    assert convolve(u_BND, w, (5, 6), (2, 2), 2).shape == (2, 30, 3)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(("shape", "before"), [((9,), (2,)), ((4, 3), (1, 1))])
def test_its_gradients_are_those_of_finite_differences(
    shape: tuple[int, ...], before: tuple[int, ...], dilation: int
) -> None:
    u_BND = _randn(2, torch.Size(shape).numel(), 2).requires_grad_()
    w_DR = _randn(2, *_sides(before, before)).requires_grad_()

    assert torch.autograd.gradcheck(
        lambda u, w: depthwise_convolution(u, w, shape, before, dilation), (u_BND, w_DR)
    )


def test_a_field_that_lies_otherwise_in_memory_gives_the_same() -> None:
    u_BDN, w_DR = _randn(2, 3, 9), _randn(3, 5)

    y_BND = depthwise_convolution(u_BDN.mT, w_DR, (9,), (2,))

    same = depthwise_convolution(u_BDN.mT.contiguous(), w_DR, (9,), (2,))
    torch.testing.assert_close(y_BND, same, rtol=0, atol=1e-14)


def test_spread_taps_have_zeros_between_them() -> None:
    w_DST = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])

    assert spread_taps(w_DST, 2, axes=2).tolist() == [[[1, 0, 2], [0, 0, 0], [3, 0, 4]]]
    assert spread_taps(w_DST, 3, axes=1).tolist() == [[[1, 0, 0, 2], [3, 0, 0, 4]]]


def test_taps_that_reach_beyond_both_ends_are_not_counted() -> None:
    assert taps_inside((21,), (64,), (64,)) == 41
    assert taps_inside((21,), (64,), (0,), dilation=4) == 6
    assert taps_inside((4, 5), (9, 1), (9, 1)) == 7 * 3


@pytest.mark.parametrize(
    ("shape", "reach", "name"),
    [((4096,), 47, "direct"), ((4096,), 48, "fft"), ((64, 64), 4, "direct"), ((64, 64), 5, "fft")],
)
def test_few_taps_are_computed_directly_and_many_by_fft(
    shape: tuple[int, ...], reach: int, name: str
) -> None:
    sides = (reach,) * len(shape)

    assert taken(depthwise_evaluations(shape, sides, sides)) == name


def test_what_counts_are_the_taps_inside_the_domain() -> None:
    assert taken(depthwise_evaluations((40,), (64,), (64,))) == "direct"


def test_the_reasons_on_a_cpu() -> None:
    why = "33 taps, not more than the 96 up to which direct is faster on a CPU, as measured"

    assert depthwise_evaluations((4096,), (16,), (16,)) == (
        Evaluation("direct", True, why),
        Evaluation("fft", False, why),
    )


def test_the_reasons_elsewhere() -> None:
    why = "255 taps, more than the 192 up to which cuda computes directly, not measured"

    assert depthwise_evaluations((4096,), (127,), (127,), device="cuda") == (
        Evaluation("direct", False, why),
        Evaluation("fft", True, why),
    )


def test_the_work_of_a_direct_one_by_hand() -> None:
    """7 taps at 21 positions, 2 · 147; in front of a causal one, 4 taps, a margin of 2 · 3."""
    assert depthwise_work((21,), (3,), (3,)) == DepthwiseWork(294, 588, 0, 21)
    assert depthwise_work((21,), (3,), (0,), dilation=2) == DepthwiseWork(168, 336, 0, 27)


def test_the_work_of_an_fft_by_hand() -> None:
    """121 taps at 64 positions: 128 points, 65 frequencies, transforms of 2.5 · 128 · 7."""
    assert depthwise_work((64,), (60,), (60,)) == DepthwiseWork(
        flops=3 * 2240 + 6 * 65,
        back=5 * 2240 + 14 * 65,
        moved=2 * (3 * 128 + 6 * 65),
        kept=64 + 128,
    )


def test_the_work_of_an_fft_on_a_grid_by_hand() -> None:
    """All lags of 8 x 8: 16 x 16 points, 16 · 9 frequencies, transforms of 2.5 · 256 · 8."""
    assert depthwise_work((8, 8), (7, 7), (7, 7)) == DepthwiseWork(
        flops=3 * 5120 + 6 * 144,
        back=5 * 5120 + 14 * 144,
        moved=2 * (3 * 256 + 6 * 144),
        kept=64 + 256,
    )
