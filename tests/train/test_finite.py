"""Losses that are not finite are found, with their step."""

from __future__ import annotations

import pytest
import torch

from itnet_nas.train.device import Device
from itnet_nas.train.finite import CUDA_PERIOD, RING, NonFiniteLoss, Watch

CPU = Device(torch.device("cpu"), "cpu: pretended")


def note(watch: Watch, step: int, loss: float, norm: float = 1.0) -> None:
    watch.note(step, torch.tensor(loss), torch.tensor(norm))


def test_on_the_cpu_a_bad_loss_is_found_at_its_step() -> None:
    watch = Watch(CPU)
    note(watch, 1, 0.5)

    with pytest.raises(NonFiniteLoss) as caught:
        note(watch, 2, float("nan"))

    assert caught.value.step == 2
    assert str(caught.value) == (
        "the loss is nan at step 2; a lower learning rate or a longer warm-up may help"
    )


def test_an_infinite_gradient_is_found_where_the_loss_is_finite() -> None:
    with pytest.raises(NonFiniteLoss, match=r"^the gradient norm is inf at step 1;"):
        note(Watch(CPU), 1, 0.5, float("inf"))


def test_seldom_readings_still_name_the_first_bad_step() -> None:
    watch = Watch(CPU)
    watch.period = CUDA_PERIOD
    for step in range(1, CUDA_PERIOD):
        note(watch, step, 0.5 if step < 7 else float("nan"))

    with pytest.raises(NonFiniteLoss, match=r"at step 7;"):
        note(watch, CUDA_PERIOD, float("nan"))


def test_the_ring_holds_more_steps_than_pass_between_two_readings() -> None:
    assert RING > CUDA_PERIOD


@pytest.mark.parametrize("steps", [1, 5, RING - 1, RING, RING + 9])
def test_train_loss_is_the_mean_of_the_last_steps(steps: int) -> None:
    watch = Watch(CPU)
    for step in range(1, steps + 1):
        note(watch, step, float(step))

    last = range(max(1, steps - RING + 1), steps + 1)
    assert watch.train_loss() == pytest.approx(sum(last) / len(last), rel=1e-12)
