"""Settings of a search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from itnet_nas.space.spec import HalvingSpec, SearchSpec


def test_a_flag_wins_over_the_file_and_the_rest_stays() -> None:
    search = SearchSpec(trials=40, seed=3).changed(trials=8, seed=None)

    assert search == SearchSpec(trials=8, seed=3)


def test_a_flag_is_held_to_the_same_bounds_as_the_file() -> None:
    with pytest.raises(ValidationError):
        SearchSpec().changed(trials=0)


def test_seeds_are_kept_as_they_are_written_in_a_file() -> None:
    search = SearchSpec.model_validate({"seeds": {"from": "runs/other"}})

    assert search.model_dump()["seeds"] == {"from": "runs/other", "trials": 3}
    assert SearchSpec.model_validate_json(search.model_dump_json()) == search


def test_a_flag_leaves_the_seeds_as_they_are() -> None:
    search = SearchSpec.model_validate({"seeds": {"from": "runs/other"}})

    assert search.changed(trials=8).seeds == search.seeds


def test_halving_is_off_unless_it_is_asked_for() -> None:
    assert SearchSpec().halving is None
    assert SearchSpec.model_validate({"halving": {}}).halving == HalvingSpec()


def test_a_flag_that_says_yes_keeps_the_figures_of_the_file() -> None:
    search = SearchSpec.model_validate({"halving": {"keep": 0.25}})

    assert search.changed(halving=True) == search
    assert search.changed(halving=False).halving is None
    assert SearchSpec().changed(halving=True).halving == HalvingSpec()


def test_settings_with_halving_survive_the_run() -> None:
    search = SearchSpec.model_validate({"halving": {"first": 0.4, "rungs": 2}})

    assert SearchSpec.model_validate_json(search.model_dump_json()) == search


@pytest.mark.parametrize(
    ("given", "total", "steps"),
    [
        ({}, 1000, (340,)),
        ({}, 100, (34,)),
        ({"rungs": 2}, 1000, (340, 584)),
        ({"first": 0.5}, 7, (4,)),
        ({}, 1, ()),
    ],
)
def test_rungs_stand_at_even_ratios(
    given: dict[str, float], total: int, steps: tuple[int, ...]
) -> None:
    assert HalvingSpec.model_validate(given).steps_of(total) == steps


@given(st.floats(1 / 3, 0.999), st.integers(1, 2), st.integers(1, 100_000))
def test_no_rung_is_under_a_third_of_the_steps_or_at_their_end(
    first: float, rungs: int, total: int
) -> None:
    steps = HalvingSpec(first=first, rungs=rungs).steps_of(total)

    assert all(total / 3 - 1e-3 <= step < total for step in steps)
    assert list(steps) == sorted(set(steps))
