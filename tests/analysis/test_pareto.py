from __future__ import annotations

import math

import numpy as np
import pytest
from analysis.support import deep_space, run, space
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.analysis.pareto import (
    crowding,
    dominated_by,
    front,
    nondominated,
    nondominated_rank,
    signed,
)
from itnet_nas.space.space import Objective

# Few values, so that ties and duplicates are common.
coordinate = st.integers(-3, 3).map(float)
clouds = st.integers(1, 3).flatmap(
    lambda size: st.lists(st.tuples(*[coordinate] * size), max_size=40)
)


def dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def peeled(points: list[tuple[float, ...]]) -> list[int]:
    """Ranks by the definition: take the front away, again and again."""
    ranks: dict[int, int] = {}
    rank = 0
    while len(ranks) < len(points):
        left = [i for i in range(len(points)) if i not in ranks]
        best = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        ranks |= dict.fromkeys(best, rank)
        rank += 1
    return [ranks[i] for i in range(len(points))]


@settings(deadline=None)
@given(clouds)
def test_ranks_are_those_of_the_definition(points: list[tuple[float, ...]]) -> None:
    assert nondominated_rank(points) == peeled(points)


@settings(deadline=None)
@given(clouds)
def test_the_front_is_what_nothing_dominates(points: list[tuple[float, ...]]) -> None:
    expected = [not any(dominates(other, point) for other in points) for point in points]

    assert nondominated(points) == expected


def test_duplicates_stay_together_on_the_front() -> None:
    assert nondominated([(1.0, 2.0), (1.0, 2.0), (2.0, 2.0)]) == [True, True, False]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="point 1 is not finite"):
        nondominated([(1.0, 2.0), (0.0, bad)])


def test_more_than_three_objectives_are_refused() -> None:
    with pytest.raises(ValueError, match="one to three objectives"):
        nondominated([(1.0, 2.0, 3.0, 4.0)])


def test_thousands_of_points_all_on_one_front_keep_their_rank() -> None:
    x = np.linspace(0, 1, 5000)

    assert set(nondominated_rank(np.stack([x, -x, np.sin(9 * x)], axis=1))) == {0}


def test_a_chain_has_as_many_ranks_as_points() -> None:
    x = np.arange(5000.0)

    assert nondominated_rank(np.stack([x, x, x], axis=1)) == list(range(5000))


def test_crowding_is_the_room_between_the_neighbours() -> None:
    found = crowding([(0.0, 4.0), (1.0, 2.0), (3.0, 1.0), (4.0, 0.0)])

    assert found == [math.inf, 3 / 4 + 3 / 4, 3 / 4 + 2 / 4, math.inf]


def test_an_objective_that_never_changes_gives_no_room() -> None:
    assert crowding([(0.0, 7.0), (1.0, 7.0), (4.0, 7.0)]) == [math.inf, 1.0, math.inf]


@settings(deadline=None)
@given(clouds)
def test_crowding_gives_every_point_a_room(points: list[tuple[float, ...]]) -> None:
    found = crowding(points)

    assert len(found) == len(points)
    assert all(room >= 0 for room in found)


def test_an_objective_to_be_made_large_is_turned_round() -> None:
    of = space()
    one = run(of, 1, failing=0)[0]
    turned = (Objective(name="bits_per_byte", direction="max"), of.objectives[1])

    assert signed(one, turned) == (-one.objectives["bits_per_byte"], one.objectives["flops"])


def test_the_front_of_a_run_holds_complete_records_cheapest_first() -> None:
    of = deep_space()
    records = run(of, 300)

    members = front(of, records)

    flops = [member.objectives["flops"] for member in members]
    bits = [member.objectives["bits_per_byte"] for member in members]
    assert all(member.complete for member in members)
    assert flops == sorted(flops)
    assert bits == sorted(bits, reverse=True)
    assert len(members) > 3


def test_who_is_not_on_the_front_is_dominated_by_a_member_of_it() -> None:
    of = space()
    records = run(of, 60)
    members = front(of, records)

    for record in records:
        if record.complete:
            assert bool(dominated_by(of, record, members)) == (record not in members)


def test_a_run_without_a_complete_trial_has_no_front() -> None:
    of = space()

    assert front(of, []) == []
    assert front(of, run(of, 3, failing=1.0)) == []
