from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from itnet_nas.integral import accelerators, chunks
from itnet_nas.integral.chunks import (
    chunk_sizes,
    fading_sum,
    fading_sum_evaluations,
    fading_sum_work,
)
from itnet_nas.integral.evaluation import Evaluation


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def _randn(*size: int) -> Tensor:
    return torch.randn(size, dtype=torch.float64)


def _written_out(q: Tensor, k: Tensor, v: Tensor, log: Tensor | None, strict: bool) -> Tensor:
    """The formula, position by position, with the state as a matrix."""
    heads, length = v.shape[1:3]
    q, k = (part.expand(-1, heads, -1, -1) for part in (q, k))
    fade = torch.ones_like(v[..., 0]) if log is None else log.exp().expand_as(v[..., 0])
    x_BHSE = torch.zeros_like(k[:, :, 0, :, None] * v[:, :, 0, None, :])
    rows = []
    for n in range(length):
        x_BHSE = fade[:, :, n, None, None] * x_BHSE
        before = torch.einsum("bhs,bhse->bhe", q[:, :, n], x_BHSE)
        x_BHSE = x_BHSE + k[:, :, n, :, None] * v[:, :, n, None, :]
        with_it = torch.einsum("bhs,bhse->bhe", q[:, :, n], x_BHSE)
        rows.append(before if strict else with_it)
    return torch.stack(rows, 2)


