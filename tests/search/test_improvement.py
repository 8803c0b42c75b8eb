"""The closed form, against hypervolumes of drawn points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.analysis.hypervolume import volume
from itnet_nas.search.improvement import expected_improvement

units = st.floats(0.0, 1.2).map(lambda value: round(value, 3))


def added(front: np.ndarray, point: tuple[float, ...]) -> float:
    corner = (1.0,) * len(point)
    return volume([*front.tolist(), point], corner) - volume(front.tolist(), corner)


@settings(max_examples=60, deadline=None)
@given(
    front=st.integers(1, 2).flatmap(
        lambda costs: st.lists(st.tuples(*[units] * (1 + costs)), min_size=1, max_size=6)
    ),
    data=st.data(),
)
def test_without_doubt_it_is_the_volume_that_is_added(
    front: list[tuple[float, ...]], data: st.DataObject
) -> None:
    point = data.draw(st.tuples(*[units] * len(front[0])))
    points = np.array(front)

    (found,) = expected_improvement(
        np.array(point[:1]), np.array([0.0]), np.array([point[1:]]), points
    )

    assert found == pytest.approx(added(points, point), abs=1e-9)


@pytest.mark.parametrize("costs", [1, 2])
def test_in_doubt_it_is_the_mean_over_what_may_come(costs: int) -> None:
    rng = np.random.default_rng(costs)
    front = rng.uniform(0.2, 0.9, (5, 1 + costs))
    at, mean, deviation = rng.uniform(0.1, 0.6, costs), 0.45, 0.15
    drawn = rng.normal(mean, deviation, 20_000)
    gains = np.array([added(front, (value, *at)) for value in drawn.tolist()])

    (found,) = expected_improvement(np.array([mean]), np.array([deviation]), at[None], front)

    assert found == pytest.approx(gains.mean(), abs=5 * gains.std() / len(gains) ** 0.5)


def test_the_cheapest_candidate_gains_even_with_the_worst_quality_so_far() -> None:
    front = np.array([[0.3, 0.5], [0.6, 0.4]])

    cheap, dear = expected_improvement(
        np.array([0.8, 0.8]), np.array([0.01, 0.01]), np.array([[0.1], [0.45]]), front
    )

    assert cheap > 0.05
    assert dear < 1e-6


def test_an_empty_front_leaves_all_of_the_square_to_gain() -> None:
    (found,) = expected_improvement(
        np.array([0.5]), np.array([0.0]), np.array([[0.25]]), np.empty((0, 2))
    )

    assert found == pytest.approx(0.5 * 0.75)
