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


def whole() -> Batch:
    mask_BN = torch.ones(2, 3, dtype=torch.bool)
    return Batch(
        (torch.zeros(2, 3, 1),), torch.zeros(2), mask_BN, torch.zeros(2, 3, 2), 1 * mask_BN
    )


def test_a_batch_moves_with_all_that_stands_beside_its_inputs() -> None:
    moved = whole().to(torch.device("meta"))

    tensors = (*moved.inputs, moved.target, moved.mask, moved.places, moved.segments)
    assert [tensor.device.type for tensor in tensors] == ["meta"] * 5


def test_what_stands_beside_the_inputs_has_the_names_of_a_networks_arguments() -> None:
    batch = whole()

    assert batch.beside == {
        "mask_BN": batch.mask,
        "x_BNA": batch.places,
        "segment_BN": batch.segments,
    }


def test_a_batch_with_nothing_beside_its_inputs_moves_too() -> None:
    moved = Batch((torch.zeros(2, 3, 1),), torch.zeros(2)).to(torch.device("cpu"))

    assert set(moved.beside.values()) == {None}
