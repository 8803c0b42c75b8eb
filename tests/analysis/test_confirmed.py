"""What fresh seeds say of the front."""

from __future__ import annotations

import json
import math
from random import Random
from statistics import mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.confirmed import FAILURE, SPACE, again, confirmed, trials

from itnet_nas.analysis.confirmed import (
    OWN,
    Confirmation,
    Mean,
    confirmation,
    nondominated_probability,
)
from itnet_nas.analysis.finalists import Noise
from itnet_nas.analysis.significance import interval
from itnet_nas.results.record import TrialRecord
from itnet_nas.space.space import Objective


def found(records: list[TrialRecord] | None = None, left: int = 0) -> Confirmation:
    made = confirmation(SPACE, trials(), confirmed() if records is None else records, left)
    assert made is not None
    return made


def test_nothing_trained_again_is_no_confirmation() -> None:
    assert confirmation(SPACE, trials(), []) is None


def test_the_front_comes_first_cheapest_first_and_the_other_finalists_after_it() -> None:
    members = found().members

    assert [(one.trial, one.on_front) for one in members] == [
        (0, True),
        (1, True),
        (2, True),
        (3, False),
    ]


def test_figures_are_those_of_the_fresh_seeds_with_a_t_interval() -> None:
    one = found().members[1]

    low, high = interval([0.46, 0.48, 0.50])
    assert one.fresh == Mean(0.48, 3, pytest.approx(0.02), low, high)
    assert one.search == 0.40


def test_the_test_split_has_figures_of_its_own() -> None:
    one = found().members[0]

    assert one.test is not None
    assert one.test.mean == pytest.approx(0.55)
    assert one.test.n == 3


def test_without_a_test_split_there_are_none() -> None:
    assert found([again(0, [0.5, 0.6])]).members[0].test is None


def test_optimism_is_over_the_front_alone_and_positive_where_the_search_saw_too_much_good() -> None:
    optimism = found().optimism

    gaps = [0.52 - 0.50, 0.48 - 0.40, 0.24 - 0.20]
    low, high = interval(gaps)
    assert optimism is not None
    assert optimism.mean == pytest.approx(mean(gaps))
    assert (optimism.low, optimism.high) == (pytest.approx(low), pytest.approx(high))


def test_optimism_of_an_accuracy_has_the_same_sign() -> None:
    space = SPACE.model_copy(
        update={"objectives": (Objective(name="error", direction="max"), SPACE.objectives[1])}
    )
    made = confirmation(space, trials(), [again(0, [0.4, 0.4])])

    assert made is not None
    assert made.optimism is not None
    assert made.optimism.mean == pytest.approx(0.1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=8, max_size=8))
def test_what_fresh_seeds_say_changes_neither_the_front_nor_its_order(errors: list[float]) -> None:
    records = [again(place, errors[2 * place : 2 * place + 2]) for place in range(4)]

    members = found(records).members

    assert [(one.trial, one.on_front) for one in members] == [
        (0, True),
        (1, True),
        (2, True),
        (3, False),
    ]


def test_a_member_of_the_front_that_was_not_trained_again_is_listed_without_figures() -> None:
    members = found([again(0, [0.5, 0.6])]).members

    assert [one.trial for one in members] == [0, 1, 2]
    assert members[1].fresh is None
    assert members[1].nondominated is None
    assert members[1].band is None


def test_a_training_that_failed_is_told_with_its_reason() -> None:
    members = found([again(0, [0.5, 0.6]), again(1, [0.4], failure=FAILURE)]).members

    assert members[1].failed == "non_finite: the loss was nan"
    assert members[1].fresh is None


def test_the_noise_is_pooled_over_the_members() -> None:
    noise = found().noise

    assert noise is not None
    assert noise.sd == pytest.approx(0.02)
    assert noise.freedom == 8


def test_rounds_are_taken_together_and_each_is_a_read_of_the_test_split() -> None:
    second = [again(0, [0.58, 0.60], [0.6, 0.6], number=9, round_=2)]

    made = found([*confirmed(), *second])

    assert made.reads == 2
    assert made.members[0].fresh is not None
    assert made.members[0].fresh.n == 5


def test_records_of_single_seeds_read_as_one_of_several() -> None:
    single = [
        again(0, [error], number=place).model_copy(
            update={"replicates": (), "figures": {"test_error": error + 0.1}}
        )
        for place, error in enumerate([0.50, 0.52, 0.54])
    ]

    one = found(single).members[0]

    assert one.fresh is not None
    assert one.test is not None
    assert (one.fresh.mean, one.fresh.n) == (pytest.approx(0.52), 3)
    assert one.test.mean == pytest.approx(0.62)


