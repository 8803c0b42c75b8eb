from __future__ import annotations

import pytest
from analysis.support import space
from support.known_model import KnownModel

from itnet_nas.analysis.matched_draws import MatchedDraws
from itnet_nas.analysis.option_groups import groups_of
from itnet_nas.analysis.option_pairs import strongest_pairs

VALUES = {"local": {"identity": 4.0, "gru": 1.0}, "memory": {"ssm": -2.0}}
TOGETHER = {("local", "conv", "memory", "gru"): 6.0}


def test_what_adds_up_has_no_pairs() -> None:
    of = space()

    assert strongest_pairs(KnownModel(of, VALUES), MatchedDraws(of, 400), groups_of(of), 5) == ()


def test_a_planted_pair_is_found_with_its_cell() -> None:
    of = space()
    model = KnownModel(of, VALUES, TOGETHER, spread=0.05)

    (pair,) = strongest_pairs(model, MatchedDraws(of, 2000), groups_of(of), 5)

    assert {pair.first.place, pair.second.place} == {"local", "memory"}
    assert pair.cell[0] in ("conv", "window")
    assert pair.cell[1] in ("gru", "feedback", "path")
    assert pair.resolved


def test_the_variance_is_that_beyond_both_mains() -> None:
    of = space()
    model = KnownModel(of, VALUES, TOGETHER, spread=1e-6)
    families = [group for group in groups_of(of) if group.of == ("family",)]

    (pair,) = strongest_pairs(model, MatchedDraws(of, 2000), families, 5)

    # a cell of 6 at (conv, gru): p (1 - p) q (1 - q) 6² with p = 1/4, q = 1/5
    assert pair.variance == pytest.approx(36 * (0.25 * 0.75) * (0.2 * 0.8), rel=1e-3)
    assert pair.beyond == pytest.approx(6 * 0.75 * 0.8, rel=1e-3)
    assert pair.low <= pair.variance <= pair.high
    assert pair.cell == ("conv", "gru")


def test_a_pair_that_may_as_well_be_nothing_is_not_resolved() -> None:
    of = space()
    families = [group for group in groups_of(of) if group.of == ("family",)]
    unsure = KnownModel(of, VALUES, {("local", "conv", "memory", "gru"): 0.01}, spread=0.0)
    # The doubt of this double adds up, so it is put on what does not.
    unsure.posterior = lambda rows: (  # type: ignore[method-assign]
        unsure.predict(rows)[0],
        (rows.features @ rows.features.T) ** 2 * 1e-4,
    )

    (pair,) = strongest_pairs(unsure, MatchedDraws(of, 2000), families, 5)

    assert not pair.resolved
    assert pair.beyond_low < 0 < pair.beyond_high
