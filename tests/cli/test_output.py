"""Tables, figures and durations."""

from __future__ import annotations

import pytest

from itnet_nas.cli.output import aligned, duration, emit_table, short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.123456, "0.1235"),
        (42, "42"),
        (9999, "9999"),
        (4_213_000.0, "4.213 M"),
        (12_345, "12.35 k"),
        (True, "True"),
        ("conv", "conv"),
        (float("inf"), "inf"),
        (1e-7, "1e-07"),
    ],
)
def test_a_figure_is_short(value: object, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_a_duration_has_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    text = aligned(["trial", "layer"], [[1, "conv"], [12, "attention"]])

    assert text == "trial  layer\n    1  conv\n   12  attention"


def test_a_pipe_gets_every_digit_and_no_padding(capsys: pytest.CaptureFixture[str]) -> None:
    emit_table(["a", "b"], [[1 / 3, None], ["x\ty", 2]])

    assert capsys.readouterr().out == "a\tb\n0.3333333333333333\t\nx y\t2\n"
