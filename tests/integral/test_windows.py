import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from itnet_nas.integral.positions import alibi_slopes, coordinates, distances
from itnet_nas.integral.windows import band_pairs, window_attention, window_blocks


def _dense(
    q: Tensor, k: Tensor, v: Tensor, radius: int, causal: bool, slope_H: Tensor | None
) -> Tensor:
    length = q.shape[2]
    gap = torch.arange(length)[:, None] - torch.arange(length)
    score = q @ k.mT / math.sqrt(q.shape[-1])
    if slope_H is not None:
        score = score - slope_H[:, None, None] * gap.abs()
    far = gap.abs() > radius
    if causal:
        far = far | (gap < 0)
    return torch.softmax(score.masked_fill(far, -math.inf), -1) @ v


def _qkv(length: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 2, 2, length, 4, generator=generator, dtype=torch.float64)


@settings(deadline=None, max_examples=30)
@given(
    length=st.integers(1, 40),
    radius=st.integers(1, 45),
    extra=st.integers(0, 5),
    causal=st.booleans(),
    alibi=st.booleans(),
)
def test_blocks_give_what_one_mask_over_all_pairs_gives(
    length: int, radius: int, extra: int, causal: bool, alibi: bool
) -> None:
    qkv = _qkv(length).requires_grad_()
    slope_H = alibi_slopes(2, qkv) if alibi else None

    y = window_attention(*qkv, radius, causal, slope_H=slope_H, block=radius + extra)

    wanted = _dense(*qkv, radius, causal, slope_H)
    torch.testing.assert_close(y, wanted, rtol=0, atol=1e-12)
    way = torch.randn_like(y)
    found_grad, wanted_grad = (torch.autograd.grad((t * way).sum(), qkv)[0] for t in (y, wanted))
    torch.testing.assert_close(found_grad, wanted_grad, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(
    rows=st.integers(1, 11),
    columns=st.integers(1, 11),
    radius=st.integers(1, 12),
    block=st.integers(1, 5),
    alibi=st.booleans(),
    masked=st.booleans(),
)
def test_blocks_of_a_grid_give_what_one_mask_over_all_pairs_gives(
    rows: int, columns: int, radius: int, block: int, alibi: bool, masked: bool
) -> None:
    qkv = _qkv(rows * columns).requires_grad_()
    slope_H = alibi_slopes(2, qkv) if alibi else None
    mask_BN = torch.rand(2, rows * columns, generator=torch.Generator().manual_seed(2)) > 0.4
    mask_BN = mask_BN if masked else torch.ones_like(mask_BN)

    y = window_attention(
        *qkv, radius, mask_BN=mask_BN, slope_H=slope_H, block=block, shape=(rows, columns)
    )

    dist_NN = distances(coordinates((rows, columns)))
    score = qkv[0] @ qkv[1].mT / 2
    if slope_H is not None:
        score = score - slope_H[:, None, None] * dist_NN
    sees = (dist_NN <= radius) & mask_BN[:, None, None, :] | (dist_NN == 0)
    wanted = torch.softmax(score.masked_fill(~sees, -math.inf), -1) @ qkv[2]
    torch.testing.assert_close(y, wanted, rtol=0, atol=1e-12)
    way = torch.randn_like(y)
    found_grad, wanted_grad = (torch.autograd.grad((t * way).sum(), qkv)[0] for t in (y, wanted))
    torch.testing.assert_close(found_grad, wanted_grad, rtol=0, atol=1e-12)


def test_a_long_sequence_is_cut_into_blocks_of_64_with_margins_of_the_radius() -> None:
    blocks = window_blocks((4096,), radius=32)

    assert blocks == ((64,), (64,), ((32, 32),))
    assert (blocks.number, blocks.queries, blocks.keys) == (64, 64, 128)


def test_a_causal_window_has_no_margin_after_a_block() -> None:
    assert window_blocks((4096,), radius=100, causal=True) == ((40,), (103,), ((100, 0),))


def test_a_grid_is_cut_along_both_axes() -> None:
    blocks = window_blocks((28, 15), radius=1)

    assert blocks == ((4, 2), (7, 8), ((1, 1), (1, 1)))
    assert blocks.pairs == 8 * 56 * 90


def test_an_axis_shorter_than_two_blocks_is_not_cut() -> None:
    assert window_blocks((28, 9), radius=2) == ((4, 1), (7, 9), ((2, 2), (0, 0)))


@pytest.mark.parametrize(("shape", "radius"), [((100,), 3), ((14, 14), 2), ((256,), 40)])
def test_where_blocks_would_meet_most_pairs_there_is_one(
    shape: tuple[int, ...], radius: int
) -> None:
    blocks = window_blocks(shape, radius)

    assert blocks.number == 1
    assert blocks.pairs == math.prod(shape) ** 2


def test_a_masked_key_takes_no_part() -> None:
    q, k, v = _qkv(20)
    mask_BN = torch.ones(2, 20, dtype=torch.bool)
    mask_BN[:, 15:] = False

    y = window_attention(q, k, v, radius=3, mask_BN=mask_BN)[:, :, :15]

    alone = window_attention(q[:, :, :15], k[:, :, :15], v[:, :, :15], radius=3)
    torch.testing.assert_close(y, alone, rtol=0, atol=1e-12)


def test_no_tensor_has_a_size_for_every_pair_of_positions() -> None:
    """At N = 4096 all pairs are 16.8 million; within 2 blocks of 32 there are 0.4 million."""
    length, seen = 4096, []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            out = func(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, tuple | list) else (out,):
                if isinstance(tensor, Tensor):
                    seen.append(tensor.untyped_storage().nbytes())
            return out

    q = torch.randn(1, 1, length, 8)
    with Watch():
        window_attention(q, q, q, radius=32, causal=True)

    assert 0 < max(seen) < length * length / 8


@pytest.mark.parametrize("causal", [False, True])
def test_band_pairs_are_counted_one_by_one(causal: bool) -> None:
    for length in range(1, 9):
        for radius in range(11):
            pairs = [
                (i, j)
                for i in range(length)
                for j in range(length)
                if abs(i - j) <= radius and (j <= i or not causal)
            ]
            assert band_pairs(length, radius, causal) == len(pairs)
