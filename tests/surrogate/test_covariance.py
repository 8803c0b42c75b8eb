from __future__ import annotations

from random import Random

import numpy as np
from analysis.support import deep_space

from itnet_nas.arch.sample import sample
from itnet_nas.surrogate.encoding import encoding_of
from itnet_nas.surrogate.gaussian import GaussianProcess


def test_the_covariance_of_layers_that_come_and_go_has_no_negative_part() -> None:
    of = deep_space(8)
    rng = Random(0)
    rows = encoding_of(of).rows([sample(of, rng) for _ in range(400)])
    values = np.random.default_rng(0).standard_normal(40)

    _, covariance = GaussianProcess(encoding_of(of), rows.take(range(40)), values).posterior(rows)

    scales = np.linalg.eigvalsh(0.5 * (covariance + covariance.T))
    assert scales.min() > -1e-8 * scales.max()
