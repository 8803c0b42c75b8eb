"""FlexAttention where it can run: uncompiled on a CPU; and the choice of it, with stand-ins."""

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.attention.flex_attention import flex_attention

from itnet_nas.integral import accelerators, attending, flex
from itnet_nas.integral.attending import Sight, attend, attention_evaluations
from itnet_nas.integral.evaluation import Evaluation, taken
from itnet_nas.integral.flex import flex_suits, flex_window_attention
from itnet_nas.integral.positions import alibi_slopes
from itnet_nas.integral.windows import window_attention


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    torch.manual_seed(0)
    accelerators._load.cache_clear()
    yield
    accelerators._load.cache_clear()


@pytest.fixture
def _triton(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("triton")
    module.jit = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "triton", module)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("alibi", [False, True])
@pytest.mark.parametrize(("shape", "causal"), [((40,), True), ((40,), False), ((5, 8), False)])
def test_it_computes_what_blocks_compute(
    shape: tuple[int, ...], causal: bool, alibi: bool, masked: bool
) -> None:
    q, k, v = torch.randn(3, 2, 2, 40, 16)
    mask_BN = torch.rand(2, 40) > 0.3 if masked else None
    slope_H = alibi_slopes(2, q) if alibi else None

    y = flex_window_attention(q, k, v, 2, causal, mask_BN, slope_H, shape, flex_attention)

    wanted = window_attention(q, k, v, 2, causal, mask_BN, slope_H, shape=shape)
    torch.testing.assert_close(y, wanted, rtol=0, atol=1e-5)


@pytest.mark.usefixtures("_triton")
@pytest.mark.parametrize(
    ("length", "window", "size", "yes", "reason"),
    [
        (4096, 32, 16, True, "blocks of pairs outside the window are left out, and no key is "
                             "copied"),
        (4096, None, 16, False, "no window: there is no pair to leave out"),
        (1000, 32, 16, False, "1000 positions are computed sooner than it is compiled"),
        (4096, 32, 12, False, "it needs heads of 16, 32, 64 or more channels, and these have 12"),
        (4096, 32, 24, False, "it needs heads of 16, 32, 64 or more channels, and these have 24"),
    ],
)  # fmt: skip
def test_on_cuda_it_is_used_where_it_pays(
    length: int, window: int | None, size: int, yes: bool, reason: str
) -> None:
    assert flex_suits(length, window, size, "cuda") == (yes, reason)


def test_without_its_compiler_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)

    assert flex_suits(4096, 32, 16, "cuda") == (
        False,
        "triton, which compiles FlexAttention, is not installed",
    )


def test_on_a_cpu_it_is_refused() -> None:
    assert flex_suits(4096, 32, 16, "cpu") == (
        False,
        "FlexAttention runs on CUDA alone, this is cpu",
    )


@pytest.mark.usefixtures("_triton")
def test_where_it_is_used_the_others_are_refused_because_of_it() -> None:
    ways = attention_evaluations(Sight((4096,), window=32), 16, "cuda")

    assert taken(ways) == "flex"
    refused = {way.name: way.reason for way in ways}
    assert refused["blocked"] == "it would copy keys"
    assert refused["bias"] == "it would have a number for every pair"


def test_single_precision_goes_the_way_that_is_taken_and_double_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def stand_in(q: Tensor, *rest: Any) -> Tensor:
        calls.append(q.dtype)
        return q

    monkeypatch.setattr(attending, "flex_window_attention", stand_in)
    monkeypatch.setattr(
        attending, "attention_evaluations", lambda *_: (Evaluation("flex", True, "a stand-in"),)
    )
    q = torch.randn(1, 1, 9, 16)

    attend(q, q, q, Sight((9,), window=2))
    attend(*[q.double()] * 3, Sight((9,), window=2))

    assert calls == [torch.float32]


@pytest.mark.usefixtures("_triton")
def test_it_is_compiled_once_for_all_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function, dynamic: compiled.append(function))

    for _ in range(2):
        flex._compiled(flex_attention)

    assert compiled == [flex_attention]
    flex._compiled.cache_clear()
