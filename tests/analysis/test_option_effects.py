from __future__ import annotations

import numpy as np
import pytest
from analysis.support import space
from support.known_model import KnownModel

from itnet_nas.analysis.matched_draws import MatchedDraws
from itnet_nas.analysis.option_effects import (
    measure,
    measure_whole,
    total_variance,
    variance_of,
    variances_by,
)
from itnet_nas.analysis.option_groups import groups_of

VALUES = {"local": {"identity": 4.0, "conv": 1.0, "attention": 3.0, "gru": 0.0}}


def test_effects_are_differences_from_the_mean_of_the_space() -> None:
    of = space()
    family, support, *_ = groups_of(of)
    model, draws = KnownModel(of, VALUES), MatchedDraws(of, 50)

    by_family, by_support = measure(model, draws, family), measure(model, draws, support)

    assert by_family is not None
    assert by_family.effect == pytest.approx([2.0, -1.0, 1.0, -2.0])
    assert by_family.variance == pytest.approx(2.5)
    assert by_support is not None
    # full stands for attention and gru together: (3 + 0) / 2 - 2, but for the draws
    assert by_support.effect[:2].tolist() == pytest.approx([2.0, -1.0], abs=0.3)
    assert by_support.effect[2] == pytest.approx(-0.5, abs=0.3)


def test_the_deviation_is_that_of_the_linear_functional() -> None:
    of = space()
    model, draws = KnownModel(of, VALUES, spread=0.5), MatchedDraws(of, 50)
    family = groups_of(of)[0]

    found = measure(model, draws, family)

    assert found is not None
    weighed = found.columns - found.columns.mean(axis=0)
    assert found.sd == pytest.approx(0.5 * np.sqrt((weighed**2).sum(axis=1)), rel=1e-9)


def test_a_layer_without_any_effect_has_no_variance() -> None:
    of = space()
    model, draws = KnownModel(of, VALUES), MatchedDraws(of, 50)
    memory = next(group for group in groups_of(of) if group.place == "memory")

    found = measure(model, draws, memory)

    assert found is not None
    assert found.effect == pytest.approx(np.zeros(5))
    assert found.variance == pytest.approx(0.0, abs=1e-12)


def test_all_choices_of_a_layer_have_the_variance_of_its_families_where_params_do_nothing() -> None:
    of = space()
    model, draws = KnownModel(of, VALUES), MatchedDraws(of, 50)
    family = groups_of(of)[0]

    found = measure_whole(model, draws, family.decision)

    assert found is not None
    assert len(found.effect) == 5
    assert found.variance == pytest.approx(2.5)


def test_what_bases_add_by_chance_is_taken_off() -> None:
    values = np.random.default_rng(0).standard_normal((200, 3))
    weights = np.full(3, 1 / 3)

    raw = float(weights @ (values.mean(axis=0) - values.mean()) ** 2)

    assert variance_of(values, weights) < raw
    assert variance_of(values, weights) < 0.005


def test_the_whole_variance_has_what_is_not_known_yet() -> None:
    of = space()
    draws = MatchedDraws(of, 500)

    sure, explained = total_variance(KnownModel(of, VALUES), draws)
    unsure, same = total_variance(KnownModel(of, VALUES, spread=0.5), draws)

    assert sure == pytest.approx(explained)
    assert explained == same == pytest.approx(2.5, rel=0.15)
    assert unsure > sure + 0.1


def test_a_linear_model_says_its_variances_from_mean_columns() -> None:
    of = space()
    model, draws = KnownModel(of, VALUES), MatchedDraws(of, 50)
    measured = [found for group in groups_of(of) if (found := measure(model, draws, group))]

    again = variances_by(model, measured)

    assert again == pytest.approx([float(m.probabilities @ m.effect**2) for m in measured])
