"""Random searches that were never made: what is drawn for them, and how well they predict."""

from __future__ import annotations

import numpy as np
import pytest
from analysis.support import deep_space, record, run, space
from support.benchmark import benchmark as load

from itnet_nas.analysis.hypervolume import scale
from itnet_nas.analysis.random_model import random_model
from itnet_nas.analysis.volumes import volumes
from itnet_nas.results.record import TrialError
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.space.space import Objective, Space
from itnet_nas.testing.planted_landscape import PlantedLandscape
from itnet_nas.testing.simulated import run as simulated

benchmark = load("random_search")

OF = deep_space()
TRIALS = run(OF, 30)
ON = scale(OF, TRIALS)


def test_a_simulated_search_never_loses_what_it_found() -> None:
    model = random_model(OF, TRIALS, TRIALS, ON, [1, 2, 5, 20, 60])

    assert model is not None
    assert (np.diff(model.V_KC, axis=1) > -1e-12).all()
    assert ((model.V_KC >= 0) & (model.V_KC <= 1)).all()


def test_the_mean_lies_within_the_band() -> None:
    model = random_model(OF, TRIALS, TRIALS, ON, [5, 40])

    assert model is not None
    low, high = model.band
    assert (low < model.mean).all()
    assert (model.mean < high).all()


def test_the_same_run_gives_the_same_model() -> None:
    one, other = (random_model(OF, TRIALS, TRIALS, ON, [10]) for _ in range(2))

    assert one is not None
    assert other is not None
    assert (one.V_KC == other.V_KC).all()


def test_failures_are_trials_that_leave_nothing() -> None:
    error = TrialError(kind="non_finite", message="nan")
    deep = deep_space(4)
    layers = tuple(layer.model_copy(update={"optional": False}) for layer in deep.layers)
    of = Space.model_validate(deep.model_dump() | {"layers": layers})
    trials = run(of, 30)
    on = scale(of, trials)
    half = [record(of, n, t.architecture, error) if n % 2 else t for n, t in enumerate(trials)]
    whole = random_model(of, trials, trials, on, [10])
    failing = random_model(of, trials, half, on, [10, 20])

    assert whole is not None
    assert failing is not None
    assert failing.mean[0] < whole.mean[0]
    assert failing.mean[1] == pytest.approx(whole.mean[0], abs=0.03)


def test_a_space_that_is_used_up_gives_nothing_more() -> None:
    small = space()
    trials = run(small, 20, failing=0.0)
    model = random_model(small, trials, trials, scale(small, trials), [25, 200])

    assert model is not None
    assert (model.V_KC[:, 0] == model.V_KC[:, 1]).all()  # 25 architectures are all there are


def test_a_cost_that_is_measured_is_modelled_too() -> None:
    timed = deep_space(objectives=(OF.objectives[0], Objective(name="latency_ms", direction="min")))
    trials = run(timed, 30)
    model = random_model(timed, trials, trials, scale(timed, trials), [10])

    assert model is not None
    assert 0 < model.mean[0] < 1


def test_three_objectives_are_no_obstacle() -> None:
    three = deep_space(objectives=(*OF.objectives, Objective(name="params", direction="min")))
    trials = run(three, 30)
    model = random_model(three, trials, trials, scale(three, trials), [10])

    assert model is not None
    assert 0 < model.mean[0] < 1


def test_seven_complete_trials_are_too_few() -> None:
    assert random_model(OF, TRIALS[:7], TRIALS[:7], ON, [10]) is None


def test_members_that_are_hardly_ever_feasible_are_not_simulated() -> None:
    narrow = deep_space(constraints=("flops <= 7.1e6",))
    trials = run(OF, 30)

    assert random_model(narrow, trials, trials, scale(narrow, trials), [400]) is None


def test_what_is_drawn_meets_the_constraints() -> None:
    bound = 0.6 * max(one.objectives["flops"] for one in TRIALS if one.complete)
    narrow = deep_space(constraints=(f"flops <= {bound}",))
    free = random_model(OF, TRIALS, TRIALS, ON, [30])
    bounded = random_model(narrow, TRIALS, TRIALS, ON, [30])

    assert free is not None
    assert bounded is not None
    assert bounded.mean[0] != free.mean[0]


def test_a_record_that_is_no_member_any_more_is_left_out() -> None:
    small = space()
    trials = run(small, 20, failing=0.0)

    assert random_model(small, [*trials, *TRIALS], trials, scale(small, trials), [5]) is not None


@pytest.mark.slow
def test_forty_trials_predict_random_search_where_resampling_twenty_does_not() -> None:
    counts = (100, 200)
    modelled, resampled = [], []
    for seed in range(4):
        landscape = PlantedLandscape(seed)
        of = landscape.space(100)
        trials = simulated(EvolutionSearcher(), of, landscape.record, seed)[:40]
        drawn = [one for one in trials if one.proposed_by == "random"]
        on = scale(of, trials)
        real = benchmark.random_searches(landscape, on, 40, 200, seed)
        truth = volumes(real, counts).mean(axis=0)
        again = benchmark.resampled(benchmark.points(on, drawn), counts).mean(axis=0)
        model = random_model(of, trials, drawn, on, counts)
        assert model is not None
        modelled.append(np.abs(model.mean - truth))
        resampled.append(np.abs(again - truth))

    assert np.mean(modelled) < 0.04
    assert np.mean(modelled) < 0.6 * np.mean(resampled)
