from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from analysis.support import deep_space, quality, record, run, space
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.analysis.linear_surrogate import RATIOS, _Posterior, fit
from itnet_nas.arch.sample import sample
from itnet_nas.results.record import TrialError
from itnet_nas.space.space import Objective

DEEP = deep_space(3)


def test_it_orders_architectures_that_it_has_not_seen() -> None:
    surrogate = fit(DEEP, run(DEEP, 40))
    unseen = [sample(DEEP, Random(seed)) for seed in range(1000, 1200)]

    guesses = [surrogate.predict(architecture)[0] for architecture in unseen]

    truth = [quality(architecture) for architecture in unseen]
    assert np.corrcoef(guesses, truth)[0, 1] > 0.8


def test_its_deviation_says_how_wrong_it_is() -> None:
    surrogate = fit(DEEP, run(DEEP, 60))
    unseen = run(DEEP, 200, seed=7, failing=0.0)

    scores = []
    for one in unseen:
        mean, deviation = surrogate.predict(one.architecture)
        scores.append((one.objectives["bits_per_byte"] - mean) / deviation)

    assert 0.6 < np.std(scores) < 1.4


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_it_agrees_with_the_formula_written_out(seed: int) -> None:
    """At the ratio with the largest evidence, from the density of all figures together."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (12, 7)).astype(float)
    y = x @ rng.normal(size=7) + rng.normal(size=12)
    new = rng.integers(0, 2, 7).astype(float)
    centred, rest, at = x - x.mean(0), y - y.mean(), new - x.mean(0)
    expected = []
    for ratio in RATIOS:
        covariance = np.eye(12) + centred @ centred.T / ratio
        misfit = rest @ np.linalg.solve(covariance, rest)
        variance = (misfit + 2 * 0.01 * rest @ rest / 12) / 14
        evidence = -7 * np.log(variance) - 0.5 * np.linalg.slogdet(covariance)[1]
        inverse = np.linalg.inv(centred.T @ centred + ratio * np.eye(7))
        mean = y.mean() + at @ inverse @ centred.T @ rest
        spread = np.sqrt(variance * (1 + 1 / 12 + at @ inverse @ at))
        expected.append((evidence, mean, spread))

    assert _Posterior(x, y).predict(new) == pytest.approx(max(expected)[1:])


def test_more_is_better_where_the_objective_says_so() -> None:
    of = space(
        objectives=(
            Objective(name="accuracy", direction="max"),
            Objective(name="flops", direction="min"),
        )
    )
    records = [
        record(of, number, sample(of, Random(number)), accuracy=0.9 + number / 1000)
        for number in range(5)
    ]

    mean, _ = fit(of, records).predict(records[0].architecture)

    assert mean == pytest.approx(-0.902, abs=0.003)


def test_without_a_complete_record_it_knows_nothing() -> None:
    of = space()
    architecture = sample(of, Random(0))
    failed = record(of, 0, architecture, TrialError(kind="lost_worker", message="gone"))

    assert fit(of, [failed]).predict(architecture) == (0.0, math.inf)


def test_one_record_is_what_it_expects_of_all() -> None:
    of = space()

    surrogate = fit(of, [record(of, 0, sample(of, Random(0)), bits_per_byte=3.0)])

    assert surrogate.predict(sample(of, Random(5)))[0] == pytest.approx(3.0)


def test_records_that_agree_by_chance_leave_it_unsure() -> None:
    """Three figures, many features: a line goes through all of them, which proves nothing."""
    records = run(DEEP, 3, failing=0.0)

    spread = np.std([one.objectives["bits_per_byte"] for one in records])

    assert fit(DEEP, records).predict(sample(DEEP, Random(99)))[1] > 0.1 * spread


@settings(max_examples=20)
@given(st.permutations(range(12)))
def test_the_order_of_records_changes_nothing(order: list[int]) -> None:
    records = run(DEEP, 12)
    architecture = sample(DEEP, Random(3))

    shuffled = fit(DEEP, [records[place] for place in order])

    assert shuffled.predict(architecture) == fit(DEEP, records).predict(architecture)
