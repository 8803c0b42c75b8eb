"""A confirmation as people read it."""

from __future__ import annotations

import pytest
from support.confirmed import FAILURE, SPACE, again, confirmed, trials

from itnet_nas.analysis.confirmed import Confirmation, Mean, confirmation
from itnet_nas.analysis.confirmed_words import (
    columns,
    optimism,
    percent,
    plus_minus,
    reads,
    says,
    sentences,
    table,
)
from itnet_nas.results.record import TrialRecord


def found(records: list[TrialRecord] | None = None, left: int = 0) -> Confirmation:
    made = confirmation(SPACE, trials(), confirmed() if records is None else records, left)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("mean", "half", "text"),
    [
        (0.12345, 0.0123, "0.123 ± 0.012"),
        (0.12345, 0.00987, "0.1235 ± 0.0099"),
        (26.41, 1.234, "26.4 ± 1.2"),
        (26.41, 12.0, "26 ± 12"),
        (1234.0, 560.0, "1234 ± 560"),
        (0.5, 0.0, "0.5 ± 0"),
    ],
)
def test_a_mean_is_given_to_the_second_digit_of_its_interval(
    mean: float, half: float, text: str
) -> None:
    assert plus_minus(Mean(mean, 3, half, mean - half, mean + half)) == text


def test_a_single_value_has_no_interval_and_nothing_is_a_dash() -> None:
    assert plus_minus(Mean(0.123456, 1)) == "0.1235"
    assert plus_minus(None) == "–"
    assert plus_minus(None, "-") == "-"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (0.001, "< 1 %"),
        (0.834, "83 %"),
        (0.998, "> 99 %"),
        (1.0, "100 %"),
    ],
)
def test_a_probability_is_not_called_sure_when_it_is_not(p: float | None, text: str) -> None:
    assert percent(p) == text


def test_a_member_in_one_line() -> None:
    assert says(found().members[1]) == (
        "confirmed: 0.480 ± 0.050 error over 3 fresh seeds, 0.4 at search time; "
        "test split 0.510 ± 0.066; non-dominated with probability 98 %"
    )


def test_a_member_that_failed_says_why() -> None:
    made = found([again(0, [0.5, 0.6]), again(1, [0.4], failure=FAILURE)])

    assert says(made.members[1]) == "confirmed: no, non_finite: the loss was nan"
    assert says(made.members[2]) == "confirmed: no, it was not trained again"


def test_what_confirm_prints_on_a_terminal() -> None:
    assert str(found()) == (
        "trial  error    fresh seeds     test split  non-dominated  band  flops  layers\n"
        "    0    0.5  0.520 ± 0.050  0.550 ± 0.050          100 %     3    200  left > left\n"
        "    1    0.4  0.480 ± 0.050  0.510 ± 0.066           98 %     2    300  middle > left\n"
        "    2    0.2  0.240 ± 0.050  0.270 ± 0.066          100 %     1    600  right > right\n"
        "beside the front:\n"
        "    3   0.45  0.460 ± 0.050  0.490 ± 0.066           88 %     2    400  right > left\n"
        "\n"
        "the seed of the search chose the front and its order; fresh seeds report its error: "
        "mean ± half of the 95 % interval\n"
        "search-time values were too good by 0.047 ± 0.076 on average over 3 members of the "
        "front, which may be chance\n"
        "noise of one training: sd 0.02; trials of one band lie within it of each other\n"
        "the test split was read once"
    )


def test_values_that_the_search_saw_too_low_are_called_too_bad() -> None:
    lines = sentences(found([again(0, [0.4, 0.4]), again(1, [0.3, 0.3])]))

    assert lines[1] == (
        "search-time values were too bad by 0.1 ± 0 on average over 2 members of the front"
    )


def test_a_second_read_is_counted_aloud() -> None:
    made = found([*confirmed(), again(0, [0.5, 0.6], [0.5, 0.6], number=9, round_=2)])

    assert reads(made) == (
        "the test split was read 2 times: the more often, the less its figures are worth"
    )


def test_a_task_without_a_test_split_is_said_to_have_none() -> None:
    assert reads(found([again(0, [0.5, 0.6])])) == (
        "the test split was not scored: the task has none, or nothing was trained"
    )


def test_failures_and_what_is_left_are_told() -> None:
    lines = sentences(found([again(0, [0.5, 0.6]), again(1, [0.4], failure=FAILURE)], left=3))

    assert "trial 1 could not be trained again: non_finite: the loss was nan" in lines
    assert lines[-1] == "3 trainings left: what stands here is not whole"


def test_the_optimism_in_short_has_its_sign() -> None:
    assert optimism(found()) == "+0.0467 ± 0.076"
    assert optimism(found([again(3, [0.5, 0.6])])) == ""


def test_columns_for_a_program_are_exact_and_none_where_nothing_is_known() -> None:
    head, rows = columns(found([again(0, [0.5, 0.75])]))

    assert head == [
        "error_fresh",
        "error_low",
        "error_high",
        "seeds",
        "error_test",
        "error_test_low",
        "error_test_high",
        "p_nondominated",
    ]
    assert rows[0][0] == 0.625
    assert rows[0][3:7] == [2, None, None, None]
    assert rows[1] == [None] * 8


def test_the_table_for_a_program_has_a_row_for_each_member() -> None:
    head, rows = table(found())

    assert head[:3] == ["trial", "on_front", "error"]
    assert head[-3:] == ["band", "flops", "layers"]
    assert [row[:3] for row in rows] == [[0, 1, 0.5], [1, 1, 0.4], [2, 1, 0.2], [3, 0, 0.45]]
