"""Records of another task among those of a search: told beforehand, and no results."""

from __future__ import annotations

from random import Random

import pytest
from support.landscape import planted_space, propose, run_search

from itnet_nas.results.record import TrialRecord
from itnet_nas.search.drawing import known_keys
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.search.priors import split
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.searcher import Searcher
from itnet_nas.space.space import TaskChoice

SPACE = planted_space(layers=2)
STRATEGIES = pytest.mark.parametrize(
    "searcher", [RandomSearcher(), EvolutionSearcher()], ids=["random", "evolution"]
)


def told(records: list[TrialRecord], **elsewhere: object) -> list[TrialRecord]:
    """The same records, of another task or of other data."""
    changes = elsewhere or {"data": "other"}
    return [record.model_copy(update=changes) for record in records]


def test_records_of_other_data_or_of_another_task_are_priors() -> None:
    record = run_search(RandomSearcher(), SPACE, trials=1)[0]
    (other_data,) = told([record])
    (other_params,) = told([record], task=TaskChoice(name="made_up", params={"length": 9}))

    results, priors = split(SPACE, [other_data, record, other_params])

    assert results == [record]
    assert priors == [other_data, other_params]


def test_a_key_that_was_tried_on_another_task_is_not_known() -> None:
    here = run_search(RandomSearcher(), SPACE, trials=3)
    there = run_search(RandomSearcher(), SPACE, trials=20, seed=1)

    known = known_keys(SPACE, [*told(there), *here], [])

    assert known == {record.key for record in here}


@STRATEGIES
def test_what_was_found_on_another_task_changes_no_proposal(searcher: Searcher) -> None:
    priors = told(run_search(RandomSearcher(), SPACE, trials=40, seed=1))
    records = run_search(searcher, SPACE, trials=40)

    for number in range(40):
        alone = searcher.ask(SPACE, records[:number], [], Random(number))
        with_priors = searcher.ask(SPACE, [*priors, *records[:number]], [], Random(number))
        assert alone == with_priors


@STRATEGIES
def test_a_space_that_was_searched_on_another_task_is_searched_again(searcher: Searcher) -> None:
    space = planted_space(layers=1)
    priors = told(run_search(RandomSearcher(), space, trials=10))

    assert len(priors) == 10
    assert propose(searcher, space, priors) is not None
    assert propose(searcher, space, told(priors, data=space.facts.data)) is None
