"""The planted landscape is what it says: its truth, its noise, its failures, its costs."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.cost import bounds, costs
from itnet_nas.arch.genotype import Genotype, genotype_of, realise
from itnet_nas.arch.sample import sample
from itnet_nas.axes import AXES
from itnet_nas.results.record import TrialRecord, TrialState
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.testing.planted_landscape import PlantedLandscape

LANDSCAPE = PlantedLandscape(0)
SPACE = LANDSCAPE.space(30)


def members(count: int, seed: int = 0) -> list[Architecture]:
    """Random architectures."""
    rng = Random(seed)
    return [sample(SPACE, rng) for _ in range(count)]


def changed(architecture: Architecture, node: str, choice: int) -> Architecture:
    """The same with another choice at one node."""
    genotype = genotype_of(SPACE, architecture)
    assert genotype is not None
    choices = list(genotype.choices)
    choices[[layer.name for layer in SPACE.layers].index(node)] = choice
    return realise(SPACE, Genotype(tuple(choices), genotype.edges, genotype.counts))


def test_the_space_has_26_nodes_and_50_variables() -> None:
    params = {
        (layer.name, name)
        for layer in SPACE.layers
        for choice in layer.choices
        for name in choice.params
        if len({c.family for c in layer.choices}) > 1
    }

    assert len(SPACE.layers) == 26
    assert len(params) == 24


def test_a_node_of_a_layer_varies_the_bias_along_its_own_axis_alone() -> None:
    for layer in SPACE.layers:
        varied = {
            axis
            for axis in AXES
            if len({getattr(choice.bias, axis) for choice in layer.choices}) > 1
        }
        axis = layer.name.partition("_")[2]

        assert varied == ({axis} if axis else set())


def test_costs_span_two_decades() -> None:
    low, high = bounds(SPACE)["flops"]

    assert math.log10(high / low) == pytest.approx(2.1, abs=0.1)


def test_flops_of_the_tables_are_those_of_the_space() -> None:
    for architecture in members(20):
        row = LANDSCAPE._row(architecture)[None]

        assert LANDSCAPE._tables.flops(row)[0] == costs(SPACE, architecture)["flops"]


def test_the_same_seed_gives_the_same_landscape() -> None:
    again = PlantedLandscape(0)

    assert [again.error(a) for a in members(5)] == [LANDSCAPE.error(a) for a in members(5)]


def test_errors_are_pinned() -> None:
    """Cached figures of benchmarks belong to this landscape; another one needs new ones."""
    found = [round(LANDSCAPE.error(architecture), 6) for architecture in members(3)]

    assert found == [47.912574, 36.892025, 60.032368]


def test_another_seed_gives_another_landscape_of_another_task() -> None:
    other = PlantedLandscape(1)

    assert [other.error(a) for a in members(5)] != [LANDSCAPE.error(a) for a in members(5)]
    assert other.space(30).task != SPACE.task
    assert other.space(30).fingerprint != SPACE.fingerprint


@pytest.mark.parametrize("seed", range(3))
def test_two_thirds_of_the_variance_are_additive(seed: int) -> None:
    tables = PlantedLandscape(seed)._tables
    rows = tables.draw(4_000, np.random.default_rng(1))
    errors = tables.errors(rows)
    hot = [np.eye(size)[rows[:, node]] for node, size in enumerate(tables.sizes)]
    columns = np.hstack([*hot, np.ones((len(rows), 1))])

    weights, *_ = np.linalg.lstsq(columns, errors, rcond=None)

    assert 0.58 < 1 - ((errors - columns @ weights) ** 2).mean() / errors.var() < 0.75


def test_draws_of_the_tables_are_those_of_sample() -> None:
    drawn = LANDSCAPE._tables.draw(4_000, np.random.default_rng(0))
    sampled = np.array([LANDSCAPE._row(architecture) for architecture in members(2_000)])

    for node, size in enumerate(LANDSCAPE._tables.sizes):
        one = np.bincount(drawn[:, node], minlength=size) / len(drawn)
        other = np.bincount(sampled[:, node], minlength=size) / len(sampled)
        assert np.abs(one - other).max() < 0.06


def test_four_of_ten_random_architectures_are_fragile() -> None:
    rows = LANDSCAPE._tables.draw(10_000, np.random.default_rng(0))

    assert LANDSCAPE._tables.fragile(rows).mean() == pytest.approx(0.41, abs=0.02)


def test_fragile_architectures_fail_15_times_in_100_and_others_never() -> None:
    lost = {True: 0, False: 0}
    seen = {True: 0, False: 0}
    for architecture in members(300):
        fragile = bool(LANDSCAPE._tables.fragile(LANDSCAPE._row(architecture)[None])[0])
        for seed in range(5):
            seen[fragile] += 1
            lost[fragile] += LANDSCAPE.fails(architecture, seed)

    assert lost[False] == 0
    assert lost[True] / seen[True] == pytest.approx(0.15, abs=0.04)


def test_failures_can_be_switched_off() -> None:
    calm = PlantedLandscape(0, failures=False)

    assert not any(calm.fails(architecture, 0) for architecture in members(200))


def test_a_failed_record_has_no_figures_and_a_reason() -> None:
    failed = next(a for a in members(200) if LANDSCAPE.fails(a, 0))

    record = LANDSCAPE.record(0, failed, "test", 0)

    assert record.state is TrialState.FAILED
    assert record.objectives == {}
    assert record.error is not None


def test_noise_has_the_stated_spread_and_depends_on_the_seed_alone() -> None:
    loud = PlantedLandscape(0, noise=2.0)
    architecture = members(1)[0]

    draws = [loud.measured(architecture, seed) for seed in range(400)]

    assert np.std(draws) == pytest.approx(2.0, rel=0.15)
    assert np.mean(draws) == pytest.approx(loud.error(architecture), abs=0.4)
    assert draws[7] == loud.measured(architecture, 7)


def test_a_record_shows_the_measured_error_and_the_exact_cost() -> None:
    architecture = next(a for a in members(50) if not LANDSCAPE.fails(a, 3))

    record = LANDSCAPE.record(5, architecture, "test", 3)

    assert record.complete
    assert record.objectives == {
        "error": LANDSCAPE.measured(architecture, 3),
        "flops": costs(SPACE, architecture)["flops"],
    }
    assert (record.number, record.seed, record.proposed_by) == (5, 3, "test")


def test_importance_has_six_strong_nodes() -> None:
    shares = sorted(LANDSCAPE.true_importance().values(), reverse=True)

    assert 0.42 < sum(shares[:6]) < 0.62
    assert min(shares[:6]) > 1.5 * shares[6]
    assert 0.55 < sum(shares) < 0.75


def test_a_node_without_effect_changes_nothing() -> None:
    dead = PlantedLandscape(0, irrelevant="l3_support")

    for architecture in members(20):
        errors = {
            dead.error(changed(architecture, "l3_support", choice))
            for choice in range(len(SPACE.layer["l3_support"].choices))
        }
        assert len(errors) == 1
    assert dead.true_importance()["l3_support"] == 0.0


def test_a_node_without_effect_must_be_a_node() -> None:
    with pytest.raises(ValueError, match="no node is called 'l9_support'"):
        PlantedLandscape(0, irrelevant="l9_support")


def test_the_hypervolume_of_nothing_is_0_and_more_never_make_it_less() -> None:
    few = members(20)

    areas = [LANDSCAPE.hypervolume(few[:count]) for count in range(21)]

    assert areas[0] == 0.0
    assert all(one <= other for one, other in pairwise(areas))
    assert 0.5 < areas[-1] < 0.7


def test_the_best_front_is_far_beyond_random_ones() -> None:
    assert LANDSCAPE.area(members(200)) < 0.8 * LANDSCAPE.best_area
    assert 0.7 < LANDSCAPE.best_area < 0.9


def numbers(records: list[TrialRecord]) -> list[int]:
    """Their numbers."""
    return [record.number for record in records]


@pytest.mark.parametrize("workers", [1, 8])
def test_a_run_ends_with_every_trial_in_order_and_is_repeated_exactly(workers: int) -> None:
    records = LANDSCAPE.run(EvolutionSearcher(), 30, seed=1, workers=workers)

    assert numbers(records) == list(range(30))
    assert len({record.key for record in records}) == 30
    assert records == LANDSCAPE.run(EvolutionSearcher(), 30, seed=1, workers=workers)


def test_a_run_keeps_how_each_proposal_came_about() -> None:
    records = LANDSCAPE.run(EvolutionSearcher(), 30)

    assert {record.proposed_by for record in records} == {"random", "evolution"}


def test_random_proposals_do_not_depend_on_the_number_of_workers() -> None:
    one = LANDSCAPE.run(RandomSearcher(), 30, workers=1)

    assert one == LANDSCAPE.run(RandomSearcher(), 30, workers=8)


def test_evolution_beats_random_search() -> None:
    """The landscape can be climbed at all."""
    shares = [
        np.mean(
            [
                LANDSCAPE.area([r.architecture for r in LANDSCAPE.run(searcher, 120, seed)])
                for seed in range(3)
            ]
        )
        for searcher in (RandomSearcher(), EvolutionSearcher())
    ]

    assert shares[1] > shares[0] + 0.05
