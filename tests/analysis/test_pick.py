from __future__ import annotations

from random import Random

import pytest
from analysis.support import record, space

from itnet_nas.analysis.pareto import front
from itnet_nas.analysis.pick import pick
from itnet_nas.arch.sample import sample
from itnet_nas.errors import InfeasibleError, UsageError
from itnet_nas.results.record import TrialRecord
from itnet_nas.space.space import Objective

OF = space()


def members(*figures: tuple[float, float]) -> list[TrialRecord]:
    """Records of which each has (quality, flops) as given, whatever its architecture costs."""
    one = sample(OF, Random(0))
    return [
        record(OF, number, one, bits_per_byte=bits, flops=flops)
        for number, (bits, flops) in enumerate(figures)
    ]


# Cheapest first: log10 of the costs 4, 5, 6, 8.
FRONT = members((4.0, 1e4), (3.0, 1e5), (2.9, 1e6), (2.5, 1e8))


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        ("best", 3),
        ("cheapest", 0),
        ("knee", 1),  # sums 1, 0.33 + 0.25, 0.27 + 0.5, 1
        ("flops <= 2e6", 2),
        ("flops<1e6", 1),
        ("flops >= 1e7", 3),
        ("flops / params < 1e9", 3),
        ("2", 2),
        (" knee ", 1),
    ],
)
def test_a_rule_picks_one_member(rule: str, number: int) -> None:
    assert pick(OF, FRONT, rule).number == number


@pytest.mark.parametrize("rule", ["best", "cheapest", "knee", "flops<1e9"])
def test_a_front_of_one_gives_that_one(rule: str) -> None:
    assert pick(OF, FRONT[1:2], rule).number == 1


def test_of_two_members_the_better_one_is_the_knee() -> None:
    assert pick(OF, members((3.0, 10.0), (2.0, 20.0)), "knee").number == 1


def test_the_knee_does_not_depend_on_units() -> None:
    scaled = members((40.0, 1e1), (30.0, 1e2), (29.0, 1e3), (25.0, 1e5))

    assert pick(OF, scaled, "knee").number == 1


def test_a_quality_to_be_made_large_is_picked_from_the_other_side() -> None:
    of = space(
        objectives=(
            Objective(name="accuracy", direction="max"),
            Objective(name="flops", direction="min"),
        )
    )
    one = sample(of, Random(0))
    records = [
        record(of, n, one, accuracy=accuracy, flops=flops)
        for n, (accuracy, flops) in enumerate([(0.1, 1e4), (0.8, 1e5), (0.9, 1e8), (0.7, 1e9)])
    ]

    kept = front(of, records)

    assert [member.number for member in kept] == [0, 1, 2]
    assert pick(of, kept, "best").number == 2
    assert pick(of, kept, "knee").number == 1


def test_an_unknown_rule_is_refused_with_the_rules_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        pick(OF, FRONT, "kne")

    assert str(caught.value) == (
        'there is no rule "kne" to pick by (did you mean "knee"?); rules: knee, best, cheapest, '
        'a bound such as "flops<=1e6", or the number of a trial'
    )


def test_a_trial_off_the_front_is_refused_with_the_members_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        pick(OF, FRONT, "17")

    assert str(caught.value) == "trial 17 is not on the front; its members: 0, 1, 2, 3"


def test_a_bound_may_be_on_the_quality() -> None:
    found = pick(OF, FRONT, "bits_per_byte >= 2.9")

    assert found.objectives == {"bits_per_byte": 2.9, "flops": 1e6}


def test_a_bound_may_compare_any_figures_of_the_trials() -> None:
    found = pick(OF, FRONT, "flops <= 1e5 * depth / depth")

    assert found.objectives["flops"] == 1e5


def test_a_bound_that_nobody_obeys_says_what_there_is() -> None:
    with pytest.raises(InfeasibleError) as caught:
        pick(OF, FRONT, "flops<=1e3")

    assert str(caught.value) == (
        'no member of the front obeys "flops<=1e3"; on it flops runs from 10 k to 100 M'
    )


def test_a_bound_that_cannot_be_read_says_why() -> None:
    with pytest.raises(UsageError, match='"flop<=1e3" is no bound: no figure is called "flop"'):
        pick(OF, FRONT, "flop<=1e3")


def test_a_bound_on_what_was_not_measured_says_what_was() -> None:
    with pytest.raises(UsageError) as caught:
        pick(OF, FRONT, "latency_ms<=3")

    assert str(caught.value) == (
        '"latency_ms<=3" is no bound: no figure is called "latency_ms"; '
        "the figures are bits_per_byte, flops, depth, params, state_bytes"
    )


def test_nothing_can_be_picked_from_nothing() -> None:
    with pytest.raises(InfeasibleError) as caught:
        pick(OF, [], "knee")

    assert str(caught.value) == (
        "there is nothing to pick from: no trial is complete, so there is no front; "
        "`itnet-nas status` says what became of the trials"
    )
