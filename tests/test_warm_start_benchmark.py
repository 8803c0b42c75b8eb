"""The benchmark of warm starts measures what it says: tasks of a known correlation, told before."""

from __future__ import annotations

from random import Random
from statistics import correlation

import pytest
from support.benchmark import benchmark

from itnet_nas.arch.sample import sample
from itnet_nas.search.priors import split
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.testing.planted_landscape import PlantedLandscape

warm_start = benchmark("warm_start")
HERE, THERE = PlantedLandscape(1, noise=0.0), PlantedLandscape(1001, noise=0.0)


@pytest.mark.parametrize("rho", [0.0, 0.7, 1.0])
def test_the_other_task_has_the_correlation_that_it_is_given(rho: float) -> None:
    mixed = warm_start.Mixed(HERE, THERE, rho)
    drawn = [sample(HERE.space(1), Random(f"fresh {index}")) for index in range(200)]

    found = correlation(
        [warm_start.logit(HERE.error(one)) for one in drawn],
        [warm_start.logit(mixed.error(one)) for one in drawn],
    )

    assert found == pytest.approx(rho, abs=0.2)  # the standard error is 0.07 at most
    assert rho < 1.0 or found == pytest.approx(1.0)


def test_what_is_told_is_no_result_here() -> None:
    records = warm_start.told(warm_start.Mixed(HERE, THERE, 0.5), trials=12, seed=0)

    assert records
    assert split(HERE.space(12), records) == ([], records)


def test_a_strategy_is_told_before_its_own_records() -> None:
    space = HERE.space(4)
    priors = warm_start.told(warm_start.Mixed(HERE, THERE, 0.5), trials=8, seed=0)

    plain = HERE.run(RandomSearcher(), 4)
    told = HERE.run(warm_start.Told(RandomSearcher(), priors), 4)

    assert [one.key for one in told] == [one.key for one in plain]
    assert split(space, told) == (told, [])


@pytest.mark.slow
def test_the_level_is_reached_by_the_search_that_set_it() -> None:
    studies = [warm_start.study(1, 6, "random")]

    cold = studies[0]["cold"]
    lines = warm_start.rows(studies, 6)

    assert cold.trials <= 6
    assert list(studies[0]) == ["cold", "cold again", "related, ρ = 0.7", "unrelated, ρ = 0"]
    assert len(lines) == 4
    assert lines[0].startswith(f"| cold | {cold.trials:g} |")
