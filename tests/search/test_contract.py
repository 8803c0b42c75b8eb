"""Every strategy holds the contract of strategies."""

from __future__ import annotations

import importlib.util

import pytest

from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.search.optuna_bridge import Nsga2Searcher, TpeSearcher
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.surrogate_search import SurrogateSearcher
from itnet_nas.testing.searcher_contract import SearcherContract

OPTUNA = pytest.mark.skipif(
    importlib.util.find_spec("optuna") is None, reason="the package optuna is not installed"
)


class TestRandom(SearcherContract):
    searcher = RandomSearcher()


class TestEvolution(SearcherContract):
    searcher = EvolutionSearcher()


@pytest.mark.slow
class TestSurrogate(SearcherContract):
    searcher = SurrogateSearcher()


@OPTUNA
@pytest.mark.slow
class TestOptunaTpe(SearcherContract):
    searcher = TpeSearcher()


@OPTUNA
@pytest.mark.slow
class TestOptunaNsga2(SearcherContract):
    searcher = Nsga2Searcher()
