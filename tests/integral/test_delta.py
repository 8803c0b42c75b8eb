import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from itnet_nas.integral import accelerators, delta
from itnet_nas.integral.accelerators import Accelerator
from itnet_nas.integral.delta import (
    delta_chunk,
    delta_evaluations,
    delta_flops,
    delta_rule,
    delta_step,
    unit,
)
from itnet_nas.integral.evaluation import taken


def _given(length: int, size: int = 3, values: int = 4, fade: float = 0.5) -> list[Tensor]:
    """q, k, v, β and log α of two examples with two heads."""
    draw = {"dtype": torch.float64}
    return [
        unit(torch.randn(2, 2, length, size, **draw)),
        unit(torch.randn(2, 2, length, size, **draw)),
        torch.randn(2, 2, length, values, **draw),
        torch.rand(2, 2, length, **draw),
        -fade * torch.rand(2, 2, length, **draw),
    ]


def _step_by_step(q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_decay: Tensor) -> Tensor:
    """The formula as it stands."""
    unit_SS = torch.eye(k.shape[-1], dtype=k.dtype)
    s = k.new_zeros(2, 2, v.shape[-1], k.shape[-1])
    rows = []
    for t in range(k.shape[2]):
        b = beta[:, :, t, None, None]
        kk = k[:, :, t, :, None] * k[:, :, t, None, :]
        vk = v[:, :, t, :, None] * k[:, :, t, None, :]
        s = log_decay[:, :, t, None, None].exp() * s @ (unit_SS - b * kk) + b * vk
        rows.append((s @ q[:, :, t].unsqueeze(-1)).squeeze(-1))
    return torch.stack(rows, 2)


@settings(deadline=None, max_examples=25)
@given(length=st.integers(1, 40), chunk=st.integers(1, 45), seed=st.integers(0, 99))
def test_chunks_give_what_steps_give(length: int, chunk: int, seed: int) -> None:
    torch.manual_seed(seed)
    given = [t.requires_grad_() for t in _given(length)]
    way = torch.randn(2, 2, length, 4, dtype=torch.float64)

    y = delta_rule(*given, chunk=chunk)

    wanted = _step_by_step(*given)
    torch.testing.assert_close(y, wanted, rtol=0, atol=1e-12)
    # A single key without a memory before it takes no part in some of the gradients.
    found, meant = (
        torch.autograd.grad((t * way).sum(), given, materialize_grads=True, allow_unused=True)
        for t in (y, wanted)
    )
    torch.testing.assert_close(found, meant, rtol=0, atol=1e-11)


def test_without_decay_nothing_fades() -> None:
    q, k, v, beta, log_decay = _given(20)

    y = delta_rule(q, k, v, beta)

    assert torch.equal(y, delta_rule(q, k, v, beta, torch.zeros_like(log_decay)))


def test_a_value_written_again_at_its_key_replaces_the_old_one() -> None:
    """β = 1: 5 is written at key (1, 0), 7 at (0, 1), then 9 at (1, 0); all are read there."""
    k = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]).reshape(1, 1, 3, 2)
    q = torch.tensor([[1.0, 0.0]]).expand(3, -1).reshape(1, 1, 3, 2)
    v = torch.tensor([5.0, 7.0, 9.0]).reshape(1, 1, 3, 1)

    y = delta_rule(q, k, v, torch.ones(1, 1, 3))

    assert y.flatten().tolist() == pytest.approx([5, 5, 9])


def test_a_position_without_strength_leaves_the_memory_as_it_is() -> None:
    q, k, v, beta, log_decay = _given(12)
    beta[:, :, 5], log_decay[:, :, 5] = 0, 0
    others = [n for n in range(12) if n != 5]

    y = delta_rule(q, k, v, beta, log_decay)[:, :, others]

    alone = [t[:, :, others] for t in (q, k, v, beta, log_decay)]
    torch.testing.assert_close(y, delta_rule(*alone), rtol=0, atol=1e-13)


def test_steps_are_the_rule() -> None:
    given = _given(9)
    s, rows = torch.zeros(2, 2, 4, 3, dtype=torch.float64), []

    for parts in zip(*(t.unbind(2) for t in given), strict=True):
        y, s = delta_step(s, *parts)
        rows.append(y)

    torch.testing.assert_close(torch.stack(rows, 2), delta_rule(*given), rtol=0, atol=1e-12)


