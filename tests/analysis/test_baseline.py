"""Random search beside a search: what is compared, on which scale, and when nothing is said."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from random import Random

import pytest
from analysis.support import deep_space, quality, record, run

from itnet_nas.analysis.baseline import (
    FARTHEST,
    baseline,
    drawn_at_random,
    over_stretches,
)
from itnet_nas.analysis.hypervolume import curve, scale
from itnet_nas.analysis.pareto import nondominated_rank, signed
from itnet_nas.arch.architecture import Architecture
from itnet_nas.results.record import TrialError, TrialRecord, TrialState
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.space.spec import SearchSpec
from itnet_nas.testing.simulated import run as simulated

OF = deep_space()


def searched(drawn: int = 12, skill: int = 0) -> list[TrialRecord]:
    """40 trials: so many random ones, then some of 300 others: any of them, the best, the worst."""
    pool = run(OF, 340, seed=1)
    others = pool[40:]
    if skill:
        others = [one for one in others if one.complete]
        ranks = nondominated_rank([signed(one, OF.objectives) for one in others])
        order = sorted(range(len(others)), key=lambda place: (skill * ranks[place], place))
        others = [others[place] for place in order]
    found = []
    for number, one in enumerate([*pool[:drawn], *others[: 40 - drawn]]):
        by = "random" if number < drawn else "evolution"
        found.append(one.model_copy(update={"number": number, "proposed_by": by}))
    return found


@cache
def random_search() -> tuple[TrialRecord, ...]:
    noise = Random(2)

    def trained(number: int, architecture: Architecture, by: str, seed: int) -> TrialRecord:
        bits = quality(architecture) + noise.gauss(0, 0.02)
        one = record(OF, number, architecture, bits_per_byte=bits)
        return one.model_copy(update={"proposed_by": by})

    settings = OF.search.changed(trials=40)
    of = OF.model_copy(update={"search": settings})
    return tuple(simulated(RandomSearcher(), of, trained, seed=2))


def made(count: int = 40) -> list[TrialRecord]:
    return list(random_search()[:count])


def test_random_search_is_its_own_baseline() -> None:
    of = deep_space(search=SearchSpec(strategy="random", trials=40))

    found = baseline(of, searched())

    assert found is not None
    assert found.kind == "itself"
    assert found.search == found.hypervolume
    assert found.needed is None


def test_where_random_search_was_made_it_is_real() -> None:
    found = baseline(OF, searched(), made())

    assert found is not None
    assert (found.kind, found.drawn, found.budget) == ("real", 40, 40)
    assert found.hypervolume == pytest.approx(found.scale.hypervolume(made()))
    assert found.search == pytest.approx(found.scale.hypervolume(searched()))


def test_a_better_search_needs_fewer_trials_for_what_random_search_reached() -> None:
    trials = searched(skill=1)
    found = baseline(OF, trials, made())

    assert found is not None
    assert found.needed is not None
    assert found.needed.random == 40  # all of them, for what they reached
    reached = dict(curve(OF, trials, found.scale))
    assert found.needed.search < 40
    assert reached[found.needed.search] >= found.hypervolume > reached[found.needed.search - 1]


def test_a_worse_search_is_said_to_be_worse() -> None:
    found = baseline(OF, searched(drawn=0, skill=-1), made())

    assert found is not None
    assert found.needed is not None
    assert found.needed.random is not None
    assert found.needed.random < found.needed.search
    assert found.difference[0] < 0


def test_a_baseline_that_was_interrupted_is_compared_at_what_it_has() -> None:
    trials = searched()
    found = baseline(OF, trials, made()[:15])

    assert found is not None
    assert found.budget == 15
    assert found.search == pytest.approx(dict(curve(OF, trials, found.scale))[15])


def test_both_searches_make_the_scale() -> None:
    best = record(OF, 0, run(OF, 1)[0].architecture, bits_per_byte=-0.5)
    found = baseline(OF, searched(), [best, *made()[1:]])

    assert found is not None
    assert found.scale.ideal["bits_per_byte"] == -0.5
    assert not found.scale.fixed


def test_the_curve_of_a_real_one_is_the_mean_over_stretches() -> None:
    trials = made(6)
    on = scale(OF, trials)

    found = over_stretches(on, trials, [2, 6])

    pairs = [on.hypervolume([one, other]) for one, other in pairwise([*trials, trials[0]])]
    assert found[0] == pytest.approx(sum(pairs) / 6)
    assert found[1] == pytest.approx(on.hypervolume(trials))


def test_a_failure_is_a_trial_of_random_search() -> None:
    error = TrialError(kind="non_finite", message="nan")
    trials = made(6)
    failed = [record(OF, 6 + n, trials[0].architecture, error) for n in range(6)]
    on = scale(OF, trials)

    assert over_stretches(on, [*trials, *failed], [6])[0] < over_stretches(on, trials, [6])[0]


def test_a_real_one_lies_within_the_band_of_the_model() -> None:
    found = baseline(OF, searched(), made())

    assert found is not None
    assert found.interval is not None
    assert found.interval[0] < found.hypervolume < found.interval[1]
    assert [count for count, _, _ in found.band] == [count for count, _ in found.curve]
    least, most = found.difference[1] or (0.0, 0.0)
    assert least < found.difference[0] < most


def test_without_a_real_one_it_is_estimated_from_what_was_drawn() -> None:
    found = baseline(OF, searched(skill=1))

    assert found is not None
    assert (found.kind, found.drawn, found.budget) == ("estimated", 12, 40)
    assert found.interval is not None
    assert found.interval[0] < found.hypervolume < found.interval[1]


def test_nothing_is_said_beyond_ten_times_what_was_drawn() -> None:
    trials = searched(drawn=5)
    # As good as none is, and as cheap: nothing that is drawn at random comes near.
    cheapest = min((one for one in trials if one.complete), key=lambda one: one.objectives["flops"])
    best = cheapest.model_copy(update={"objectives": {"bits_per_byte": 0.0, "flops": 1.0}})
    found = baseline(OF, [best if one is cheapest else one for one in trials])

    assert found is not None
    assert found.needed is not None
    assert found.needed.known == FARTHEST * 5 == found.curve[-1][0]
    assert found.needed.random is None
    assert found.needed.interval == (None, None)


def test_the_estimate_says_how_many_trials_random_search_would_need() -> None:
    found = baseline(OF, searched())

    assert found is not None
    assert found.needed is not None
    assert found.needed.random is not None
    assert found.needed.interval is not None
    least, most = found.needed.interval
    assert least is not None
    assert least <= found.needed.random
    assert most is None or most >= found.needed.random


@pytest.mark.parametrize("drawn", [0, 3])
def test_few_random_trials_say_nothing(drawn: int) -> None:
    assert baseline(OF, searched(drawn=drawn)) is None


def test_a_run_without_a_complete_trial_has_no_baseline() -> None:
    assert baseline(OF, run(OF, 20, failing=1.0)) is None
    assert baseline(OF, []) is None


def test_only_trials_of_this_run_that_were_trained_in_full_are_fair_draws() -> None:
    first, second, third, fourth = run(OF, 4, failing=0.0)
    trials = [
        first,
        second.model_copy(update={"imported": "runs/other"}),
        third.model_copy(update={"state": TrialState.STOPPED}),
        fourth.model_copy(update={"proposed_by": "evolution"}),
    ]

    assert drawn_at_random(trials) == [first]


def test_a_baseline_is_plain_values_for_a_program() -> None:
    found = baseline(OF, searched(skill=1), made())

    assert found is not None
    data = found.as_json()
    assert list(data) == [
        *("kind", "trials", "drawn", "search", "hypervolume", "interval", "needed"),
    ]
    assert list(data["needed"]) == ["level", "search", "random", "interval", "known"]
    assert data["kind"] == "real"
