from __future__ import annotations

from random import Random

import numpy as np
import pytest
from analysis.support import deep_space, quality, record, run, space

from itnet_nas.analysis.attributed import Attribution
from itnet_nas.analysis.attribution import COVERS, MOST, RANDOM, _fitted, attribution
from itnet_nas.analysis.attribution_rows import attribution_frame, attribution_json
from itnet_nas.arch.sample import sample
from itnet_nas.results.record import TrialRecord
from itnet_nas.search.searcher import RANDOM as RANDOM_OF_SEARCHERS
from itnet_nas.space.space import Layer, Objective, Space
from itnet_nas.testing.planted_landscape import PlantedLandscape


def drawn(
    landscape: PlantedLandscape, trials: int, seed: int = 0
) -> tuple[Space, list[TrialRecord]]:
    of, rng = landscape.space(trials), Random(seed)
    return of, [
        landscape.record(number, sample(of, rng), RANDOM, number) for number in range(trials)
    ]


@pytest.fixture(scope="module")
def planted() -> Attribution:
    return attribution(*drawn(PlantedLandscape(3, irrelevant="l6_sharing"), 100))


def test_searchers_and_attribution_call_random_draws_the_same() -> None:
    assert RANDOM == RANDOM_OF_SEARCHERS


def test_what_matters_most_in_a_run_of_known_gains_is_found() -> None:
    of = space()

    found = attribution(of, run(of, 25, failing=0))

    first = next(group for group in found.groups if group.place == "local")
    effects = {one.option: one for one in first.effects}
    assert effects["identity"].resolved
    assert effects["identity"].value > 0 > effects["gru"].value
    assert {place.place: place.resolved for place in found.places}["local"]


def test_effects_of_the_true_quality_lie_in_their_intervals() -> None:
    of = space()
    rng = Random(1)
    every = [sample(of, rng) for _ in range(4000)]
    values = np.array([quality(one) for one in every])
    family = np.array([one.layers[0].family for one in every])

    found = attribution(of, run(of, 25, failing=0))

    effects = found.groups[0].effects
    truth = {one.option: values[family == one.option].mean() - values.mean() for one in effects}
    assert sum(one.low <= truth[one.option] <= one.high for one in effects) >= 3


def test_effects_of_a_quality_that_shall_be_large_are_in_its_own_direction() -> None:
    turned = (Objective(name="accuracy", direction="max"), space().objectives[1])
    of = space(objectives=turned)

    found = attribution(of, run(of, 25, failing=0))

    effects = {one.option: one for one in found.groups[0].effects}
    assert effects["identity"].value < 0 < effects["gru"].value
    assert all(one.low <= one.value <= one.high for one in effects.values())


def test_few_trials_resolve_nothing_and_say_so() -> None:
    of = space()

    found = attribution(of, run(of, 9, failing=0))

    assert found.reason == "9 complete trials, at least 10 are needed"
    assert (found.groups, found.places, found.pairs) == ((), (), ())


def test_a_space_without_choices_has_nothing_to_matter() -> None:
    only = tuple(Layer(name=layer.name, choices=layer.choices[:1]) for layer in space().layers)
    of = space(layers=only)

    found = attribution(of, run(of, 12, failing=0))

    assert found.reason == "the space leaves nothing to decide"


def test_noise_alone_resolves_nothing() -> None:
    of = deep_space()
    rng = Random(5)
    records = [
        record(of, number, sample(of, rng), bits_per_byte=rng.gauss(3, 1)) for number in range(40)
    ]

    found = attribution(of, records)

    assert found.r2 < 0.3
    assert found.reason == (
        f"the {found.surrogate} foretells trials that it has not seen with an R² of "
        f"{found.r2:.2f}, at least 0.3 is needed"
    )
    assert not any(group.resolved for group in found.groups)
    assert not any(place.resolved for place in found.places)
    assert not any(pair.resolved for pair in found.pairs)


