"""Strategies by name."""

from __future__ import annotations

from typing import get_args

import pytest

from itnet_nas.errors import UsageError
from itnet_nas.search.strategies import STRATEGIES, strategy
from itnet_nas.space.spec import SearchSpec


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_is_found_by_its_name(name: str) -> None:
    if name.startswith("optuna"):
        pytest.importorskip("optuna", reason="the package optuna is not installed")

    assert strategy(name).name == name


def test_what_a_file_may_name_is_what_there_is() -> None:
    assert set(get_args(SearchSpec.model_fields["strategy"].annotation)) == set(STRATEGIES)


def test_an_unknown_strategy_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        strategy("evolutoin")

    assert str(caught.value) == (
        'no strategy is called "evolutoin"; did you mean "evolution"?. '
        "Strategies: surrogate, evolution, random, optuna_tpe, optuna_nsga2."
    )
