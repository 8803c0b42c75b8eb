"""Global state is fixed for a trial and put back after it."""

from __future__ import annotations

import os
import random
from typing import Any

import numpy as np
import pytest
import torch

from itnet_nas.train.seeds import random_state, reproducible, set_random_state

CPU = torch.device("cpu")


def draw() -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


def test_the_same_seed_draws_the_same_numbers() -> None:
    with reproducible(5, 1, CPU):
        first = draw()
    with reproducible(5, 1, CPU):
        again = draw()
    with reproducible(6, 1, CPU):
        other = draw()

    assert first == again
    assert not set(first) & set(other)


def settings() -> list[Any]:
    return [
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        dict(os.environ),
    ]


def test_inside_threads_are_set_and_algorithms_deterministic() -> None:
    with reproducible(0, 1, CPU):
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()


def test_on_cuda_an_operation_without_deterministic_form_warns_only() -> None:
    with reproducible(0, 1, torch.device("cuda", 0)):
        assert torch.is_deterministic_algorithms_warn_only_enabled()


@pytest.mark.parametrize("fails", [False, True])
def test_leaving_puts_everything_back(fails: bool) -> None:
    set_before, state = settings(), random_state()

    try:
        with reproducible(9, torch.get_num_threads() + 1, CPU):
            draw()
            if fails:
                raise RuntimeError
    except RuntimeError:
        pass

    assert settings() == set_before
    after = draw()
    set_random_state(state)
    assert draw() == after


def test_a_random_state_can_be_put_back() -> None:
    state = random_state()
    first = draw()

    set_random_state(state)

    assert draw() == first
