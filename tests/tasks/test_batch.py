from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.tasks import Batch, generator, visit


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**31))
def test_an_epoch_visits_every_example_once(n: int, batch_size: int, seed: int) -> None:
    steps = -(-2 * n // batch_size)
    visited = torch.cat([visit(n, batch_size, seed, step) for step in range(steps)])

    for epoch in (visited[:n], visited[n : 2 * n]):
        assert sorted(epoch.tolist()) == list(range(n))


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 9), st.integers(0, 30))
def test_a_step_is_a_function_of_its_arguments(n: int, size: int, seed: int, step: int) -> None:
    found = visit(n, size, seed, step)
    visit(n, size, seed + 1, step + 1)

    assert torch.equal(visit(n, size, seed, step), found)


def test_epochs_have_orders_of_their_own() -> None:
    assert not torch.equal(visit(50, 50, 0, 0), visit(50, 50, 0, 1))


def test_seeds_have_orders_of_their_own() -> None:
    assert not torch.equal(visit(50, 50, 0, 0), visit(50, 50, 1, 0))


def test_visiting_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)

    visit(30, 7, 123456, 2)

    assert torch.equal(torch.rand(1), expected)


def test_the_order_of_seeds_matters() -> None:
    one, other = (torch.rand(1, generator=generator(*seed)) for seed in ((1, 2), (2, 1)))

    assert one != other


def test_nearby_seeds_give_different_streams() -> None:
    drawn = {
        float(torch.rand(1, generator=generator(seed, step)))
        for seed in range(20)
        for step in range(20)
    }

    assert len(drawn) == 400


def test_a_batch_moves_with_its_mask() -> None:
    batch = Batch((torch.zeros(2, 3, 1),), torch.zeros(2), torch.ones(2, 3, dtype=torch.bool))

    moved = batch.to(torch.device("meta"))

    assert {t.device.type for t in (*moved.inputs, moved.target, moved.mask)} == {"meta"}


def test_a_batch_without_a_mask_moves_too() -> None:
    moved = Batch((torch.zeros(2, 3, 1),), torch.zeros(2)).to(torch.device("cpu"))

    assert moved.mask is None
