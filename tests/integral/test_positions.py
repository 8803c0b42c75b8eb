import pytest
import torch

from itnet_nas.integral.positions import (
    alibi_bias,
    alibi_slopes,
    coordinates,
    distances,
    domain_shape,
    over_both,
    rotary_angles,
    rotate,
)

LIKE = torch.zeros((), dtype=torch.float64)


def test_a_grid_is_laid_out_row_by_row() -> None:
    assert coordinates((2, 3)).tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]


def test_a_sequence_has_one_coordinate() -> None:
    assert coordinates((3,)).tolist() == [[0], [1], [2]]


def test_the_distance_on_a_grid_is_the_larger_of_rows_and_columns() -> None:
    distance_NN = distances(coordinates((3, 4)))

    assert distance_NN[0].reshape(3, 4).tolist() == [[0, 1, 2, 3], [1, 1, 2, 3], [2, 2, 2, 3]]


def test_eight_heads_have_the_slopes_of_the_paper() -> None:
    assert alibi_slopes(8, LIKE).tolist() == [2.0**-h for h in range(1, 9)]


def test_alibi_falls_with_the_distance() -> None:
    bias_HNN = alibi_bias((4,), alibi_slopes(1, LIKE))

    assert bias_HNN[0, 0].tolist() == [0, -1 / 256, -2 / 256, -3 / 256]


def test_on_a_grid_alibi_falls_with_the_distance_along_the_longer_way() -> None:
    slope_H = alibi_slopes(2, LIKE)

    bias_HNN = alibi_bias((3, 4), slope_H)

    wanted_HNN = -slope_H[:, None, None] * distances(coordinates((3, 4)))
    assert torch.equal(bias_HNN, wanted_HNN)


@pytest.mark.parametrize("shape", [(12,), (3, 4)])
def test_a_rotary_score_depends_on_the_difference_of_positions(shape: tuple[int, ...]) -> None:
    x_NA = coordinates(shape)
    angle_NP = rotary_angles(x_NA, 8, LIKE)
    q, k = torch.randn(2, 1, 1, 1, 8, dtype=torch.float64).expand(2, 1, 1, len(x_NA), 8)

    score_NN = (rotate(q, angle_NP) @ rotate(k, angle_NP).mT)[0, 0]

    by_difference: dict[tuple[int, ...], list[float]] = {}
    for n, x in enumerate(x_NA.tolist()):
        for m, z in enumerate(x_NA.tolist()):
            key = tuple(a - b for a, b in zip(x, z, strict=True))
            by_difference.setdefault(key, []).append(float(score_NN[n, m]))
    for values in by_difference.values():
        assert max(values) - min(values) < 1e-12
    firsts = [values[0] for values in by_difference.values()]
    assert len({round(value, 9) for value in firsts}) == len(firsts)


def test_turning_keeps_the_length_of_a_vector() -> None:
    q = torch.randn(1, 1, 5, 6, dtype=torch.float64)

    turned = rotate(q, rotary_angles(coordinates((5,)), 6, LIKE))

    torch.testing.assert_close(turned.norm(dim=-1), q.norm(dim=-1))


def test_angles_are_at_least_single_precision() -> None:
    assert rotary_angles(coordinates((5,)), 6, LIKE.to(torch.bfloat16)).dtype == torch.float32


def test_a_quarter_turn_moves_the_first_of_a_pair_to_the_second() -> None:
    q = torch.tensor([1.0, 0, 0, 3], dtype=torch.float64).reshape(1, 1, 1, 4)
    quarter = torch.full((1, 2), torch.pi / 2, dtype=torch.float64)

    turned = rotate(q, quarter)

    torch.testing.assert_close(turned.flatten(), q.new_tensor([0, 1, -3, 0]), rtol=0, atol=1e-15)


def test_half_precision_is_turned_and_stays_half() -> None:
    q = torch.randn(1, 1, 5, 6).to(torch.bfloat16)
    angle_NP = rotary_angles(coordinates((5,)), 6, q)

    turned = rotate(q, angle_NP)

    assert turned.dtype == torch.bfloat16
    assert torch.equal(turned, rotate(q.float(), angle_NP).to(torch.bfloat16))


def test_a_sequence_is_as_long_as_it_is_and_a_grid_as_large_as_its_site() -> None:
    assert domain_shape((9,), 5) == (5,)
    assert domain_shape((3, 4), 12) == (3, 4)


def test_what_two_axes_make_together_stands_row_by_row_of_the_first() -> None:
    first_XY, second_PQ = torch.tensor([[1, 5]]), torch.tensor([[2, 3], [4, 6]])

    both = over_both(torch.maximum, first_XY, second_PQ)

    assert both.tolist() == [[2, 3, 5, 5], [4, 6, 5, 6]]
