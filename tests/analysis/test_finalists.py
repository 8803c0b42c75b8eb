"""Which trials are trained again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.confirmed import SPACE, again, confirmed, trials

from itnet_nas.analysis.finalists import Noise, finalists, known_noise, pooled, rule


def test_without_noise_the_first_two_fronts_are_taken_the_front_first() -> None:
    assert [one.number for one in finalists(SPACE, trials(), None)] == [0, 1, 2, 3, 5]


def test_what_the_noise_does_not_tell_from_the_front_is_taken_too() -> None:
    near = finalists(SPACE, trials(), Noise(0.25, 4))

    assert [one.number for one in near] == [0, 1, 2, 3, 5, 4]


def test_noise_takes_nobody_away() -> None:
    assert [one.number for one in finalists(SPACE, trials(), Noise(0.0, 4))] == [0, 1, 2, 3, 5]


def test_a_failed_trial_is_no_finalist() -> None:
    assert 6 not in [one.number for one in finalists(SPACE, trials(), Noise(9.0, 4))]


def test_an_architecture_that_was_tried_twice_is_trained_again_once() -> None:
    first = trials()[0]
    twin = first.model_copy(update={"number": 7, "objectives": {"error": 0.51, "flops": 200.0}})

    assert [one.number for one in finalists(SPACE, [twin, first], None)] == [0]


def test_without_a_complete_trial_there_is_nobody() -> None:
    assert finalists(SPACE, [trials()[6]], None) == []


def test_the_noise_is_pooled_over_architectures() -> None:
    noise = pooled([[1.0, 3.0], [10.0, 10.0, 10.0], [5.0]])

    assert noise is not None
    assert noise.sd == pytest.approx(math.sqrt(2.0 / 3))
    assert noise.freedom == 3


def test_single_seeds_say_nothing_of_the_noise() -> None:
    assert pooled([[1.0], [2.0], []]) is None


@given(
    st.lists(st.lists(st.floats(-10, 10), min_size=2, max_size=4), min_size=1, max_size=4),
    st.floats(-5, 5),
)
def test_the_level_of_an_architecture_does_not_matter_to_the_noise(
    groups: list[list[float]], shift: float
) -> None:
    moved = [[value + shift for value in groups[0]], *groups[1:]]

    one, other = pooled(groups), pooled(moved)

    assert one is not None
    assert other is not None
    assert other.sd == pytest.approx(one.sd, abs=1e-6)


def test_an_earlier_confirmation_is_believed_before_certificates() -> None:
    swaps = [again(0, [error], number=seed) for seed, error in ((1, 0.1), (2, 0.5))]

    both, certificates = known_noise(SPACE, confirmed(), swaps), known_noise(SPACE, [], swaps)

    assert both is not None
    assert certificates is not None
    assert (both.source, certificates.source) == ("an earlier confirmation", "certificates")
    assert both.sd == pytest.approx(0.02)
    assert certificates.sd == pytest.approx(0.4 / math.sqrt(2))


def test_a_run_that_repeated_nothing_knows_no_noise() -> None:
    assert known_noise(SPACE, [], []) is None
    assert known_noise(SPACE, [again(0, [0.5])], []) is None


def test_the_rule_says_where_the_noise_was_measured() -> None:
    assert rule(None) == "the first two fronts, since the noise of a training is not known"
    assert rule(Noise(0.0213, 4, "certificates")) == (
        "the first two fronts, and what is within 0.0213 of the front, the noise of a training "
        "as certificates measured it"
    )
