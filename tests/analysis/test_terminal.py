from __future__ import annotations

import re

import pytest
from analysis.support import deep_space, run, space

from itnet_nas.analysis.pareto import front
from itnet_nas.analysis.terminal import layer_table, scatter, trial_rows, trial_table

OF = space()
RECORDS = run(OF, 20)
FRONT = front(OF, RECORDS)
ESCAPE = re.compile("\x1b\\[[0-9;]*m")


def test_rows_for_a_program_are_exact() -> None:
    columns, rows = trial_rows(OF, FRONT)

    assert columns == ["trial", "bits_per_byte", "flops", "local", "memory"]
    assert [row[0] for row in rows] == [member.number for member in FRONT]
    assert [row[1] for row in rows] == [member.objectives["bits_per_byte"] for member in FRONT]


def test_on_a_terminal_the_front_is_aligned() -> None:
    text = trial_table(OF, FRONT)

    assert text == (
        "trial  bits_per_byte   flops  local           memory\n"
        "   14           4.19  7.86 M  identity        identity\n"
        "    9           3.66  7.91 M  conv(radius=3)  identity\n"
        "    3           3.57  7.95 M  conv(radius=6)  identity\n"
        "    5           3.17  8.25 M  conv(radius=6)  ssm(state_size=8)\n"
        "   10           2.94  11.5 M  conv(radius=6)  gru\n"
        "   19           2.86  11.7 M  gru             ssm(state_size=8)\n"
    )


def test_a_trial_that_failed_has_a_state_and_no_figures() -> None:
    failed = next(record for record in RECORDS if not record.complete)

    lines = trial_table(OF, [FRONT[0], failed]).splitlines()

    assert lines[0].split()[:4] == ["trial", "state", "bits_per_byte", "flops"]
    assert lines[2].split()[:4] == [str(failed.number), str(failed.state), "–", "–"]


def test_on_a_narrow_terminal_each_layer_has_a_line_and_nothing_is_cut() -> None:
    text = trial_table(OF, FRONT[-1:], width=40)

    assert text == (
        "trial  bits_per_byte   flops\n"
        "   19           2.86  11.7 M\n"
        "    local   gru\n"
        "    memory  ssm(state_size=8)\n"
    )


def test_colour_changes_no_word() -> None:
    plain = trial_table(OF, FRONT)
    coloured = trial_table(OF, FRONT, color=True)

    assert "\x1b" not in plain
    assert "\x1b[48;5;" in coloured
    assert [line.rstrip() for line in ESCAPE.sub("", coloured).splitlines()] == plain.splitlines()


def test_an_absent_layer_is_a_dash() -> None:
    of = deep_space(4)
    members = front(of, run(of, 100))

    assert "–" in trial_table(of, members)
    assert trial_table(of, members, unicode=False).isascii()


def test_layers_are_told_with_chance() -> None:
    lines = layer_table(OF, RECORDS).splitlines()

    assert lines[0].split() == [
        "layer", "family", "best", "5", "front", "chance", "complete", "failed",
    ]  # fmt: skip
    assert lines[4].split() == ["gru", "60", "%", "17", "%", "25", "%", "4", "1"]
    assert len(lines) == 1 + 4 + 5


def test_a_family_without_a_complete_trial_is_called_not_tested() -> None:
    assert "not tested" in layer_table(OF, RECORDS[:2])


@pytest.mark.parametrize("width", [20, 60, 100, 300])
@pytest.mark.parametrize("unicode", [True, False])
def test_the_picture_fits(width: int, unicode: bool) -> None:
    of = deep_space()
    records = run(of, 200)
    lines = scatter(of, records, front(of, records), width=width, unicode=unicode).splitlines()

    assert len(lines) <= 20
    assert max(map(len, lines)) <= max(width, 40)
    assert unicode or all(line.isascii() for line in lines)


def test_the_picture_shows_members_and_dominated_trials() -> None:
    text = scatter(OF, RECORDS, FRONT, unicode=False)
    body = text.splitlines()[1:15]

    assert sum(line.count("o") for line in body) >= len(FRONT) - 2
    assert any("." in line.split("|")[1] for line in body)
    assert "flops (log)" in text


def test_a_picture_of_nothing_is_empty() -> None:
    assert scatter(OF, [], []) == ""


def test_one_trial_is_a_picture() -> None:
    assert "o" in scatter(OF, RECORDS[:1], RECORDS[:1])
