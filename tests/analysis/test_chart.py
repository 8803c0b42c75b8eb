from __future__ import annotations

import itertools
from random import Random

import pytest
from analysis.support import deep_space, record, run, space

from itnet_nas.analysis.chart import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Range,
    scatter,
)
from itnet_nas.analysis.pareto import front
from itnet_nas.arch.sample import sample
from itnet_nas.results.record import TrialRecord
from itnet_nas.space.space import Objective, Space
from itnet_nas.tasks import Metric

OF = space()
ONE = sample(OF, Random(0))


def trials(*figures: tuple[float, float]) -> list[TrialRecord]:
    return [
        record(OF, number, ONE, bits_per_byte=bits, flops=flops)
        for number, (bits, flops) in enumerate(figures)
    ]


def drawn(of: Space, records: list[TrialRecord], named: dict[int, str] | None = None):  # type: ignore[no-untyped-def]
    return scatter(of, records, front(of, records), of.objectives[1], named or {})


def test_a_logarithmic_range_gives_equal_room_to_equal_factors() -> None:
    x = Range(1.0, 100.0, 0.0, 200.0, log=True)

    assert [x.place(value) for value in (1, 10, 100)] == [0.0, 100.0, 200.0]


@pytest.mark.parametrize("count", [1, 2, 40, 2000])
def test_every_mark_lies_within_the_frame(count: int) -> None:
    of = deep_space()
    chart = drawn(of, run(of, count, failing=0))

    for dot in [*chart.dots, *chart.members]:
        assert LEFT <= dot.x <= RIGHT
        assert TOP <= dot.y <= BOTTOM


def test_every_complete_trial_is_drawn_or_counted() -> None:
    of = deep_space()
    records = run(of, 300)
    chart = drawn(of, records)
    members = front(of, records)

    complete = sum(one.complete for one in records)
    outside = complete - len(members) - len(chart.dots)

    assert len(chart.members) == len(members)
    assert outside == 0 or f"{outside} dominated trial" in chart.notes[0]


def test_what_lies_far_from_the_front_is_left_out_and_counted() -> None:
    chart = drawn(OF, trials((3.0, 1e4), (2.5, 1e5), (2.0, 1e6), (7.9, 1e6), (7.0, 1e5)))

    assert chart.dots == []
    assert chart.notes[0] == "2 dominated trials outside the picture"


def test_the_line_goes_down_in_steps_to_the_right() -> None:
    chart = drawn(OF, trials((3.0, 1e4), (2.5, 1e5), (2.0, 1e6)))
    a, b, c = chart.members

    assert chart.path == f"M{a.x} {a.y}H{b.x}V{b.y}H{c.x}V{c.y}H{RIGHT}"
    assert a.y < b.y < c.y  # the ordinate of a drawing grows downwards


def test_thousands_of_dots_are_thinned_and_counted() -> None:
    of = deep_space(8)
    chart = drawn(of, run(of, 2000))

    assert len(chart.dots) < 1900
    assert any("left out where dots lie on each other" in note for note in chart.notes)


def test_chance_and_baselines_are_lines_where_they_are_in_sight() -> None:
    chart = drawn(OF, trials((3.4, 1e4), (3.0, 1e5)))

    assert [level.label for level in chart.levels] == ["order 2 model 3.2"]
    assert "chance 8 bits/byte lies above the picture" in chart.notes


def test_labels_of_lines_do_not_lie_on_each_other() -> None:
    metric = Metric(
        name="bits_per_byte", direction="min", baselines={"a": 3.2, "b": 3.201, "c": 3.202}
    )
    of = OF.model_copy(update={"facts": OF.facts.model_copy(update={"metrics": (metric,)})})

    places = [level.label_y for level in drawn(of, trials((3.4, 1e4), (3.0, 1e5))).levels]

    assert len(places) == 3
    assert all(a - b >= 15 for a, b in itertools.pairwise(places))


def test_a_mark_tells_its_trial_in_words() -> None:
    chart = drawn(OF, trials((2.981, 1.2e6)), {0: "knee 0"})

    assert chart.members[0].title == (f"trial 0: 2.981 bits/byte, 1.2 MFLOP; {ONE.label}")
    assert chart.members[0].name == "knee 0"


def test_with_two_costs_the_line_is_that_of_the_two_objectives_shown() -> None:
    of = deep_space(objectives=(*OF.objectives, Objective(name="latency_ms", direction="min")))
    chart = drawn(of, run(of, 100))

    ordinates = [float(step.split("H")[0]) for step in chart.path.split("V")[1:]]
    assert ordinates == sorted(ordinates)
    assert chart.notes[-1] == "the line is the front of these two objectives alone"


def test_nothing_complete_is_no_picture() -> None:
    records = run(OF, 3, failing=1.0)

    assert scatter(OF, records, [], OF.objectives[1], {}) is None
