from __future__ import annotations

from typing import Any

import pytest

from itnet_nas.analysis.baseline import Baseline, Needed
from itnet_nas.analysis.baseline_words import headline, sentences
from itnet_nas.analysis.hypervolume import Scale

ON = Scale(())


def estimated(random: int | None, interval: tuple[int | None, int | None]) -> Baseline:
    needed = Needed(level=0.8, search=38, random=random, interval=interval, known=200)
    return Baseline(
        *("estimated", ON, 20, 40, 0.8, 0.6),
        interval=(0.5, 0.7),
        needed=needed,
        model="linear model, leave-one-out R² 0.50 on 38 trials",
    )


def real(**given: Any) -> Baseline:
    needed = Needed(level=0.6, search=12, random=40, interval=None, known=40)
    return Baseline("real", ON, 40, 40, 0.8, 0.6, needed=needed, **given)


def test_a_real_baseline_needed_so_many() -> None:
    assert headline(real()) == "random search needed 40 trials for what this search reached in 12"


@pytest.mark.parametrize(
    ("random", "said"),
    [
        (130, "random search would need about 130 trials for what this search reached in 38 "),
        (None, "random search would need more than 200 trials for what this search reached in 38 "),
    ],
)
def test_an_estimate_says_what_it_rests_on(random: int | None, said: str) -> None:
    found = estimated(random, (60, None))

    assert headline(found) == said + "(estimated from 20 random trials)"


def test_random_search_is_said_to_be_its_own_baseline() -> None:
    found = Baseline("itself", ON, 40, 40, 0.8, 0.8)

    assert sentences(found) == ["This search is random search: it is its own baseline."]


def test_random_search_that_dominated_nothing_is_not_given_a_number_of_trials() -> None:
    assert headline(Baseline("real", ON, 3, 3, 0.8, 0.0)) == (
        "random search dominated nothing in 3 trials"
    )


def test_the_sentences_of_a_real_baseline() -> None:
    found = real(
        interval=(0.55, 0.66), model="Gaussian process, leave-one-out R² 0.90 on 80 trials"
    )

    assert sentences(found) == [
        "Random search needed 40 trials for what this search reached in 12.",
        "After 40 trials random search reached a hypervolume of 0.600, this search 0.800.",
        "The difference is +0.200; against 95 of 100 random searches of that length, as the model "
        "has them, it lies between +0.140 and +0.250. That covers the luck of what is drawn at "
        "random and of its training, not the luck of this search, which is one run: another seed "
        "of it may do better or worse.",
        "The band: random searches simulated on a Gaussian process, leave-one-out R² 0.90 on 80 "
        "trials; costs, where they can be computed, are exact.",
    ]


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((60, 150), "60 to 150 trials"),
        ((60, 60), "60 trials"),
        ((60, None), "from 60 to more than 200 trials"),
        ((None, None), "more than 200 trials"),
    ],
)
def test_the_sentences_of_an_estimate(interval: tuple[int | None, int | None], said: str) -> None:
    lines = sentences(estimated(130, interval))

    assert lines[1] == (
        "After 40 trials random search would reach about a hypervolume of 0.600, this search 0.800."
    )
    assert lines[3] == f"The model has 95 of 100 random searches need {said}."
    assert lines[4].startswith("Curve and band: random searches simulated on a linear model")
    assert lines[5] == "`--with-baseline` makes random search instead."


def test_without_a_model_nothing_is_said_of_other_random_searches() -> None:
    assert len(sentences(real())) == 2
