"""Every strategy holds the contract of strategies."""

from __future__ import annotations

from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.testing.searcher_contract import SearcherContract


class TestRandom(SearcherContract):
    searcher = RandomSearcher()


class TestEvolution(SearcherContract):
    searcher = EvolutionSearcher()
