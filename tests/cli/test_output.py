"""Tables, colour and command lines."""

from __future__ import annotations

import pytest

from itnet_nas.cli.output import aligned, colour_wanted, command, emit_table


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    text = aligned(["trial", "layer"], [[1, "conv"], [12, "attention"]])

    assert text == "trial  layer\n    1  conv\n   12  attention"


def test_a_pipe_gets_every_digit_and_no_padding(capsys: pytest.CaptureFixture[str]) -> None:
    emit_table(["a", "b"], [[1 / 3, None], ["x\ty", 2]])

    assert capsys.readouterr().out == "a\tb\n0.3333333333333333\t\nx y\t2\n"


def test_a_column_for_people_is_rounded_alike_and_shows_what_is_missing() -> None:
    text = aligned(["flops", "note"], [[4_540_416.0, None], [6_030_336.0, "x"], [None, "y"]])

    assert text == " flops  note\n4.54 M  –\n6.03 M  x\n     –  y"


def test_a_command_can_be_pasted() -> None:
    assert command("resume", "runs/my run", 3) == "itnet-nas resume 'runs/my run' 3"


@pytest.mark.parametrize(
    ("terminal", "environment", "wanted"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_used_where_it_is_welcome(
    terminal: bool, environment: dict[str, str], wanted: bool
) -> None:
    assert colour_wanted(terminal, environment) is wanted
