"""The strategies that `search.strategy` and `--strategy` can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.errors import UsageError, did_you_mean
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.search.optuna_bridge import (
    Nsga2Searcher,
    OptunaSearcher,
    TpeSearcher,
    require_optuna,
)
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.surrogate_search import SurrogateSearcher

if TYPE_CHECKING:
    from itnet_nas.search.searcher import Searcher

STRATEGIES: dict[str, Searcher] = {
    searcher.name: searcher
    for searcher in (
        SurrogateSearcher(),
        EvolutionSearcher(),
        RandomSearcher(),
        TpeSearcher(),
        Nsga2Searcher(),
    )
}


def strategy(name: str) -> Searcher:
    """The strategy of that name.

    Raises UsageError with the names there are, EnvironmentProblem where a package is missing.
    """
    if name not in STRATEGIES:
        parts = [f'no strategy is called "{name}"', did_you_mean(name, STRATEGIES)]
        text = "; ".join(part for part in parts if part)
        raise UsageError(f"{text}. Strategies: {', '.join(STRATEGIES)}.")
    found = STRATEGIES[name]
    if isinstance(found, OptunaSearcher):
        require_optuna()
    return found