def test_equal_figures_resolve_nothing() -> None:
    of = space()
    rng = Random(5)
    records = [record(of, n, sample(of, rng), bits_per_byte=3.0) for n in range(20)]

    found = attribution(of, records)

    assert not any(group.resolved for group in found.groups)


def test_the_same_records_give_the_same_answer_in_any_order() -> None:
    of = space()
    records = run(of, 25)

    assert attribution(of, records) == attribution(of, records[::-1])


def test_failures_are_counted_beside_what_is_complete() -> None:
    of = space()
    records = run(of, 25, failing=0.3)

    found = attribution(of, records)

    family = found.groups[0].effects
    failed = [r for r in records if r.error is not None]
    assert found.failed == len(failed) > 0
    assert sum(one.failed for one in family) == found.failed
    assert sum(one.complete for one in family) == found.complete == len(records) - len(failed)


def test_of_many_trials_the_random_ones_are_fitted_first() -> None:
    of = deep_space(2)
    records = [
        one.model_copy(update={"proposed_by": RANDOM if number % 4 == 0 else "evolution"})
        for number, one in enumerate(run(of, 500, failing=0))
    ]

    kept = _fitted(records)

    assert len(kept) == MOST
    assert sum(one.proposed_by == RANDOM for one in kept) == 125
    assert [one.number for one in kept] == sorted({one.number for one in kept})


def test_trials_of_another_space_are_left_out() -> None:
    of = space()
    strangers = [
        one.model_copy(update={"number": 100 + one.number}) for one in run(deep_space(), 5)
    ]

    assert attribution(of, [*run(of, 20, failing=0), *strangers]).complete == 20


def test_few_random_trials_are_said_to_lean_on_the_strategy() -> None:
    of = deep_space()

    found = attribution(of, run(of, 30, failing=0))

    assert found.random == 8
    assert found.leans == (
        "8 trials of 30 drawn at random, fewer than 20: the effects lean on what the strategy "
        "chose to try"
    )


def test_enough_random_trials_lean_on_nothing(planted: Attribution) -> None:
    assert planted.random == planted.complete >= 80
    assert planted.leans == ""


def test_a_layer_planted_as_irrelevant_is_not_resolved(planted: Attribution) -> None:
    (group,) = (group for group in planted.groups if group.place == "l6_sharing")
    assert group.reason == COVERS
    assert not group.resolved
    (place,) = (place for place in planted.places if place.place == "l6_sharing")
    assert not place.resolved
    assert sum(place.resolved for place in planted.places) >= 4


def test_shares_stand_within_their_intervals(planted: Attribution) -> None:
    inside = [one.share_low <= one.share <= one.share_high for one in planted.places]
    assert sum(inside) >= 0.9 * len(inside)
    assert sum(one.share for one in planted.places) <= 1.05
    assert 0 < planted.explained <= 1


def test_rows_have_one_line_per_option_and_json_has_all_of_it() -> None:
    of = space()
    found = attribution(of, run(of, 25))

    frame, plain = attribution_frame(found), attribution_json(found)

    assert len(frame) == sum(len(group.effects) for group in found.groups)
    assert list(frame.columns) == [
        "place", "of", "option", "probability", "effect", "effect_low", "effect_high", "share",
        "share_low", "share_high", "resolved", "reason", "complete", "failed", "on_front", "front",
        "front_low", "front_high",
    ]  # fmt: skip
    assert plain["groups"][0]["effects"][0]["option"] == "identity"
    assert plain["leans"] == found.leans


@pytest.mark.slow
def test_the_six_most_important_nodes_are_found_three_times_as_often_as_by_chance() -> None:
    recalls = []
    for seed in range(12):
        landscape = PlantedLandscape(seed)
        truth = landscape.true_importance()
        found = attribution(*drawn(landscape, 100, 100 + seed))
        shares = {one.place: one.share for one in found.places}
        top = [set(sorted(of, key=of.__getitem__)[-6:]) for of in (truth, shares)]
        recalls.append(len(top[0] & top[1]) / 6)

    assert np.mean(recalls) >= 3 * 6 / 26
