"""Which positions are probed, and how far the others are."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.kernels import Domain
from itnet_nas.nn.probe.places import distances, interior, ranks
from itnet_nas.nn.probe.rows import Field


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def empty(length: int, batch: int = 2, mask_BN=None, x_BNA=None) -> Field:
    return Field(torch.zeros(batch, length, 1), mask_BN, x_BNA)


@given(st.integers(1, 40), st.booleans(), st.integers(1, 6), st.integers(0, 5))
def test_positions_of_a_sequence_are_ordered_apart_and_inside(
    length: int, causal: bool, count: int, seed: int
) -> None:
    domain = Domain(kind="sequence", shape=(length,), causal=causal)

    found = interior(empty(length), domain, count, draw(seed)).tolist()

    assert found == sorted(set(found))
    assert 1 <= len(found) <= count
    assert all(0 <= n < length for n in found)


@pytest.mark.parametrize(("causal", "low"), [(False, 16), (True, 32)])
def test_rows_of_a_sequence_are_in_its_middle_and_late_where_it_is_causal(
    causal: bool, low: int
) -> None:
    domain = Domain(kind="sequence", shape=(64,), causal=causal)

    found = interior(empty(64), domain, 64, draw()).tolist()

    assert found == list(range(low, 48))


def test_rows_of_a_grid_are_in_the_middle_of_both_sides() -> None:
    domain = Domain(kind="grid", shape=(8, 4))

    found = interior(empty(32), domain, 99, draw()).tolist()

    assert found == [y * 4 + x for y in range(2, 6) for x in (1, 2)]


def test_masked_positions_are_never_chosen() -> None:
    mask_BN = torch.zeros(2, 20, dtype=torch.bool)
    mask_BN[:, 12:] = True  # only the end is real
    domain = Domain(kind="sequence", shape=(20,))

    found = interior(empty(20, mask_BN=mask_BN), domain, 20, draw()).tolist()

    assert found == [14, 15, 16, 17]


def test_a_mask_of_the_middle_leaves_the_rest_of_a_grid() -> None:
    mask_BN = torch.ones(1, 4, 4, dtype=torch.bool)
    mask_BN[:, 1:3, 1:3] = False
    domain = Domain(kind="grid", shape=(4, 4))

    found = interior(empty(16, 1, mask_BN.flatten(1)), domain, 16, draw()).tolist()

    assert found == [0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 14, 15]


def test_a_distance_on_a_grid_is_the_longer_side() -> None:
    domain = Domain(kind="grid", shape=(3, 4))

    far_PBN = distances(empty(12), domain, torch.tensor([5]))  # row 1, column 1

    assert far_PBN[0, 0].reshape(3, 4).tolist() == [[1, 1, 1, 2], [1, 0, 1, 2], [1, 1, 1, 2]]


def test_a_distance_in_a_cloud_is_that_of_its_points() -> None:
    x_BNA = torch.tensor([[[0.0, 0], [3, 4], [0, 1]]])
    domain = Domain(kind="points", shape=(3,), coordinates=2)

    far_PBN = distances(empty(3, 1, x_BNA=x_BNA), domain, torch.tensor([0]))

    assert far_PBN[0, 0].tolist() == [0, 5, 1]


def test_ranks_count_the_other_points_from_the_nearest_on() -> None:
    far_PBN = torch.tensor([[[0.0, 5, 1, 2]]])
    others_PBN = torch.tensor([[[False, True, True, True]]])

    assert ranks(far_PBN, others_PBN)[0, 0, 1:].tolist() == [3, 1, 2]
