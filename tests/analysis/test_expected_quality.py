from __future__ import annotations

from random import Random

import numpy as np
import pytest
from analysis.support import deep_space, quality, record, run, space
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.analysis.expected_quality import expected_quality
from itnet_nas.arch.sample import sample
from itnet_nas.results.record import TrialError
from itnet_nas.space.space import Objective

DEEP = deep_space(3)
UNSEEN = {str(seed): sample(DEEP, Random(seed)) for seed in range(1000, 1200)}


def test_networks_that_were_never_trained_are_ordered() -> None:
    expected = expected_quality(DEEP, run(DEEP, 40), UNSEEN)

    truth = [quality(architecture) for architecture in UNSEEN.values()]
    assert np.corrcoef(list(expected.values()), truth)[0, 1] > 0.8


def test_more_is_better_where_the_objective_says_so() -> None:
    of = space(
        objectives=(
            Objective(name="accuracy", direction="max"),
            Objective(name="flops", direction="min"),
        )
    )
    records = [
        record(of, number, sample(of, Random(number)), accuracy=0.9 + number / 1000)
        for number in range(5)
    ]

    expected = expected_quality(of, records, {"one": records[0].architecture})

    assert expected["one"] == pytest.approx(-0.902, abs=0.003)


def test_without_a_complete_record_all_are_equal() -> None:
    of = space()
    architecture = sample(of, Random(0))
    failed = record(of, 0, architecture, TrialError(kind="lost_worker", message="gone"))

    assert expected_quality(of, [failed], {"one": architecture}) == {"one": 0.0}


@settings(max_examples=10)
@given(st.permutations(range(12)))
def test_the_order_of_records_changes_nothing(order: list[int]) -> None:
    records = run(DEEP, 12)

    shuffled = expected_quality(DEEP, [records[place] for place in order], UNSEEN)

    assert shuffled == expected_quality(DEEP, records, UNSEEN)
