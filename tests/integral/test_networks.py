"""Under vmap an operation gives each network what it gives it alone, values and gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from itnet_nas.integral.bands import window_sum
from itnet_nas.integral.chunks import fading_sum
from itnet_nas.integral.fft import fft_convolution
from itnet_nas.integral.networks import by_network, in_front, more_examples
from itnet_nas.integral.scans import linear_scan, selective_scan

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Operation = Callable[..., Tensor]


def numbers(*shape: int) -> Tensor:
    return torch.randn(
        shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape))
    )


def rates(*shape: int) -> Tensor:
    return numbers(*shape).sigmoid()


# Operation, and what each of three networks gives it: two examples, length 9, width 4.
CASES: dict[str, tuple[Operation, tuple[Tensor, ...]]] = {
    "linear scan": (linear_scan, (rates(3, 2, 9, 4), numbers(3, 2, 9, 4))),
    "selective scan": (
        selective_scan,
        (rates(3, 2, 9, 4), -rates(3, 4, 2), *(numbers(3, 2, 9, s) for s in (4, 2, 2))),
    ),
    "convolution": (
        lambda u, w: fft_convolution(u, w, (3,)),
        (numbers(3, 2, 4, 9), numbers(3, 4, 5)),
    ),
    "convolution on a grid": (
        lambda u, w: fft_convolution(u, w, (1, 1)),
        (numbers(3, 2, 4, 5, 6), numbers(3, 4, 3, 3)),
    ),
    "fading sum": (
        fading_sum,
        (*(numbers(3, 2, 2, 9, 3) for _ in range(2)), numbers(3, 2, 2, 9, 4), -rates(3, 2, 2, 9)),
    ),
    "fading sum in chunks, one rate for all": (
        fading_sum,
        (*(numbers(3, 2, 1, 70, 3) for _ in range(2)), numbers(3, 2, 2, 70, 4), -rates(3, 1, 2, 1)),
    ),
    "sum that does not fade": (fading_sum, tuple(numbers(3, 2, 2, 40, 3) for _ in range(3))),
    "window sum": (
        lambda a, v: window_sum(a, v, (9,), 2, 1),
        (numbers(3, 2, 9, 2, 4), numbers(3, 2, 9, 2, 3)),
    ),
    "window sum with the same weights for all": (
        lambda a, v: window_sum(a, v, (3, 4), 1, 1),
        (numbers(3, 1, 12, 2, 9), numbers(3, 2, 12, 2, 3)),
    ),
}


def gradients(out: Tensor, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    weight = torch.linspace(-1, 1, out[0].numel(), dtype=out.dtype).reshape(out.shape[1:])
    return torch.autograd.grad((out * weight).sum(), given)


@pytest.mark.parametrize("name", CASES)
def test_networks_at_once_are_networks_one_by_one(name: str) -> None:
    operation, tensors = CASES[name]
    given = tuple(tensor.clone().requires_grad_() for tensor in tensors)

    together = torch.vmap(operation)(*given)

    alone = torch.stack([operation(*parts) for parts in zip(*given, strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
    pairs = zip(gradients(together, given), gradients(alone, given), strict=True)
    for found, wanted in pairs:
        torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-12)


def test_what_all_networks_share_may_come_once() -> None:
    a, b = rates(2, 9, 4), numbers(3, 2, 9, 4).requires_grad_()

    together = torch.vmap(linear_scan, in_dims=(None, 0))(a, b)

    torch.testing.assert_close(together, torch.stack([linear_scan(a, part) for part in b]))


def test_an_axis_of_networks_may_stand_anywhere() -> None:
    first, second = in_front(3, (1, None), (numbers(2, 3, 5), numbers(4)))

    assert first.shape == (3, 2, 5)
    assert second.shape == (3, 4)


def test_examples_of_all_networks_and_back() -> None:
    given = numbers(3, 2, 5)

    (examples,) = more_examples(3, (0,), (given,))

    assert examples.shape == (6, 5)
    assert torch.equal(by_network(3, examples), given)
