"""What the report shows of a confirmation."""

from __future__ import annotations

import pytest
from support.confirmed import FAILURE, SPACE, again, confirmed, trials

from itnet_nas.analysis.beside import NOTHING, Beside
from itnet_nas.analysis.chart import BOTTOM, LEFT, RIGHT, TOP
from itnet_nas.analysis.confirmed_section import confirmed_section
from itnet_nas.analysis.report import render

FOUND = Beside(confirmations=confirmed())


def test_without_a_confirmation_there_is_no_section() -> None:
    assert confirmed_section(SPACE, trials(), NOTHING) is None
    assert 'id="confirmed"' not in render(SPACE, trials(), {})


def test_every_mark_lies_within_the_picture() -> None:
    section = confirmed_section(SPACE, trials(), FOUND)

    assert section is not None
    chart = section["chart"]
    assert [one["trial"] for one in chart["members"]] == [0, 1, 2]
    for one in chart["members"]:
        assert LEFT <= one["x"] <= RIGHT
        assert all(TOP <= one[name] <= BOTTOM for name in ("fresh", "search", "low", "high"))


def test_trials_of_one_band_stand_on_one_strip() -> None:
    near = [again(0, [0.40, 0.60]), again(1, [0.42, 0.62]), again(2, [0.1, 0.3])]
    section = confirmed_section(SPACE, trials(), Beside(confirmations=near))

    assert section is not None
    (strip,) = section["chart"]["bands"]
    marks = {one["trial"]: one["fresh"] for one in section["chart"]["members"]}
    low, high = strip["y"], strip["y"] + strip["height"]
    assert low < marks[0] < high
    assert low < marks[1] < high
    assert not low < marks[2] < high


def test_where_every_training_failed_there_is_a_table_and_no_picture() -> None:
    failed = Beside(confirmations=[again(0, [0.5], failure=FAILURE)])
    section = confirmed_section(SPACE, trials(), failed)

    assert section is not None
    assert section["chart"] is None
    assert section["rows"][0]["cells"][0] == "failed"
    assert "trained again: non_finite" in render(SPACE, trials(), {}, beside=failed)


def test_the_page_has_search_time_values_beside_fresh_ones_and_counts_the_reads() -> None:
    page = render(SPACE, trials(), {}, beside=FOUND)

    assert "Does the front hold under fresh seeds?" in page
    assert "0.480 ± 0.050" in page
    assert "0.510 ± 0.066" in page
    assert "The test split was read once." in page
    assert "Candidates are by rank alone." in page


def test_the_page_no_longer_says_that_the_test_data_were_not_used() -> None:
    before, after = render(SPACE, trials(), {}), render(SPACE, trials(), {}, beside=FOUND)

    assert "the data kept for testing were not used" in before
    assert "the data kept for testing were not used" not in after
    assert "what fresh seeds and the data kept for testing say" in after


@pytest.mark.parametrize("count", [1, 2])
def test_a_front_of_few_points_has_a_picture_too(count: int) -> None:
    few = trials()[:count]
    records = [again(place, [0.5, 0.5]) for place in range(count)]

    section = confirmed_section(SPACE, few, Beside(confirmations=records))

    assert section is not None
    assert len(section["chart"]["members"]) == count
