"""What the weights of a kernel say of its windows."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from itnet_nas.integral.measures import DomainWindow
from itnet_nas.nn.probe.hints import hints


def window(shape: tuple[int, ...], causal: bool = False, soft: bool = True) -> DomainWindow:
    return DomainWindow(shape, heads=2, soft=soft, causal=causal, radius=None)


def test_a_window_counts_a_half_at_the_width_of_the_hint() -> None:
    one = window((64,))
    widths = torch.tensor([[4.0, 2.0], [20.0, 8.0]])
    one.log_width_HAT = nn.Parameter(widths.log().unsqueeze(1))

    found = hints(one)

    assert found["width, past"] == pytest.approx((4.0, 20.0))
    assert found["width, future"] == pytest.approx((2.0, 8.0))
    phi = one(64, torch.zeros(1))
    assert phi is not None
    phi_HCS = phi.weights(slice(30, 31))
    assert phi_HCS[0, 0, 30 - 4].item() == pytest.approx(0.5)
    assert phi_HCS[1, 0, 30 + 8].item() == pytest.approx(0.5)


def test_a_causal_window_has_a_past_alone() -> None:
    assert set(hints(window((64,), causal=True))) == {"width, past"}


def test_a_window_on_a_grid_has_four_sides() -> None:
    one = window((6, 7))
    assert one.log_width_HAT is not None
    one.log_width_HAT.data[0] = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).log()

    found = {name: values[0] for name, values in hints(one).items()}

    assert found == pytest.approx(
        {"width, above": 1.0, "width, below": 2.0, "width, left": 3.0, "width, right": 4.0}
    )


def test_a_width_is_what_counts_and_not_what_is_written() -> None:
    one = window((64,), causal=True)
    assert one.log_width_HAT is not None
    one.log_width_HAT.data[:] = math.log(0.001)

    assert hints(one)["width, past"] == pytest.approx((0.3, 0.3))


def test_windows_are_found_inside_an_operator() -> None:
    assert set(hints(nn.Sequential(nn.Linear(2, 2), window((8,))))) == {
        "width, past",
        "width, future",
    }


def test_without_a_window_that_learns_there_is_no_hint() -> None:
    assert hints(nn.Sequential(nn.Linear(2, 2), window((8,), soft=False))) == {}
