"""Life: the rule, checked by another way to compute it."""

from __future__ import annotations

import itertools

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.life2d import Life2dTask


class TestLife(TaskContract):
    task_class = Life2dTask


def test_an_inner_cell_follows_the_table() -> None:
    task = Life2dTask(Life2dTask.Params())
    (boards,), targets = task.draw(1, stream(0))
    board, target = boards.reshape(10, 10), targets.reshape(10, 10)
    for row in range(1, 9):
        for column in range(1, 9):
            around = [
                board[row + down, column + right]
                for down in (-1, 0, 1)
                for right in (-1, 0, 1)
                if (down, right) != (0, 0)
            ]

            assert target[row, column] == task.rule[board[row, column], sum(around)]


def test_a_cell_of_the_border_is_not_scored() -> None:
    target = Life2dTask(Life2dTask.Params()).draw(1, stream(0)).target.reshape(10, 10)

    assert (target[[0, -1]] == -100).all()
    assert (target[:, [0, -1]] == -100).all()
    assert (target[1:-1, 1:-1] >= 0).all()


def test_half_of_all_neighbourhoods_give_life_whatever_stands_in_the_middle() -> None:
    rule = Life2dTask(Life2dTask.Params()).rule
    for cell in (0, 1):
        alive = sum(rule[cell, sum(around)] for around in itertools.product((0, 1), repeat=8))

        assert alive == 128


def test_the_rule_reads_the_cell_itself() -> None:
    rule = Life2dTask(Life2dTask.Params()).rule

    assert (rule[0] != rule[1]).any()
