from __future__ import annotations

from itertools import pairwise

import pytest

from itnet_nas.analysis.palette import OKABE_ITO, Colour, assign

FAMILIES = ["attention", "conv", "gru", "identity", "position_mixer", "ssm"]


def test_the_built_in_families_have_colours_of_their_own() -> None:
    assert len(set(assign(FAMILIES).values())) == len(FAMILIES)


def test_the_order_of_the_families_changes_nothing() -> None:
    assert assign(reversed(FAMILIES)) == assign(FAMILIES)


def test_a_family_that_stands_alone_keeps_its_colour_in_company() -> None:
    everyone = assign(FAMILIES)

    kept = [family for family in FAMILIES if assign([family])[family] == everyone[family]]

    assert len(kept) >= len(FAMILIES) // 2


def test_more_families_than_colours_share_them_evenly() -> None:
    found = list(assign([f"family{n}" for n in range(14)]).values())

    assert all(found.count(colour) == 2 for colour in OKABE_ITO)


def luminance(code: str) -> float:
    parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", OKABE_ITO, ids=lambda colour: colour.fill)
def test_words_can_be_read_on_every_colour(colour: Colour) -> None:
    dark, light = sorted([luminance(colour.fill), luminance(colour.text)])

    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_no_two_colours_are_the_same() -> None:
    fills = sorted(colour.fill for colour in OKABE_ITO)

    assert all(a != b for a, b in pairwise(fills))
