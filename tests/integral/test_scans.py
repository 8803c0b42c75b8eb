import pytest
import torch
from torch import Tensor

from itnet_nas.integral import linear_scan, scans, selective_scan, selective_scan_evaluations
from itnet_nas.integral.accelerators import Accelerator
from itnet_nas.integral.scans import scan_chunks

LENGTHS = [1, 2, 5, 16, 37, 100]


def _noise(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _inputs(length: int) -> tuple[Tensor, ...]:
    """Δ, A, x, B, C with 3 channels and 2 numbers of state."""
    return (
        _noise(2, length, 3).exp().requires_grad_(),
        (-_noise(3, 2, seed=1).exp()).requires_grad_(),
        _noise(2, length, 3, seed=2).requires_grad_(),
        _noise(2, length, 2, seed=3).requires_grad_(),
        _noise(2, length, 2, seed=4).requires_grad_(),
    )


def _loop(delta: Tensor, a: Tensor, x: Tensor, b: Tensor, c: Tensor) -> Tensor:
    h_BDS = torch.zeros(2, 3, 2, dtype=torch.float64)
    rows = []
    for n in range(x.shape[1]):
        gain_BDS = (delta[:, n] * x[:, n]).unsqueeze(-1) * b[:, n].unsqueeze(-2)
        h_BDS = (delta[:, n].unsqueeze(-1) * a).exp() * h_BDS + gain_BDS
        rows.append((h_BDS * c[:, n].unsqueeze(-2)).sum(-1))
    return torch.stack(rows, 1)


@pytest.mark.parametrize(
    ("length", "wanted"), [(1, (1, 1)), (2, (1, 2)), (21, (3, 8)), (1024, (32, 32))]
)
def test_there_are_about_as_many_chunks_as_they_are_long(
    length: int, wanted: tuple[int, int]
) -> None:
    assert scan_chunks(length) == wanted


def test_a_linear_memory_by_hand() -> None:
    a_BND = torch.tensor([9.0, 0.5, 0.5, 0.0, 1.0]).reshape(1, 5, 1)
    b_BND = torch.tensor([8.0, 4.0, 2.0, 1.0, 1.0]).reshape(1, 5, 1)

    assert linear_scan(a_BND, b_BND).flatten().tolist() == [8, 8, 6, 1, 2]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_linear_memory_is_its_loop_in_values_and_gradients(length: int) -> None:
    a_BND = _noise(2, length, 3).sigmoid().requires_grad_()
    b_BND = _noise(2, length, 3, seed=1).requires_grad_()
    h_BD, rows = torch.zeros(2, 3, dtype=torch.float64), []
    for n in range(length):
        h_BD = a_BND[:, n] * h_BD + b_BND[:, n]
        rows.append(h_BD)
    wanted_BND, weight_BND = torch.stack(rows, 1), _noise(2, length, 3, seed=2)

    h_BND = linear_scan(a_BND, b_BND)

    torch.testing.assert_close(h_BND, wanted_BND, rtol=0, atol=1e-12)
    ours = torch.autograd.grad((h_BND * weight_BND).sum(), (a_BND, b_BND))
    theirs = torch.autograd.grad((wanted_BND * weight_BND).sum(), (a_BND, b_BND))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("at_once", [1, 1 << 22])
@pytest.mark.parametrize("length", LENGTHS)
def test_a_selective_memory_is_its_loop_in_values_and_gradients(
    length: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "AT_ONCE", at_once)
    inputs = _inputs(length)
    weight_BND, wanted_BND = _noise(2, length, 3, seed=9), _loop(*inputs)

    y_BND = selective_scan(*inputs)

    torch.testing.assert_close(y_BND, wanted_BND, rtol=0, atol=1e-12)
    ours = torch.autograd.grad((y_BND * weight_BND).sum(), inputs)
    theirs = torch.autograd.grad((wanted_BND * weight_BND).sum(), inputs)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)


def test_gradients_agree_with_finite_differences() -> None:
    assert torch.autograd.gradcheck(selective_scan, _inputs(11))
    a_BND = _noise(1, 11, 2).sigmoid().requires_grad_()
    b_BND = _noise(1, 11, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(linear_scan, (a_BND, b_BND))


def test_a_decay_that_bfloat16_rounds_to_one_still_fades() -> None:
    a_BND = torch.full((1, 4096, 1), 0.9995)
    b_BND = torch.zeros(1, 4096, 1)
    b_BND[:, 0] = 1.0

    with torch.autocast("cpu", dtype=torch.bfloat16):
        h_BND = linear_scan(a_BND, b_BND)

    assert float(h_BND[0, -1, 0]) == pytest.approx(0.9995**4095, rel=1e-3)


def test_the_choice_says_why() -> None:
    ways = selective_scan_evaluations(1024, "cpu")

    assert [tuple(way) for way in ways] == [
        ("chunks", True, "32 chunks of 32 take a step together; states are kept at their borders"),
        ("recurrence", False, "1024 steps one after the other; decoding takes them, by `step`"),
        ("mamba-ssm", False, "mamba-ssm runs on CUDA alone, this is cpu"),
    ]


def test_a_fused_kernel_is_taken_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fused(x: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        assert x.shape == delta.shape == (2, 3, 5)
        assert b.shape == c.shape == (2, 2, 5)
        return x + delta

    there = Accelerator(fused, "mamba-ssm is installed")
    monkeypatch.setattr(scans, "_mamba", lambda device: there)
    delta, a, x, b, c = (part.detach().float() for part in _inputs(5))

    y_BND = selective_scan(delta, a, x, b, c)

    assert torch.equal(y_BND, x + delta)
    taken = [way.name for way in selective_scan_evaluations(5, "cuda") if way.taken]
    assert taken == ["mamba-ssm"]
