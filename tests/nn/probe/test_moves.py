"""Moves of the positions."""

from __future__ import annotations

import pytest
import torch

from itnet_nas.kernels import Domain
from itnet_nas.nn.probe.moves import moves
from itnet_nas.nn.probe.rows import Field


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def numbered(batch: int, length: int, mask_BN=None, x_BNA=None) -> Field:
    """Every position of every example holds another number."""
    u_BND = torch.arange(1.0, batch * length + 1).reshape(batch, length, 1)
    return Field(u_BND, mask_BN, x_BNA)


def test_a_sequence_moves_on_and_another_example_fills_the_gap() -> None:
    field = numbered(2, 8)

    (move,) = moves(field, Domain(kind="sequence", shape=(8,)), (2,), draw())

    assert move.name == "2"
    assert move.to_N.tolist() == [2, 3, 4, 5, 6, 7, -1, -1]
    assert move.field.u_BND[0, :, 0].tolist() == [9, 10, 1, 2, 3, 4, 5, 6]


def test_a_mask_moves_with_its_positions() -> None:
    mask_BN = torch.ones(2, 8, dtype=torch.bool)
    mask_BN[0, 4:] = False

    (move,) = moves(numbered(2, 8, mask_BN), Domain(kind="sequence", shape=(8,)), (2,), draw())

    assert move.field.mask_BN is not None
    assert move.field.mask_BN[0].tolist() == [True] * 6 + [False] * 2
    assert mask_BN[0].tolist() == [True] * 4 + [False] * 4  # not the one that was given


def test_a_grid_moves_along_both_sides_in_turn() -> None:
    field = numbered(2, 16 * 16)

    right, down = moves(field, Domain(kind="grid", shape=(16, 16)), (1, 3), draw())

    before, other = field.u_BND[:, :, 0].reshape(2, 16, 16)
    moved_right, moved_down = (m.field.u_BND[0, :, 0].reshape(16, 16) for m in (right, down))
    assert (right.name, down.name) == ("0,1", "3,0")
    assert torch.equal(moved_right[:, 1:], before[:, :-1])
    assert torch.equal(moved_right[:, 0], other[:, 0])
    assert torch.equal(moved_down[3:], before[:-3])
    assert torch.equal(moved_down[:3], other[:3])


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        (Domain(kind="sequence", shape=(64,)), ["1", "3", "7"]),
        (Domain(kind="sequence", shape=(9,)), ["1", "2"]),
        (Domain(kind="sequence", shape=(2,)), ["1"]),
        (Domain(kind="sequence", shape=(1,)), []),
        (Domain(kind="grid", shape=(4, 8)), ["0,1", "1,0", "0,2"]),
        (Domain(kind="grid", shape=(1, 8)), ["0,1", "0,2"]),
    ],
    ids=str,
)
def test_a_shift_is_at_most_a_quarter_of_a_side(domain: Domain, names: list[str]) -> None:
    found = moves(numbered(2, domain.length), domain, (1, 3, 7), draw())

    assert [move.name for move in found] == names


def test_a_cloud_is_moved_and_turned_as_a_whole() -> None:
    x_BNA = torch.randn(2, 9, 3, generator=draw())
    field = numbered(2, 9, None, x_BNA)
    domain = Domain(kind="points", shape=(9,), coordinates=3)

    move, turn = moves(field, domain, (1, 3), draw())

    apart = torch.cdist(x_BNA, x_BNA)
    for found in (move, turn):
        assert found.field.x_BNA is not None
        assert torch.allclose(
            torch.cdist(found.field.x_BNA, found.field.x_BNA), apart, rtol=0, atol=1e-5
        )
        assert torch.equal(found.field.u_BND, field.u_BND)
        assert found.to_N.tolist() == list(range(9))
    assert (move.name, move.counts, turn.name, turn.counts) == ("move", True, "turn", False)
    assert torch.allclose(move.field.x_BNA - x_BNA, (move.field.x_BNA - x_BNA)[:, :1], atol=1e-6)
    assert torch.allclose(turn.field.x_BNA.mean(1), x_BNA.mean(1), atol=1e-6)


def test_a_turn_is_no_mirror_image() -> None:
    x_BNA = torch.randn(20, 4, 3, generator=draw(), dtype=torch.float64)
    domain = Domain(kind="points", shape=(4,), coordinates=3)

    turn = moves(numbered(20, 4, None, x_BNA), domain, (), draw())[1]

    def handed(x_BNA: torch.Tensor) -> torch.Tensor:
        return torch.linalg.det(x_BNA[:, 1:] - x_BNA[:, :1]).sign()

    assert turn.field.x_BNA is not None
    assert torch.equal(handed(turn.field.x_BNA), handed(x_BNA))


def test_masked_points_do_not_say_where_a_cloud_is() -> None:
    x_BNA = torch.randn(1, 6, 2, generator=draw())
    mask_BN = torch.tensor([[True] * 4 + [False] * 2])
    far_BNA = torch.where(mask_BN.unsqueeze(-1), x_BNA, torch.nan)
    domain = Domain(kind="points", shape=(6,), coordinates=2)

    move, turn = moves(numbered(1, 6, mask_BN, far_BNA), domain, (), draw())

    for found in (move, turn):
        assert found.field.x_BNA is not None
        assert found.field.x_BNA[:, :4].isfinite().all()


def test_points_on_a_line_have_nothing_to_turn() -> None:
    x_BNA = torch.randn(1, 6, 1)
    domain = Domain(kind="points", shape=(6,), coordinates=1)

    assert [move.name for move in moves(numbered(1, 6, None, x_BNA), domain, (), draw())] == [
        "move"
    ]


def test_a_bare_set_changes_its_order() -> None:
    field = numbered(2, 8)

    (move,) = moves(field, Domain(kind="points", shape=(8,)), (1,), draw())

    assert move.name == "swap"
    assert sorted(move.to_N.tolist()) == list(range(8))
    assert torch.equal(move.field.u_BND[:, move.to_N], field.u_BND)
