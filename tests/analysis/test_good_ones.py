from __future__ import annotations

from collections import Counter

import pytest
from analysis.support import deep_space, run, space

from itnet_nas.analysis.good_ones import option_counts, shared, told_apart
from itnet_nas.analysis.option_groups import groups_of


def test_an_option_of_every_member_differs_from_its_share_of_the_space() -> None:
    family = groups_of(space())[0]

    rows = shared(family, Counter({3: 12}))

    assert [one.count for one in rows] == [0, 0, 0, 12]
    assert rows[3].differs
    assert rows[3].low == pytest.approx(0.025 ** (1 / 12))
    assert rows[3].chance == 0.25


def test_a_front_of_one_shows_nothing() -> None:
    family = groups_of(space())[0]

    assert not any(one.differs for one in shared(family, Counter({3: 1})))


def test_members_without_the_layer_are_not_counted() -> None:
    of = deep_space(3)
    records = run(of, 40, failing=0)
    groups = groups_of(of)

    counts = option_counts(of, records, groups)

    named = {group.name: sum(of.values()) for group, of in zip(groups, counts, strict=True)}
    there = sum(any(c.name == "mix2" for c in r.architecture.layers) for r in records)
    assert named["mix2 presence"] == 40
    assert named["mix2 family"] == there < 40


@pytest.mark.parametrize(("members", "difference"), [(5, None), (6, 0.5), (15, 0.3), (100, 0.11)])
def test_how_far_apart_shares_must_be(members: int, difference: float | None) -> None:
    found = told_apart(members)

    assert found == (None if difference is None else pytest.approx(difference))
