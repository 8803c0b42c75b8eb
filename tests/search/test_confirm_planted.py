"""A confirmation on the planted noisy landscape, beside the truth: sd 2 points, 200 trials each."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import pytest
from support.benchmark import benchmark

confirm = benchmark("confirm")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def means() -> dict[str, float]:
    """What ten instances gave on average."""
    studies: list[dict[str, Any]] = [confirm.study(instance, 2.0, 3) for instance in range(10)]
    return {name: fmean(one[name] for one in studies) for name in studies[0]}


def test_a_front_is_too_good_by_more_than_half_the_noise(means: dict[str, float]) -> None:
    assert means["searched"] > 1.0


def test_what_a_confirmation_reports_is_not(means: dict[str, float]) -> None:
    assert abs(means["reported"]) <= 0.2


def test_a_confirmation_says_how_much_too_good_the_front_was(means: dict[str, float]) -> None:
    assert means["estimated"] == pytest.approx(means["searched"], abs=0.3)


def test_the_intervals_hold_as_often_as_they_say(means: dict[str, float]) -> None:
    assert 0.92 <= means["held"] <= 0.98


def test_as_many_are_non_dominated_as_the_probabilities_say(means: dict[str, float]) -> None:
    assert means["likely"] == pytest.approx(means["really"], abs=0.08)
