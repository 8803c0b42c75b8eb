from __future__ import annotations

from dataclasses import replace

import pytest
from support.attributed import NOTHING_FITTED, PAIR, attributed

from itnet_nas.analysis.attribution_words import (
    failure_lines,
    foremost,
    front_lines,
    heading,
    pair_lines,
    short_rows,
    signed_span,
)


def test_the_heading_says_what_it_rests_on() -> None:
    assert heading(attributed(failed=0)) == [
        "Gaussian process on 60 complete trials, 24 of them drawn at random; leave-one-out R² "
        "0.82; it explains 90 % of the variance of bits/byte over the space"
    ]


def test_the_heading_says_where_not_all_trials_are_fitted() -> None:
    line = heading(attributed(complete=900, fitted=400))[0]

    assert line.startswith("Gaussian process on 400 of 900 complete trials, 24 of them drawn")


def test_the_heading_says_what_is_wrong_with_it() -> None:
    found = attributed(random=3, reason="the linear model foretells nothing", failed=1)

    assert heading(found)[1:] == [
        "not resolved: the linear model foretells nothing",
        "3 trials of 60 drawn at random, fewer than 20: the effects lean on what the strategy "
        "chose to try",
        "1 failed trial in no fit: what fails more often is seen less",
    ]


def test_without_a_fit_the_reason_stands_alone() -> None:
    assert heading(NOTHING_FITTED) == ["not resolved: 4 complete trials, at least 10 are needed"]
    assert foremost(NOTHING_FITTED) == (
        "No layer is resolved: 4 complete trials, at least 10 are needed."
    )


def test_the_foremost_layers_come_with_their_shares() -> None:
    assert foremost(attributed()) == (
        "What matters most: mix1 (61 % [50, 72]) of the variance of bits/byte. 1 place not "
        "resolved."
    )


def test_a_pair_says_its_strongest_cell() -> None:
    assert pair_lines(attributed()) == [
        "mix1 family with mix2 content: 8 % [5, 11] of the variance; most of all conv with pair, "
        "-0.150 [-0.200, -0.100] beyond the sum"
    ]
    assert pair_lines(attributed(pairs=())) == [
        "The Gaussian process knows no pairs: what it says adds up."
    ]


def test_a_pair_that_is_not_resolved_says_so() -> None:
    found = attributed(pairs=(replace(PAIR, resolved=False),))

    assert "8 % [5, 11] of the variance, not resolved; most of all" in pair_lines(found)[0]


def test_what_the_good_ones_share_is_an_option_once_and_what_could_be_seen() -> None:
    assert front_lines(attributed()) == [
        "mix1 conv: on 8 of 8 (100 % [63, 100]), 50 % of the space",
        "mix1 gru: on 0 of 8 (0 % [0, 37]), 50 % of the space",
        "a front of 8 tells a share from one half when they are 38 points apart, not before",
    ]


def test_a_front_like_the_space_shows_nothing() -> None:
    found = attributed(groups=attributed().groups[1:], told_apart=None, front=3)

    assert front_lines(found) == [
        "no option stands there more or less often than chance would have it",
        "a front of 3 cannot tell any share from one half",
    ]


def test_options_that_fail_more_often_than_the_whole_are_named() -> None:
    assert failure_lines(attributed()) == ["mix1 gru: 15 of 25 failed, 21 % of all"]


def test_short_rows_name_a_family_that_has_a_value_alone() -> None:
    head, rows = short_rows(attributed())

    assert head == [
        "place", "of", "option", "effect on bits/byte", "share of the group", "", "complete",
        "failed",
    ]  # fmt: skip
    assert rows[0] == [
        "mix1", "family = support", "conv", "-0.40 [-0.50, -0.30]", "61 % [50, 72]", "resolved",
        "30", "1",
    ]  # fmt: skip
    assert rows[3][2:6] == [
        "pair (attention)",
        "-0.02 [-0.12, +0.08]",
        "1 % [0, 5]",
        "not resolved",
    ]


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ((0.0123, 0.0101, 0.0145), "+0.0123 [+0.0101, +0.0145]"),
        ((-12.0, -40.0, 16.0), "-12 [-40, +16]"),
        ((0.5, 0.5, 0.5), "+0.500 [+0.500, +0.500]"),
    ],
)
def test_a_span_has_the_digits_of_its_width(figures: tuple[float, float, float], text: str) -> None:
    assert signed_span(*figures) == text
