"""Random draws that are spread evenly over costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random

import pytest
from support.landscape import planted_space

from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.cost import bounds, costs
from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.sample import sample
from itnet_nas.search.drawing import draw_new, new_samples
from itnet_nas.search.stratified import draw_stratified, van_der_corput
from itnet_nas.space.space import Objective, Space


def draw(space: Space, place: int, seed: int = 0) -> Architecture:
    drawn = draw_stratified(space, set(), place, Random(f"{seed}:{place}"))
    assert drawn is not None
    return drawn


def with_costs(space: Space, *names: str) -> Space:
    objectives = tuple(Objective(name=name, direction="min") for name in ("error", *names))
    return space.model_copy(update={"objectives": objectives})


def test_places_halve_the_widest_gap() -> None:
    assert [van_der_corput(k) for k in range(8)] == [
        0,
        1 / 2,
        1 / 4,
        3 / 4,
        1 / 8,
        5 / 8,
        3 / 8,
        7 / 8,
    ]


@pytest.mark.parametrize("stretch", [range(8), range(8, 16), range(40, 48)])
def test_any_eight_places_from_a_multiple_of_eight_lie_in_an_eighth_each(stretch: range) -> None:
    assert {int(8 * van_der_corput(k)) for k in stretch} == set(range(8))


def test_the_draw_is_the_one_of_thirty_samples_that_lies_nearest_to_its_place() -> None:
    space = planted_space()
    pool = list(new_samples(space, set(), Random("0:5")))[:30]
    logs = [math.log(costs(space, one)["flops"]) for one in pool]
    wanted = min(logs) + 5 / 8 * (max(logs) - min(logs))

    drawn = draw(space, 5)

    gaps = [abs(log - wanted) for log in logs]
    assert drawn == pool[gaps.index(min(gaps))]


def test_what_is_rarely_cheap_or_dear_in_samples_is_drawn_more_often() -> None:
    space = planted_space(layers=8)
    rng = Random(0)
    flops = sorted(costs(space, sample(space, rng))["flops"] for _ in range(1000))
    cheap, dear = flops[50], flops[-51]  # one sample in ten lies beyond

    drawn = [costs(space, draw(space, k))["flops"] for k in range(256)]

    share = sum(not cheap < figure < dear for figure in drawn) / len(drawn)
    assert share > 0.15


def test_the_first_cost_that_is_known_beforehand_is_spread() -> None:
    space = planted_space()

    drawn = draw(with_costs(space, "latency_ms", "flops"), 3)

    assert drawn == draw(with_costs(space, "flops"), 3)


def test_costs_may_be_looked_up_elsewhere() -> None:
    space = with_costs(planted_space(), "latency_ms")
    flops = draw(with_costs(space, "flops"), 3)

    def table(space: Space, architecture: Architecture) -> Mapping[str, float]:
        return {"latency_ms": costs(space, architecture)["flops"]}

    assert draw_stratified(space, set(), 3, Random("0:3"), table) == flops


def test_without_a_cost_that_is_known_beforehand_it_is_a_plain_sample() -> None:
    space = with_costs(planted_space(), "latency_ms")

    assert draw(space, 3) == sample(space, Random("0:3"))


def test_a_cost_of_nothing_has_a_place_as_well() -> None:
    space = with_costs(planted_space(), "state_bytes")

    assert draw(space, 3) == sample(space, Random("0:3"))


def test_what_is_known_is_not_drawn_and_a_small_space_is_drawn_to_its_last() -> None:
    space = planted_space(layers=2)
    known: set[str] = set()
    while (drawn := draw_stratified(space, known, len(known), Random(len(known)))) is not None:
        assert drawn.key not in known
        known.add(drawn.key)

    assert len(known) == 100


def test_a_draw_is_feasible() -> None:
    limit = bounds(planted_space())["flops"][0] * 1.05
    space = planted_space(constraints=[f"flops <= {limit}"])

    assert all(feasible(space, draw(space, k)) for k in range(8))


def test_a_plain_draw_is_the_first_new_sample() -> None:
    space = planted_space(layers=1)
    first = draw_new(space, set(), Random(0))
    assert first is not None

    second = draw_new(space, {first.key}, Random(0))

    assert second == list(new_samples(space, set(), Random(0)))[1]
