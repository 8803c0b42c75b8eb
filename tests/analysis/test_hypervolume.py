from __future__ import annotations

import itertools
import math

import pytest
from analysis.support import deep_space, record, run, space
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.analysis.hypervolume import curve, hypervolume, scale, volume
from itnet_nas.analysis.pareto import front
from itnet_nas.arch.cost import bounds
from itnet_nas.arch.sample import sample
from itnet_nas.space.space import Objective
from itnet_nas.tasks import Metric

coordinate = st.integers(0, 6).map(lambda n: n / 4)
sets = st.sampled_from([2, 3]).flatmap(
    lambda size: st.lists(st.tuples(*[coordinate] * size), max_size=9)
)


def by_inclusion_and_exclusion(points: list[tuple[float, ...]], reference: float) -> float:
    """|A ∪ B ∪ …| = Σ |A| - Σ |A ∩ B| + …; boxes meet in the box of their largest corners."""
    total = 0.0
    for count in range(1, len(points) + 1):
        for some in itertools.combinations(points, count):
            sides = [max(0.0, reference - max(column)) for column in zip(*some, strict=True)]
            total -= (-1) ** count * math.prod(sides)
    return total


@settings(deadline=None)
@given(sets)
def test_the_volume_is_that_of_the_union_of_boxes(points: list[tuple[float, ...]]) -> None:
    reference = (1.25,) * (len(points[0]) if points else 2)

    assert volume(points, reference) == pytest.approx(by_inclusion_and_exclusion(points, 1.25))


def test_one_point_dominates_its_box() -> None:
    assert volume([(0.25, 0.5)], (1.0, 1.0)) == 0.75 * 0.5
    assert volume([(0.5, 0.5, 0.5)], (1.0, 1.0, 1.0)) == 0.125


def test_a_point_on_the_reference_adds_nothing() -> None:
    assert volume([(0.0, 1.0), (1.0, 0.0), (2.0, -5.0)], (1.0, 1.0)) == 0.0


def test_four_objectives_are_refused() -> None:
    with pytest.raises(ValueError, match="two or three objectives"):
        volume([(0.0,) * 4], (1.0,) * 4)


def test_the_scale_comes_from_the_space_where_the_space_says_enough() -> None:
    of = space()
    cheapest, dearest = bounds(of)["flops"]

    nothing, much = scale(of, []), scale(of, run(of, 50))

    assert nothing == much
    assert much.fixed
    assert much.ideal == {"bits_per_byte": 0.0, "flops": cheapest}
    assert much.reference["bits_per_byte"] == 8.0
    assert much.reference["flops"] == pytest.approx(dearest * (dearest / cheapest) ** 0.1)


def test_without_a_chance_level_the_worst_trial_is_the_reference() -> None:
    of = space()
    facts = of.facts.model_copy(update={"metrics": (Metric(name="loss", direction="min"),)})
    of = of.model_copy(
        update={
            "facts": facts,
            "objectives": (Objective(name="loss", direction="min"), of.objectives[1]),
        }
    )
    first = sample_of(of)
    records = [record(of, 0, first, loss=2.0), record(of, 1, first, loss=4.0)]

    found = scale(of, records)

    assert found.reference["loss"] == pytest.approx(4.4)
    assert found.ideal["loss"] == 0.0
    assert not found.fixed


def test_a_measured_cost_runs_from_the_cheapest_to_beyond_the_dearest_trial() -> None:
    of = space(
        objectives=(
            Objective(name="bits_per_byte", direction="min"),
            Objective(name="latency_ms", direction="min"),
        )
    )
    one = sample_of(of)
    records = [
        record(of, 0, one, bits_per_byte=3.0, latency_ms=1.0),
        record(of, 1, one, bits_per_byte=2.0, latency_ms=100.0),
    ]

    found = scale(of, records)

    assert found.ideal["latency_ms"] == 1.0
    assert found.reference["latency_ms"] == pytest.approx(10**2.2)
    assert not found.fixed


def test_a_quality_to_be_made_large_has_its_ideal_at_one() -> None:
    of = space(
        objectives=(
            Objective(name="accuracy", direction="max"),
            Objective(name="flops", direction="min"),
        )
    )
    one = sample_of(of)
    records = [record(of, 0, one, accuracy=0.5), record(of, 1, one, accuracy=0.25)]

    found = scale(of, records)

    assert found.ideal["accuracy"] == 1.0
    assert found.reference["accuracy"] == pytest.approx(0.175)
    assert found.point(records[0])[0] == pytest.approx(0.5 / 0.825)


@pytest.mark.parametrize("third", [None, "params", "latency_ms"])
def test_a_hypervolume_lies_between_nothing_and_all(third: str | None) -> None:
    of = deep_space()
    if third:
        of = of.model_copy(
            update={"objectives": (*of.objectives, Objective(name=third, direction="min"))}
        )
    records = run(of, 200)

    assert 0 < hypervolume(of, records) < 1
    assert hypervolume(of, records) == pytest.approx(
        hypervolume(of, front(of, records), scale(of, records)), abs=1e-12
    )
    assert hypervolume(of, []) == 0.0


def test_the_curve_never_falls_and_ends_at_the_hypervolume_of_the_run() -> None:
    of = deep_space()
    records = run(of, 150)

    found = curve(of, records)

    values = [value for _, value in found]
    assert [count for count, _ in found] == list(range(1, 151))
    assert values == sorted(values)
    assert values[-1] == pytest.approx(hypervolume(of, records), abs=1e-12)


def test_a_failed_trial_leaves_the_curve_where_it_was() -> None:
    of = space()
    records = run(of, 40, failing=0.5)
    found = dict(curve(of, records))

    for before, record_ in enumerate(records):
        if record_.error is not None:
            assert found[before + 1] == found.get(before, 0.0)


def sample_of(of):  # type: ignore[no-untyped-def]
    from random import Random

    return sample(of, Random(3))
