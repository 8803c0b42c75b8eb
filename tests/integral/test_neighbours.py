import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.integral import neighbours
from itnet_nas.integral.neighbours import at_neighbours, centred, near_matrix, nearest

LINE_BNA = torch.tensor([0.0, 1.0, 3.0, 10.0]).reshape(1, 4, 1)


def test_the_nearest_points_come_in_order_itself_first() -> None:
    index_BNK, there_BNK = nearest(LINE_BNA, 3)

    assert index_BNK[0].tolist() == [[0, 1, 2], [1, 0, 2], [2, 1, 0], [3, 2, 1]]
    assert bool(there_BNK.all())


def test_a_radius_leaves_out_what_is_farther_and_keeps_what_is_just_as_far() -> None:
    index_BNK, there_BNK = nearest(LINE_BNA, 4, radius=2.0)

    assert there_BNK.sum(-1).tolist() == [[2, 3, 2, 1]]
    assert near_matrix(index_BNK, there_BNK)[0].int().tolist() == [
        [1, 1, 0, 0],
        [1, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 1],
    ]


def test_a_point_that_is_not_real_is_near_nobody_and_has_nobody() -> None:
    mask_BN = torch.tensor([[True, False, True, True]])
    x_BNA = LINE_BNA.masked_fill(~mask_BN.unsqueeze(-1), float("nan"))

    index_BNK, there_BNK = nearest(x_BNA, 2, mask_BN)

    assert index_BNK[0].tolist() == [[0, 2], [1, 1], [2, 0], [3, 2]]
    assert there_BNK[0].tolist() == [[True, True], [False, False], [True, True], [True, True]]


def test_equal_distances_are_told_apart_by_place_whatever_the_order() -> None:
    """The middle of a square grid has four neighbours at a distance of 1."""
    x_BNA = torch.cartesian_prod(torch.arange(3.0), torch.arange(3.0)).unsqueeze(0)
    order_N = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    near_BNN = near_matrix(*nearest(x_BNA, 3))

    again_BNN = near_matrix(*nearest(x_BNA[:, order_N], 3))

    assert torch.equal(again_BNN, near_BNN[:, order_N][:, :, order_N])


def test_blocks_of_queries_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x_BNA = torch.randn(2, 23, 3, generator=torch.Generator().manual_seed(0))
    whole, _ = nearest(x_BNA, 5)

    monkeypatch.setattr(neighbours, "AT_ONCE", 100)

    assert torch.equal(nearest(x_BNA, 5)[0], whole)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 14))
def test_they_are_the_smallest_distances(seed: int, length: int, count: int) -> None:
    x_BNA = torch.randn(2, length, 2, generator=torch.Generator().manual_seed(seed))

    index_BNK, _ = nearest(x_BNA, count)

    far_BNN = torch.cdist(x_BNA, x_BNA, compute_mode="donot_use_mm_for_euclid_dist")
    wanted_BNK = far_BNN.sort(-1).values[..., :count]
    torch.testing.assert_close(far_BNN.gather(-1, index_BNK), wanted_BNK, rtol=0, atol=1e-5)


def test_what_stands_at_the_neighbours_is_gathered_with_its_gradient() -> None:
    v_BND = torch.arange(4.0).reshape(1, 4, 1).requires_grad_()
    index_BNK, _ = nearest(LINE_BNA, 2)

    v_BNKD = at_neighbours(v_BND, index_BNK)
    v_BNKD.sum().backward()

    assert v_BNKD.squeeze(-1)[0].tolist() == [[0, 1], [1, 0], [2, 1], [3, 2]]
    assert v_BND.grad is not None
    assert v_BND.grad.flatten().tolist() == [2, 3, 2, 1]


def test_the_middle_is_that_of_the_real_points() -> None:
    mask_BN = torch.tensor([[True, True, True, False]])

    assert centred(LINE_BNA, mask_BN).flatten().tolist() == pytest.approx(
        [-4 / 3, -1 / 3, 5 / 3, 0]
    )
