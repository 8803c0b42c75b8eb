from __future__ import annotations

from random import Random

import numpy as np
import pytest
from analysis.support import deep_space, quality

from itnet_nas.arch.sample import sample
from itnet_nas.surrogate import gaussian
from itnet_nas.surrogate.encoding import encoding_of
from itnet_nas.surrogate.gaussian import GaussianProcess

DEEP = deep_space(4)
ENCODING = encoding_of(DEEP)
KNOWN = [sample(DEEP, Random(seed)) for seed in range(60)]
QUALITY = np.array([quality(one) for one in KNOWN])
UNSEEN = [sample(DEEP, Random(seed)) for seed in range(1000, 1100)]


def process(count: int = 60) -> GaussianProcess:
    return GaussianProcess(ENCODING, ENCODING.rows(KNOWN[:count]), QUALITY[:count])


def covariance(of: GaussianProcess, count: int) -> np.ndarray:
    """The formula written out, entry by entry."""
    rows, kernel = ENCODING.rows(KNOWN[:count]), of.kernel
    found = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            alike = far = 0.0
            for v in range(len(ENCODING.names)):
                columns = ENCODING.variable_of == v
                same = rows.features[i, columns] @ rows.features[j, columns]
                both = 0.5 * (rows.active[i, v] + rows.active[j, v])
                alike += kernel.alike[v] * same
                far += kernel.distance[v] * ENCODING.half[v] * (both - same)
            found[i, j] = kernel.product * np.exp(-far) + alike
    return found


def test_its_mean_and_covariance_are_those_of_the_formula() -> None:
    of = process(12)
    prior = covariance(of, 12)
    scaled = (QUALITY[:12] - QUALITY[:12].mean()) / QUALITY[:12].std()
    noisy = prior + of.kernel.noise * np.eye(12)

    mean, spread = of.posterior(ENCODING.rows(KNOWN[:12]))

    expected = QUALITY[:12].mean() + QUALITY[:12].std() * prior @ np.linalg.solve(noisy, scaled)
    assert mean == pytest.approx(expected)
    rest = prior - prior @ np.linalg.solve(noisy, prior)
    assert spread == pytest.approx(QUALITY[:12].var() * rest, abs=1e-9)


def test_a_deviation_is_the_root_of_the_covariance_s_diagonal() -> None:
    rows = ENCODING.rows(UNSEEN)

    _, deviation = process().predict(rows)

    assert deviation**2 == pytest.approx(np.diag(process().posterior(rows)[1]))


def test_architectures_that_it_has_not_seen_are_guessed_well() -> None:
    mean, _ = process().predict(ENCODING.rows(UNSEEN))

    assert np.corrcoef(mean, [quality(one) for one in UNSEEN])[0, 1] > 0.9


def test_what_is_left_out_is_what_the_same_kernel_without_it_misses() -> None:
    of, rows = process(), ENCODING.rows(KNOWN)
    # Centre and spread belong to the whole, so the observation goes from the matrix alone.
    prior = covariance(of, 20)
    few = GaussianProcess(ENCODING, rows.take(range(20)), QUALITY[:20], of.kernel)
    scaled = (QUALITY[:20] - QUALITY[:20].mean()) / QUALITY[:20].std()
    noisy = prior[1:, 1:] + of.kernel.noise * np.eye(19)

    missed = scaled[0] - prior[0, 1:] @ np.linalg.solve(noisy, scaled[1:])

    assert few.left_out[0] == pytest.approx(QUALITY[:20].std() * missed)


def test_the_gradient_of_the_posterior_density_is_that_of_differences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def keep(start: np.ndarray, gradient: object) -> np.ndarray:
        seen.append((start, gradient))
        return start

    monkeypatch.setattr(gaussian, "_adam", keep)
    rows = ENCODING.rows(KNOWN[:15])
    scaled = (QUALITY[:15] - QUALITY[:15].mean()) / QUALITY[:15].std()
    gaussian.learn(ENCODING, rows, scaled)
    ((start, gradient),) = seen
    density = log_density(rows, scaled)

    found = gradient(start)

    for place in range(len(start)):
        step = np.zeros(len(start))
        step[place] = 1e-5
        slope = (density(start + step) - density(start - step)) / 2e-5
        assert found[place] == pytest.approx(slope, abs=1e-5), place


def log_density(rows: object, scaled: np.ndarray) -> object:
    """Minus the logarithm of the posterior density, from the formula; a function of the point."""
    count, variables = len(scaled), len(ENCODING.names)
    blocks = [rows.features[:, ENCODING.variable_of == v] for v in range(variables)]
    alike = np.array([block @ block.T for block in blocks])
    both = np.array([0.5 * np.add.outer(one, one) for one in rows.active.T])
    far = ENCODING.half[:, None, None] * (both - alike)
    base = gaussian.DISTANCE / far.sum(axis=0).mean()
    total = np.trace(alike.sum(axis=0)) / count

    def at(point: np.ndarray) -> float:
        relevance, (product, additive, noise) = np.exp(point[:-3]), np.exp(point[-3:])
        matrix = product * np.exp(-np.tensordot(base * relevance, far, 1))
        matrix += additive / total * np.tensordot(relevance, alike, 1)
        matrix += (noise + gaussian._LEAST_NOISE) * np.eye(count)
        misfit = scaled @ np.linalg.solve(matrix, scaled) + np.linalg.slogdet(matrix)[1]
        means = np.array([*np.zeros(variables), *gaussian._MEANS])
        spreads = np.array([*np.ones(variables), *gaussian._SPREADS])
        return 0.5 * misfit + 0.5 * (((point - means) / spreads) ** 2).sum()

    return at
