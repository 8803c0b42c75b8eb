"""Places: the rule, checked by another way to compute it."""

from __future__ import annotations

import numpy as np
import pytest

from itnet_nas.testing.task_contract import TaskContract
from itnet_tasks.planted.base import stream
from itnet_tasks.planted.places import PlacesTask


class TestPlaces(TaskContract):
    task_class = PlacesTask


def test_every_place_weighs_its_neighbours_by_itself() -> None:
    task = PlacesTask(PlacesTask.Params())
    (x,), y = task.draw(2, stream(0))
    for row, said in zip(x[..., 0], y[..., 0], strict=True):
        for n in range(48):
            seen = {o: row[n + o] for o in range(-3, 4) if 0 <= n + o < 48}

            assert said[n] == pytest.approx(
                sum(task.weights[n, 3 + o] * value for o, value in seen.items()), abs=1e-5
            )


def test_no_two_places_have_the_same_rule() -> None:
    weights = PlacesTask(PlacesTask.Params()).weights
    alike = np.abs(weights @ weights.T) - np.eye(48)

    assert alike.max() < 0.99
