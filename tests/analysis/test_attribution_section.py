from __future__ import annotations

from analysis.support import deep_space, run, space
from support.attributed import MIX1, MIX2, NOTHING_FITTED, attributed

from itnet_nas.analysis.attribution_section import attribution_section, section_of
from itnet_nas.analysis.report import render


def test_resolved_options_are_strong_and_the_others_faint() -> None:
    chart = section_of(attributed())["chart"]

    assert [(row["label"], row["faint"]) for row in chart["rows"]] == [
        ("conv", False),
        ("gru", False),
        ("none", True),
        ("pair (attention)", True),
    ]
    assert [(head["name"], head["share"]) for head in chart["heads"]] == [
        ("mix1 family = support", "61 % [50, 72]"),
        ("mix2 content", "1 % [0, 5]"),
    ]


def test_a_whisker_lies_about_its_dot_and_zero_about_its_line() -> None:
    chart = section_of(attributed())["chart"]

    assert all(row["low"] < row["x"] < row["high"] for row in chart["rows"])
    assert chart["rows"][0]["x"] < chart["zero"] < chart["rows"][1]["x"]
    assert all(row["low"] >= 196 and row["high"] <= 546 for row in chart["rows"])
    assert chart["x_label"] == "change of bits/byte (left is better)"


def test_a_picture_has_room_for_the_strongest_groups_alone() -> None:
    many = (MIX2, *(MIX1 for _ in range(30)))

    chart = section_of(attributed(groups=many))["chart"]

    assert len(chart["heads"]) == 12
    assert {head["name"] for head in chart["heads"]} == {"mix1 family = support"}


def test_without_a_complete_trial_there_is_no_section() -> None:
    assert attribution_section(space(), []) is None
    assert attribution_section(space(), run(space(), 5, failing=1.0)) is None


def test_few_trials_leave_a_sentence() -> None:
    found = section_of(NOTHING_FITTED)

    assert found["lead"] == "No layer is resolved: 4 complete trials, at least 10 are needed."
    assert found["chart"] is None
    assert (found["lines"], found["pairs"], found["front"], found["groups"]) == ([], [], [], [])


def test_the_report_says_what_matters() -> None:
    of = deep_space(3)

    page = render(of, run(of, 30), {})

    assert '<section id="matters">' in page
    assert "What matters in this space?" in page
    assert "What do the good ones share?" in page
    assert page.count('class="effect') >= 10


def test_the_report_of_few_trials_says_that_they_are_few() -> None:
    of = space()

    page = render(of, run(of, 6, failing=0), {})

    assert "No layer is resolved: 6 complete trials, at least 10 are needed." in page
    assert "What works together?" not in page
