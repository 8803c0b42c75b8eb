from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from itnet_nas.analysis.hypervolume import volume
from itnet_nas.analysis.volumes import volumes


@st.composite
def orders(draw: st.DrawFn) -> NDArray[np.float64]:
    """(K, N, D) with ties, points on the edges, and points that add nothing."""
    size = draw(st.sampled_from([2, 3]))
    many, count = draw(st.integers(1, 3)), draw(st.integers(1, 7))
    grid = [value / 4 for value in range(5)]
    flat = draw(
        st.lists(
            st.sampled_from([*grid, float("nan")]),
            min_size=many * count * size,
            max_size=many * count * size,
        )
    )
    return np.array(flat).reshape(many, count, size)


@given(orders())
def test_a_volume_is_that_of_one_front_at_a_time(points_KND: NDArray[np.float64]) -> None:
    many, most, size = points_KND.shape
    counts = range(most + 1)

    found = volumes(points_KND, counts)

    alone = [
        [
            volume([tuple(p) for p in order[:count] if np.isfinite(p).all()], (1.0,) * size)
            for count in counts
        ]
        for order in points_KND
    ]
    assert found == pytest.approx(np.array(alone), abs=1e-12)
    assert found.shape == (many, most + 1)


def test_more_trials_than_points_add_nothing() -> None:
    points_KND = np.array([[[0.5, 0.5]]])

    assert volumes(points_KND, [1, 9]).tolist() == [[0.25, 0.25]]


def test_one_objective_has_no_volume() -> None:
    with pytest.raises(ValueError, match="two or three objectives is wanted, got 1"):
        volumes(np.zeros((1, 1, 1)), [1])
