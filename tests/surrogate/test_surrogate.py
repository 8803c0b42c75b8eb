from __future__ import annotations

from random import Random

import numpy as np
import pytest
from analysis.support import deep_space, quality
from support.landscape import planted_space

from itnet_nas.arch.sample import sample
from itnet_nas.surrogate import fit

DEEP = deep_space(4)
KNOWN = [sample(DEEP, Random(seed)) for seed in range(60)]
QUALITY = np.array([quality(one) for one in KNOWN])
UNSEEN = [sample(DEEP, Random(seed)) for seed in range(1000, 1100)]
TRUTH = np.array([quality(one) for one in UNSEEN])


def test_few_observations_get_the_linear_model() -> None:
    assert fit(DEEP, KNOWN[:9], QUALITY[:9]).name == "linear model"


def test_what_works_together_gets_the_gaussian_process() -> None:
    """A parity of two layers: neither says anything by itself."""
    chains = planted_space(4)
    known = [sample(chains, Random(seed)) for seed in range(80)]
    signs = [[2.0 * (layer.family == "left") - 1 for layer in one.layers[:2]] for one in known]

    found = fit(chains, known, [a * b for a, b in signs])

    assert found.name == "Gaussian process"
    assert found.loo_r2 > 0.3


def test_it_says_in_a_line_what_it_is() -> None:
    found = fit(DEEP, KNOWN, QUALITY)

    assert str(found) == f"{found.name}, leave-one-out R² {found.loo_r2:.2f} on 60 trials"


def test_its_left_out_share_is_that_of_architectures_it_has_not_seen() -> None:
    noisy = QUALITY + np.random.default_rng(0).normal(0, QUALITY.std(), len(KNOWN))
    found = fit(DEEP, KNOWN, noisy)
    mean, _ = found.predict(UNSEEN)

    share = 1 - ((mean - TRUTH) ** 2).mean() / (TRUTH.var() + QUALITY.var())

    # Of noisy observations no more than half can be explained.
    assert found.loo_r2 < 0.65
    assert share > found.loo_r2 - 0.3


def test_values_that_are_all_alike_are_expected_everywhere() -> None:
    mean, _ = fit(DEEP, KNOWN, np.full(60, 2.5)).predict(UNSEEN)

    assert mean == pytest.approx(np.full(100, 2.5))


def test_what_is_believed_leaves_its_mean_and_takes_the_doubt_away() -> None:
    found = fit(DEEP, KNOWN[:30], QUALITY[:30])
    before, doubt = found.predict(UNSEEN[:1])

    after, less = found.believing(UNSEEN[:1] * 3).predict(UNSEEN[:1])

    assert after == pytest.approx(before, abs=0.05 * QUALITY.std())
    assert less < doubt


def test_a_related_task_helps_from_the_first_observations_on() -> None:
    told = (UNSEEN, 3.0 * TRUTH + np.random.default_rng(0).normal(0, TRUTH.std(), 100))
    alone, informed = fit(DEEP, KNOWN[:8], QUALITY[:8]), fit(DEEP, KNOWN[:8], QUALITY[:8], [told])
    rest, truth = KNOWN[8:], QUALITY[8:]

    errors = [((one.predict(rest)[0] - truth) ** 2).mean() for one in (alone, informed)]

    assert errors[1] < 0.6 * errors[0]


def test_a_task_that_has_nothing_to_do_with_this_one_does_little_harm() -> None:
    told = (UNSEEN, np.random.default_rng(1).normal(size=100))
    alone, informed = (
        fit(DEEP, KNOWN[:30], QUALITY[:30]),
        fit(DEEP, KNOWN[:30], QUALITY[:30], [told]),
    )
    rest, truth = KNOWN[30:], QUALITY[30:]

    errors = [((one.predict(rest)[0] - truth) ** 2).mean() for one in (alone, informed)]

    assert errors[1] < errors[0] + 0.1 * truth.var()


def test_a_stranger_is_refused() -> None:
    with pytest.raises(KeyError, match="not a member of the space"):
        fit(DEEP, [sample(planted_space(4), Random(0))], [1.0])


def test_nothing_to_go_by_is_refused() -> None:
    with pytest.raises(ValueError, match="a surrogate needs an observation"):
        fit(DEEP, [], [])
