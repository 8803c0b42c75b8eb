"""A family that joins a search in its middle is tried soon, and nothing is tried twice."""

from __future__ import annotations

from random import Random

import pytest
from support.landscape import planted_record, planted_space, run_search

from itnet_nas.arch.sample import sample
from itnet_nas.results.record import TrialRecord
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.search.newcomer import newcomer
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.searcher import Searcher
from itnet_nas.space.space import Space

WITHIN = 4  # proposals


def wider(space: Space, *families: str, layers: int | None = None) -> Space:
    """The space with more families, each as dear as the cheap one, at its first layers."""
    left = [choice for choice in space.layers[0].choices if choice.family == "left"]
    more = tuple(one.model_copy(update={"family": family}) for family in families for one in left)
    joined = tuple(
        layer.model_copy(update={"choices": layer.choices + more})
        if layers is None or place < layers
        else layer
        for place, layer in enumerate(space.layers)
    )
    origins = {**space.kernel_origins, **dict.fromkeys(families, space.kernel_origins["left"])}
    fields = {name: getattr(space, name) for name in Space.model_fields}
    return Space(**{**fields, "layers": joined, "kernel_origins": origins})


def has(record: TrialRecord, family: str) -> bool:
    return any(layer.family == family for layer in record.architecture.layers)


@pytest.mark.parametrize("layers", [1, 2, 8])
@pytest.mark.parametrize(
    "searcher", [RandomSearcher(), EvolutionSearcher()], ids=["random", "evolution"]
)
def test_a_new_family_is_tried_soon_and_no_key_twice(searcher: Searcher, layers: int) -> None:
    for seed in range(5):
        space = planted_space(layers=layers, trials=20)
        records = run_search(searcher, space, trials=min(20, 8 * layers), seed=seed)
        before = len(records)
        extended = wider(space, "late")
        for number in range(before, before + WITHIN):
            proposal = searcher.ask(extended, records, [], Random(f"{seed}:{number}"))
            assert proposal is not None
            records.append(planted_record(extended, number, proposal.architecture, seed))

        assert any(has(record, "late") for record in records[before:])
        assert len({record.key for record in records}) == len(records)


def test_several_families_that_join_are_each_tried_by_evolution_at_once() -> None:
    names = [f"late{index}" for index in range(6)]
    space = planted_space(layers=3, trials=20)
    records = run_search(EvolutionSearcher(), space, trials=10)
    extended = wider(space, *names)

    pending = []
    for number in range(10, 16):
        proposal = EvolutionSearcher().ask(extended, records, pending, Random(number))
        assert proposal is not None
        pending.append(proposal.architecture)

    found = {layer.family for one in pending for layer in one.layers}
    assert found >= set(names)


def test_where_every_family_was_tried_nothing_is_drawn() -> None:
    space = planted_space(layers=3)
    records = run_search(RandomSearcher(), space, trials=10)
    tried = [record.architecture for record in records]
    rng = Random(0)
    state = rng.getstate()

    assert newcomer(space, tried, tried, set(), rng) is None
    assert rng.getstate() == state


def test_a_family_at_one_layer_alone_is_found() -> None:
    space = planted_space(layers=6)
    parent = sample(space, Random(0))

    found = newcomer(wider(space, "late", layers=1), [parent], [parent], {parent.key}, Random(1))

    assert found is not None
    assert [layer.family == "late" for layer in found.layers] == [True, *[False] * 5]


def test_a_family_that_no_feasible_neighbour_has_is_passed_over() -> None:
    space = planted_space(layers=2)
    parent = sample(space, Random(0))
    limited = wider(space, "late").model_dump()
    limited["constraints"] = ("flops <= 1",)

    assert newcomer(Space(**limited), [parent], [parent], set(), Random(0)) is None
