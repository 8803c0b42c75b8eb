"""The baseline: new, feasible, and the same whatever the workers do."""

from __future__ import annotations

import pytest
from support.landscape import planted_record, planted_space, propose, run_search

from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.cost import bounds
from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import contains
from itnet_nas.results.record import TrialRecord, TrialState
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.space.space import Space

SEARCHER = RandomSearcher()


def ask_until_none(space: Space) -> list[Architecture]:
    pending: list[Architecture] = []
    while (architecture := propose(SEARCHER, space, [], pending)) is not None:
        pending.append(architecture)
    return pending


def test_no_key_is_proposed_twice() -> None:
    records = run_search(SEARCHER, planted_space(layers=2), trials=90)

    assert len({record.key for record in records}) == 90


def test_every_proposal_is_a_member_and_feasible() -> None:
    limit = sum(bounds(planted_space(layers=3))["flops"]) / 2
    space = planted_space(layers=3, constraints=[f"flops <= {limit}"])

    records = run_search(SEARCHER, space, trials=60)

    assert len(records) == 60
    assert all(contains(space, record.architecture) for record in records)
    assert all(record.objectives["flops"] <= limit for record in records)


@pytest.mark.parametrize("workers", [2, 7, 64])
def test_any_number_of_workers_is_given_the_same_proposals(workers: int) -> None:
    space = planted_space(layers=2)

    alone = run_search(SEARCHER, space, trials=80)
    together = run_search(SEARCHER, space, trials=80, workers=workers)

    assert together == alone


def test_another_seed_gives_other_proposals() -> None:
    space = planted_space()

    assert propose(SEARCHER, space, [], seed=0) != propose(SEARCHER, space, [], seed=1)


def test_a_small_space_is_searched_to_its_last_architecture() -> None:
    found = ask_until_none(planted_space(layers=2))

    assert len({architecture.key for architecture in found}) == len(found) == 100


def test_a_constrained_space_is_searched_to_its_last_feasible_architecture() -> None:
    # Three of the hundred: sizes (1, 1), (1, 2) and (2, 1) of the cheap family.
    free = planted_space(layers=2)
    limit = bounds(free)["flops"][0] + 1000
    space = planted_space(layers=2, constraints=[f"flops <= {limit}"])

    found = ask_until_none(space)

    assert len({architecture.key for architecture in found}) == len(found) == 3
    assert all(feasible(space, architecture) for architecture in found)


def test_the_few_feasible_ones_of_a_large_space_are_found() -> None:
    # All at their cheapest, or one of eight layers a size larger: 9 of 10^8.
    limit = bounds(planted_space(layers=8))["flops"][0] + 1000
    space = planted_space(layers=8, constraints=[f"flops <= {limit}"])

    found = ask_until_none(space)

    # Chains have a place for each layer, so no two of the nine are the same.
    assert len({architecture.key for architecture in found}) == len(found) == 9


@pytest.mark.parametrize("state", list(TrialState))
def test_what_was_tried_is_not_proposed_again_whatever_came_of_it(state: TrialState) -> None:
    space = planted_space(layers=1)
    records: list[TrialRecord] = []
    while (architecture := propose(SEARCHER, space, records)) is not None:
        records.append(planted_record(space, len(records), architecture, state=state))

    assert len({record.key for record in records}) == len(records) == 10
