from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.surrogate.encoding import Rows
from itnet_nas.surrogate.linear import RATIOS, LinearModel


def rows(features: np.ndarray) -> Rows:
    return Rows(features, np.ones((len(features), 1)))


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_it_agrees_with_the_formula_written_out(seed: int) -> None:
    """At the ratio with the largest evidence, from the density of all figures together."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (12, 7)).astype(float)
    y = x @ rng.normal(size=7) + rng.normal(size=12)
    new = rng.integers(0, 2, (2, 7)).astype(float)
    centred, rest, at = x - x.mean(0), y - y.mean(), new - x.mean(0)
    expected = []
    for ratio in RATIOS:
        covariance = np.eye(12) + centred @ centred.T / ratio
        misfit = rest @ np.linalg.solve(covariance, rest)
        variance = (misfit + 2 * 0.01 * rest @ rest / 12) / 14
        evidence = -7 * np.log(variance) - 0.5 * np.linalg.slogdet(covariance)[1]
        inverse = np.linalg.inv(centred.T @ centred + ratio * np.eye(7))
        mean = y.mean() + at @ inverse @ centred.T @ rest
        expected.append((evidence, mean, variance * (1 / 12 + at @ inverse @ at.T)))
    _, mean, covariance = max(expected, key=lambda one: one[0])
    model = LinearModel(rows(x), y)

    found = model.posterior(rows(new))

    assert found[0] == pytest.approx(mean)
    assert found[1] == pytest.approx(covariance)
    assert model.predict(rows(new))[1] == pytest.approx(np.sqrt(np.diag(covariance)))


def test_what_is_left_out_is_what_a_fit_without_it_misses() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    y += 3 * x[:, 0]
    without = LinearModel(rows(x[1:]), y[1:])

    missed = y[0] - without.predict(rows(x[:1]))[0][0]

    # The ratio is that of all 40 observations, so the two differ a little.
    assert LinearModel(rows(x), y).left_out[0] == pytest.approx(missed, rel=0.05)


def test_one_observation_is_what_it_expects_of_all() -> None:
    model = LinearModel(rows(np.eye(3)[:1]), np.array([3.0]))

    assert model.predict(rows(np.eye(3)))[0] == pytest.approx([3.0, 3.0, 3.0])


def test_observations_that_agree_by_chance_leave_it_unsure() -> None:
    """Three figures, many features: a plane goes through all of them, which proves nothing."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 30)), rng.normal(size=3)

    _, deviation = LinearModel(rows(x), y).predict(rows(rng.normal(size=(1, 30))))

    assert deviation[0] > 0.1 * y.std()