def test_a_cost_that_is_computed_is_what_the_search_has() -> None:
    assert [one.costs["flops"] for one in found().members] == [200.0, 300.0, 600.0, 400.0]


def test_a_cost_that_was_measured_afresh_is_the_fresh_mean() -> None:
    assert found([again(0, [0.5, 0.6], flops=210.0)]).members[0].costs["flops"] == 210.0


def test_bands_begin_at_the_best_and_span_one_standard_deviation() -> None:
    records = [
        again(2, [0.20, 0.30]),  # sd 0.0707 in all of them
        again(1, [0.26, 0.36]),  # within it of the best
        again(3, [0.32, 0.42]),  # within it of the one before, not of the best
        again(0, [0.50, 0.60]),
    ]

    bands = {one.trial: one.band for one in found(records).members}

    assert bands == {2: 1, 1: 1, 3: 2, 0: 3}


def test_one_seed_each_has_means_and_nothing_else() -> None:
    made = found([again(0, [0.5]), again(1, [0.4])])

    assert made.noise is None
    assert made.members[0].fresh == Mean(0.5, 1)
    assert [one.nondominated for one in made.members] == [None, None, None]
    assert made.optimism is not None


def test_the_cheapest_is_never_dominated() -> None:
    likely = [one.nondominated for one in found().members]

    assert likely[0] == 1.0
    assert all(p is not None and 0.0 <= p <= 1.0 for p in likely)


def test_who_is_as_good_as_a_cheaper_one_stands_at_even_odds() -> None:
    costs = np.array([[1.0], [2.0]])
    likely = nondominated_probability([[0.4, 0.6], [0.4, 0.6]], costs, Noise(0.1, 20))

    assert likely[0] == 1.0
    assert likely[1] == pytest.approx(0.5, abs=0.03)


def test_the_probability_is_that_of_a_t_when_the_noise_is_known_poorly() -> None:
    """The difference of two means over s √(2/n) has Student's t with the freedom of s."""
    from itnet_nas.analysis.significance import t_tail

    sd, gap, freedom = 0.1, 0.15, 2
    noise = Noise(sd, freedom)
    rows = [[1.0, 1.0], [1.0 - gap, 1.0 - gap]]
    likely = nondominated_probability(rows, np.array([[1.0], [2.0]]), noise)

    assert likely[1] == pytest.approx(1.0 - t_tail(gap / sd, freedom), abs=0.03)


def test_many_seeds_are_trusted_with_their_own_spread() -> None:
    rng = Random(0)
    steady, wild = [0.5] * OWN, [0.5 + rng.gauss(0, 0.1) for _ in range(OWN)]
    gap = mean(wild) - 0.5

    likely = nondominated_probability([steady, wild], np.array([[1.0], [2.0]]), Noise(1e9, 18))

    # A bootstrap of the wild one alone: its mean over √OWN, whatever is pooled.
    error = math.sqrt(mean((w - mean(wild)) ** 2 for w in wild) / OWN)
    below = 0.5 * math.erfc(gap / error / math.sqrt(2))
    assert likely[1] == pytest.approx(below, abs=0.06)


def test_of_two_equals_neither_dominates() -> None:
    likely = nondominated_probability([[0.5] * OWN] * 2, np.array([[1.0], [1.0]]), Noise(0.0, 18))

    assert likely == [1.0, 1.0]


def test_equal_quality_at_a_higher_cost_is_dominated() -> None:
    likely = nondominated_probability([[0.5] * OWN] * 2, np.array([[1.0], [2.0]]), Noise(0.0, 18))

    assert likely == [1.0, 0.0]


def test_the_same_records_give_the_same_probabilities() -> None:
    assert found() == found()


def test_the_json_has_every_member_whole_and_no_number_that_is_none() -> None:
    plain = json.loads(json.dumps(found(left=2).as_json(), allow_nan=False))

    assert plain["reads"] == 1
    assert plain["left"] == 2
    assert plain["rule"] == "by rank alone"
    assert set(plain["optimism"]) == {"mean", "n", "sd", "low", "high"}
    assert plain["members"][0]["fresh"]["n"] == 3


def test_a_member_is_found_by_the_number_of_its_trial() -> None:
    made = found([again(0, [0.5, 0.6])])

    assert made.of(0) == made.members[0]
    assert made.of(1) is None  # on the front, but not trained again
    assert made.of(99) is None