@settings(deadline=None, max_examples=60)
@given(
    length=st.sampled_from([1, 2, 5, 31, 32, 33, 64, 65, 100]),
    shared=st.booleans(),
    decay=st.sampled_from(["none", "free", "by head", "by head and position"]),
    strict=st.booleans(),
    seed=st.integers(0, 99),
)
def test_chunks_give_what_the_recurrence_gives(
    length: int, shared: bool, decay: str, strict: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    q, k = (_randn(2, 1 if shared else 3, length, 4).requires_grad_() for _ in range(2))
    v = _randn(2, 3, length, 5).requires_grad_()
    leaves = [q, k, v]
    log = None
    if decay != "none":
        shape = {"free": (2, 3, length), "by head": (1, 3, 1)}.get(decay, (1, 3, length))
        log = (-_randn(*shape).square()).requires_grad_()
        leaves.append(log)

    y = fading_sum(q, k, v, log, strict=strict)

    wanted = _written_out(q, k, v, log, strict)
    torch.testing.assert_close(y, wanted, rtol=0, atol=1e-11)
    way = _randn(*y.shape)
    gradients = [
        torch.autograd.grad((out * way).sum(), leaves, allow_unused=True, materialize_grads=True)
        for out in (y, wanted)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-9)


def test_the_gradient_is_that_of_finite_differences() -> None:
    q, k, v = (_randn(1, 2, 35, 2).requires_grad_() for _ in range(3))
    log = (-_randn(1, 2, 35).square() - 0.1).requires_grad_()

    assert torch.autograd.gradcheck(fading_sum, (q, k, v, log))


def test_two_positions_by_hand() -> None:
    """A decay of 1/2, queries and keys of 1: 3, then 3 / 2 + 5."""
    one = torch.ones(1, 1, 2, 1)
    log = torch.full((1, 1, 2), 0.5).log()

    y = fading_sum(one, one, torch.tensor([3.0, 5.0]).reshape(1, 1, 2, 1), log)

    assert y.flatten().tolist() == [3.0, 6.5]


def test_strict_leaves_out_the_position_itself() -> None:
    one = torch.ones(1, 1, 2, 1)

    y = fading_sum(one, one, torch.tensor([3.0, 5.0]).reshape(1, 1, 2, 1), strict=True)

    assert y.flatten().tolist() == [0.0, 3.0]


def test_a_steep_decay_over_4096_positions_neither_overflows_nor_loses_the_near_ones() -> None:
    q, k, v = (torch.randn(1, 1, 4096, 4) for _ in range(3))
    log = -torch.rand(1, 1, 4096) * 8

    y = fading_sum(q, k, v, log)

    exact = fading_sum(*(part.double() for part in (q, k, v, log)))
    assert float((y - exact).abs().max()) < 1e-4


def test_the_gradient_of_a_steep_decay_is_exact_in_float32_too() -> None:
    parts = [torch.randn(1, 1, 4096, 4) for _ in range(3)] + [-torch.rand(1, 1, 4096) * 4]
    gradients = []
    for dtype in (torch.float32, torch.float64):
        leaves = [part.to(dtype).requires_grad_() for part in parts]
        gradients.append(torch.autograd.grad(fading_sum(*leaves).square().sum(), leaves)[3])

    assert float((gradients[0] - gradients[1]).abs().max() / gradients[1].abs().max()) < 1e-5


def test_a_half_precision_sum_is_computed_in_float32() -> None:
    q, k, v = (torch.randn(1, 2, 50, 4, dtype=torch.bfloat16) for _ in range(3))

    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = fading_sum(q, k, v)

    assert y.dtype == torch.float32
    torch.testing.assert_close(y, fading_sum(q.float(), k.float(), v.float()), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("length", "sizes"), [(1, (1, 1)), (32, (1, 32)), (33, (2, 17)), (100, (4, 25))]
)
def test_chunks_are_as_even_as_they_can_be(length: int, sizes: tuple[int, int]) -> None:
    assert chunk_sizes(length) == sizes


def test_nothing_of_the_size_of_all_pairs_is_kept() -> None:
    """4096 positions keep less than 1 % of their 16 million pairs."""
    q, k, v = (torch.randn(1, 1, 4096, 4, requires_grad=True) for _ in range(3))
    log = (-torch.rand(1, 1, 4096)).requires_grad_()
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        fading_sum(q, k, v, log)

    assert sum(kept.values()) <= 4 * 4096**2 / 100


@pytest.mark.parametrize("length", [24, 70])
@pytest.mark.parametrize("key_heads", [1, 3])
def test_products_are_counted_exactly(length: int, key_heads: int) -> None:
    """Without decay the fading of states, 2 J S E H, is a sum alone, and not counted."""
    q, k = (torch.empty(1, key_heads, length, 4, device="meta", requires_grad=True) for _ in "qk")
    v = torch.empty(1, 3, length, 5, device="meta", requires_grad=True)
    work = fading_sum_work(length, 3, 4, 5, key_heads, fades=False)

    with FlopCounterMode(display=False) as counter:
        y = fading_sum(q, k, v)
        forward = counter.get_total_flops()
        y.sum().backward()  # type: ignore[no-untyped-call]

    assert work.flops == forward
    assert work.train_flops == counter.get_total_flops()


def test_the_work_of_two_chunks_that_fade_by_hand() -> None:
    """2 chunks of 20, 2 heads, 3 numbers of state, 4 channels; scores 4 800 x 2, values 12 800."""
    work = fading_sum_work(40, heads=2, state=3, size=4, key_heads=2)

    assert work.flops == 9_600 + 12_800 + 3_840 + 96
    assert work.train_flops == 4 * 9_600 + 3 * 12_800 + 3 * 3_840 + 2 * 96
    assert work.moved == 80 * (12 + 16 + 80) + 96
    assert work.kept == 40 * (12 + 16 + 2) + 48


def test_a_short_sequence_is_one_chunk() -> None:
    absent = "flash-linear-attention runs on CUDA alone, this is cpu"

    assert fading_sum_evaluations(20, "cpu") == (
        Evaluation("pairs", True, "20 positions fit into one chunk of 32"),
        Evaluation("chunks", False, "20 positions fit into one chunk of 32"),
        Evaluation("fla", False, absent),
    )


def test_a_long_one_is_many() -> None:
    pairs, in_chunks, _ = fading_sum_evaluations(1024, "cpu")

    assert in_chunks.taken
    assert not pairs.taken
    assert in_chunks.reason == "1024 positions make 32 chunks of 32: no N x N matrix"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A stand-in for the fused kernel, that positions before heads and gives back its calls."""
    calls: list[dict[str, Any]] = []

    def chunk_simple_gla(
        q: Tensor, k: Tensor, v: Tensor, g: Tensor, scale: float
    ) -> tuple[Tensor, None]:
        calls.append({"shapes": [tuple(part.shape) for part in (q, k, v, g)], "scale": scale})
        q, k, v, g = (part.transpose(1, 2) for part in (q, k, v, g))
        return _written_out(q, k, v, g, strict=False).transpose(1, 2), None

    found = accelerators.Accelerator(chunk_simple_gla, "flash-linear-attention is installed")
    monkeypatch.setattr(chunks, "_fla", lambda device: found)
    return calls


def test_where_the_fused_kernel_is_there_it_is_taken(installed: list[dict[str, Any]]) -> None:
    assert fading_sum_evaluations(1024, "cuda") == (
        Evaluation("pairs", False, "a fused kernel is there"),
        Evaluation("chunks", False, "a fused kernel is there"),
        Evaluation("fla", True, "flash-linear-attention is installed"),
    )
    assert installed == []


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 40), (1, 3, 1), None], ids=str)
def test_the_fused_kernel_gets_positions_before_heads_and_gives_the_same(
    installed: list[dict[str, Any]], strict: bool, shape: tuple[int, ...] | None
) -> None:
    q, k = (torch.randn(2, 1, 40, 4) for _ in range(2))
    v = torch.randn(2, 3, 40, 5)
    log = None if shape is None else -torch.rand(shape)

    y = fading_sum(q, k, v, log, strict=strict)

    torch.testing.assert_close(y, _written_out(q, k, v, log, strict), rtol=0, atol=1e-4)
    assert installed == [
        {"shapes": [(2, 40, 3, 4), (2, 40, 3, 4), (2, 40, 3, 5), (2, 40, 3)], "scale": 1.0}
    ]


def test_float64_is_never_left_to_the_fused_kernel(installed: list[dict[str, Any]]) -> None:
    fading_sum(*(_randn(1, 1, 40, 4) for _ in range(3)))

    assert installed == []
