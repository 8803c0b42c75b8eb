"""Settings of a search."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from itnet_nas.space.spec import SearchSpec


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
