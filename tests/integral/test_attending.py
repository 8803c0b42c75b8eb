import math

import pytest
import torch
from torch import Tensor

from itnet_nas.integral.attending import (
    Sight,
    attend,
    attention_evaluations,
    attention_loudness,
    attention_work,
    softmax_over,
)
from itnet_nas.integral.evaluation import taken
from itnet_nas.integral.positions import alibi_slopes, coordinates, distances


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def _wanted(qkv: Tensor, sight: Sight, mask_BN: Tensor | None) -> Tensor:
    """All pairs, from the formula."""
    q, k, v = qkv
    dist_NN = distances(coordinates(sight.shape))
    score = q @ k.mT / math.sqrt(q.shape[-1])
    if sight.alibi:
        score = score - alibi_slopes(q.shape[1], q)[:, None, None] * dist_NN
    sees = torch.ones_like(score, dtype=torch.bool)
    if sight.causal:
        sees = sees.tril()
    if sight.window is not None:
        sees = sees & (dist_NN <= sight.window)
    if mask_BN is not None:
        sees = sees & mask_BN[:, None, None, :]
    return softmax_over(score, sees) @ v


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "sight",
    [
        Sight((19,)),
        Sight((19,), causal=True),
        Sight((19,), alibi=True),
        Sight((300,), causal=True, alibi=True),
        Sight((5, 4)),
        Sight((5, 4), alibi=True),
        Sight((150,), causal=True, window=4),
        Sight((15, 14), window=1, alibi=True),
    ],
    ids=str,
)
def test_every_way_gives_the_softmax_over_what_is_seen(sight: Sight, masked: bool) -> None:
    qkv = torch.randn(3, 2, 2, sight.length, 4, dtype=torch.float64, requires_grad=True)
    mask_BN = torch.rand(2, sight.length) > 0.3
    mask_BN[:, 0] = True  # so that no query of a causal sequence is left with nothing

    y = attend(*qkv, sight, mask_BN if masked else None)

    wanted = _wanted(qkv, sight, mask_BN if masked else None)
    real = mask_BN[:, None, :, None] if masked else torch.ones(1, dtype=torch.bool)
    torch.testing.assert_close(y * real, wanted * real, rtol=0, atol=1e-13)
    way = torch.randn_like(y) * real
    found, right = (torch.autograd.grad((t * way).sum(), qkv)[0] for t in (y, wanted))
    torch.testing.assert_close(found, right, rtol=0, atol=1e-13)


@pytest.mark.parametrize("sight", [Sight((9,)), Sight((9,), causal=True), Sight((9,), alibi=True)])
def test_where_nothing_is_real_there_is_still_a_finite_gradient(sight: Sight) -> None:
    qkv = torch.randn(3, 1, 2, 9, 4, requires_grad=True)

    attend(*qkv, sight, torch.zeros(1, 9, dtype=torch.bool)).sum().backward()

    assert qkv.grad is not None
    assert bool(qkv.grad.isfinite().all())


def test_alibi_over_1024_positions_has_no_number_for_every_pair() -> None:
    length, seen = 1024, []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            out = func(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, tuple | list) else (out,):
                if isinstance(tensor, Tensor):
                    seen.append(tensor.untyped_storage().nbytes())
            return out

    q = torch.randn(1, 1, length, 8)
    with Watch():
        attend(q, q, q, Sight((length,), alibi=True), torch.ones(1, length, dtype=torch.bool))

    assert 0 < max(seen) < length * length / 16


@pytest.mark.parametrize(
    ("sight", "way", "reason"),
    [
        (Sight((4096,)), "fused", "no score is written to memory"),
        (
            Sight((4096,), alibi=True),
            "bias",
            "what ALiBi adds needs no gradient, so that no score is written to memory",
        ),
        (Sight((4096,), window=32), "blocked", "a query meets 128 keys in its block, not 4096"),
        (Sight((28, 28), window=1), "blocked", "a query meets 81 keys in its block, not 784"),
        (Sight((64,), window=3), "bias", "blocks would meet more than half of all pairs"),
    ],
    ids=str,
)
def test_on_a_cpu_the_way_is_taken_for_a_reason(sight: Sight, way: str, reason: str) -> None:
    ways = {found.name: found for found in attention_evaluations(sight, 16, "cpu")}

    assert taken(tuple(ways.values())) == way
    assert ways[way].reason == reason


def test_a_learned_bias_is_refused_for_its_time_and_memory() -> None:
    ways = {way.name: way for way in attention_evaluations(Sight((4096,)), 16, "cpu")}

    assert not ways["math"].taken
    assert ways["math"].reason == (
        "it writes every score to memory: at 4096 positions 6 times the time and 70 times the "
        "memory; a learned bias alone would need that"
    )


def test_the_pairs_of_a_causal_window_by_hand() -> None:
    """5 positions, radius 2: 1 + 2 + 3 + 3 + 3 pairs; 2 heads of 3 channels."""
    work = attention_work(Sight((5,), causal=True, window=2), heads=2, size=3)

    assert work.flops == 12 * (4 * 6 + 4 * 2)
    assert work.train_flops == 12 * (14 * 6 + 12 * 2)
    assert work.decode_flops == 3 * (4 * 6 + 4 * 2)
    assert work.moved == 2 * 25
    assert work.kept == 4 * 30 + 10 + 25


def test_keys_in_blocks_are_kept_with_their_margins() -> None:
    """256 positions, radius 8: 4 blocks of 64 queries and 80 keys."""
    work = attention_work(Sight((256,), window=8), heads=1, size=4)

    added = 2 * 4 * 80 * 4 + 4 * 64 * 80
    assert work.moved == 2 * added
    assert work.kept == 4 * 256 * 4 + 256 + added


@pytest.mark.parametrize(
    "sight", [Sight((64,)), Sight((64,), causal=True), Sight((8, 8)), Sight((64,), window=5)]
)
def test_the_loudness_of_a_mean_by_random_scores_is_foretold(sight: Sight) -> None:
    q, k, v = torch.randn(3, 64, 4, 64, 32)

    loud = float(attend(q, k, v, sight).std())

    assert loud == pytest.approx(attention_loudness(sight), rel=0.15)
