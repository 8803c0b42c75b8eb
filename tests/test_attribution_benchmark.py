"""The study of attribution: its truth is the landscape's, and what it claims holds."""

from __future__ import annotations

import pytest
from support.benchmark import benchmark

from itnet_nas.analysis.option_groups import groups_of
from itnet_nas.testing.planted_landscape import PlantedLandscape

attribution = benchmark("attribution")


def test_true_effects_average_to_nothing() -> None:
    landscape = PlantedLandscape(0)

    groups = groups_of(landscape.space(1))
    for group, effects in zip(groups, attribution.true_effects(landscape), strict=True):
        mean = sum(p * effect for p, effect in zip(group.probabilities, effects, strict=True))
        assert mean == pytest.approx(0.0, abs=0.05)


def test_a_node_without_effect_has_none() -> None:
    landscape = PlantedLandscape(0, irrelevant="l2_state")

    groups = groups_of(landscape.space(1))
    effects = dict(zip(groups, attribution.true_effects(landscape), strict=True))
    (planted,) = (of for group, of in effects.items() if group.place == "l2_state")
    assert max(map(abs, planted)) < 0.15
    assert max(abs(one) for of in effects.values() for one in of) > 3


def test_a_line_has_means_and_the_worst_recall() -> None:
    row = attribution.Row(1.0, 1.0, 0.9, 1.0, 0.95, 7, 2.0, irrelevant=True)
    worse = attribution.Row(0.5, 0.9, 0.8, 1.0, 0.85, 4, 1.0, irrelevant=True)

    assert attribution.line(100, "random", [row, worse]) == (
        "| 100 | random | 2 | 0.75 | 0.50 | 0.95 | 0.85 | 1.00 | 0.90 | 5.5 | 1.5 |"
    )


@pytest.mark.slow
def test_a_node_planted_as_irrelevant_is_not_resolved_in_nine_runs_of_ten() -> None:
    names = [layer.name for layer in PlantedLandscape(0).space(1).layers]

    rows = [
        attribution.study(
            PlantedLandscape(seed, irrelevant=names[7 * seed % 24]), 100, 100 + seed, "random"
        )
        for seed in range(20)
    ]

    assert sum(row.irrelevant for row in rows) >= 18
    assert sum(row.sign for row in rows) / len(rows) >= 0.95
