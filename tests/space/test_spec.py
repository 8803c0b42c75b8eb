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