def test_a_memory_that_all_but_vanishes_leaves_no_infinity() -> None:
    """log α = −60: over a chunk the decay is e^−1000, and its inverse would be infinite."""
    given = [t.float() for t in _given(64)]
    given[4] = torch.full_like(given[4], -60.0)

    y = delta_rule(*given)

    written = given[3].unsqueeze(-1) * given[2]
    read = (given[0] * given[1]).sum(-1, keepdim=True)
    torch.testing.assert_close(y, written * read, rtol=1e-4, atol=1e-5)


def test_half_precision_is_computed_in_single() -> None:
    given = _given(50, fade=0.01)
    half = [t.bfloat16() for t in given[:3]] + [t.float() for t in given[3:]]

    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = delta_rule(*half)

    assert y.dtype == torch.bfloat16
    single = delta_rule(*(t.float() for t in half))
    torch.testing.assert_close(y.float(), single, rtol=1e-2, atol=1e-3)


def test_a_key_of_nothing_has_no_direction() -> None:
    k = torch.tensor([[3.0, 4.0], [0.0, 0.0]])

    assert unit(k).tolist() == pytest.approx(torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


@pytest.mark.parametrize(
    ("length", "size", "wanted"),
    [(4096, 8, 16), (4096, 32, 32), (4096, 128, 64), (21, 4, 11), (5, 4, 5), (1, 4, 1)],
)
def test_chunks_are_as_long_as_a_key(length: int, size: int, wanted: int) -> None:
    assert delta_chunk(length, size) == wanted


def test_its_products_are_counted_and_its_systems_by_hand() -> None:
    """4 chunks of 16 with keys of 8 and values of 4: the counter misses 4 · 16² · 12."""
    q, k, v, beta, log_decay = (
        torch.empty(1, 1, 64, *size, device="meta") for size in ((8,), (8,), (4,), (), ())
    )

    with FlopCounterMode(display=False) as counter:
        delta_rule(q, k, v, beta, log_decay)

    # The last chunk hands its memory to nobody: 2 E S².
    assert delta_flops(64, 8, 4)[0] == counter.get_total_flops() + 4 * 256 * 12 + 2 * 4 * 64


def test_on_a_cpu_it_runs_in_chunks() -> None:
    ways = delta_evaluations(1000, 16, "cpu", half=False)

    assert [tuple(way) for way in ways] == [
        ("fused", False, "flash-linear-attention runs on CUDA alone, this is cpu"),
        ("chunked", True, "63 chunks of 16 positions, products of matrices inside"),
        (
            "sequential",
            False,
            "1000 steps one after the other: ten times as long as chunks, measured on a CPU",
        ),
    ]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, ...]]]:
    """A package that runs the rule in chunks, and the shapes of the keys that it was given."""
    shapes: list[tuple[int, ...]] = []

    def chunk_gated_delta_rule(
        q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, scale: float
    ) -> tuple[Tensor, None]:
        shapes.append(tuple(k.shape))
        assert q.dtype == k.dtype == v.dtype == torch.bfloat16
        assert g.dtype == torch.float32
        assert scale == 1
        given = (t.transpose(1, 2) for t in (q, k, v, beta, g))
        return delta_rule(*given, chunk=16).transpose(1, 2), None

    module = ModuleType("fla.ops.gated_delta_rule")
    module.chunk_gated_delta_rule = chunk_gated_delta_rule  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "fla", ModuleType("fla"))
    monkeypatch.setitem(sys.modules, "fla.ops", ModuleType("fla.ops"))
    accelerators._load.cache_clear()
    monkeypatch.setattr(delta, "accelerator", _anywhere)
    yield shapes
    accelerators._load.cache_clear()


def _anywhere(path: str, device: str, package: str) -> Accelerator:
    del device
    return accelerators.accelerator(path, "cuda", package)


def test_where_the_package_is_installed_it_runs_half_precision(
    stand_in: list[tuple[int, ...]],
) -> None:
    given = [t.float() for t in _given(50)]
    half = [given[0], given[1], given[2].bfloat16(), *given[3:]]

    y = delta_rule(*half)

    assert stand_in == [(2, 50, 2, 3)]
    torch.testing.assert_close(y.float(), delta_rule(*given), rtol=0, atol=5e-2)


def test_single_precision_stays_in_chunks_beside_the_package(
    stand_in: list[tuple[int, ...]],
) -> None:
    delta_rule(*(t.float() for t in _given(50)))

    assert stand_in == []
    ways = delta_evaluations(50, 16, "cuda", half=False)
    assert taken(ways) == "chunked"
    assert ways[0].reason == (
        "flash-linear-attention runs this rule in half precision alone, and values are not"
    )
    assert taken(delta_evaluations(50, 16, "cuda", half=True)) == "fused"
