"""Costs and evaluations: families with one wrong figure or one missing word are caught."""

from typing import Any

import pytest
from support.faulty import Family, broken
from support.faulty_examined import found

# Bytes: the input moved by two positions, by one and by none, with what fills it up, and the sum.
KEPT = 4 * 8 * (23 + 22 + 21 + 21)


@pytest.mark.parametrize(
    "name", ["train_flops", "decode_flops", "traffic_bytes", "activation_bytes"]
)
def test_a_cost_left_out_is_caught(name: str) -> None:
    assert found(Family(cost={name: None}))["every_cost_is_stated"] == f"states no {name}"


def test_all_costs_left_out_are_named_together() -> None:
    cost = {"train_flops": None, "traffic_bytes": None}

    assert found(Family(cost=cost)) == {
        "every_cost_is_stated": "states no traffic_bytes and no train_flops"
    }


@pytest.mark.parametrize(
    ("cost", "why"),
    [
        (
            {"train_flops": 7391},
            "states 7391 FLOPs of training, less than twice the 3696 of a forward pass",
        ),
        (
            {"traffic_bytes": 1695},
            "states 1695 bytes moved, but input, output and weights are 1696",
        ),
        (
            {"activation_bytes": 4 * KEPT},
            f"states {4 * KEPT} bytes kept for the backward pass, the operator keeps {KEPT}",
        ),
        (
            {"activation_bytes": KEPT // 4},
            f"states {KEPT // 4} bytes kept for the backward pass, the operator keeps {KEPT}",
        ),
        ({"decode_flops": 0}, "states 0 FLOPs of a step"),
    ],
)
def test_a_wrong_figure_is_caught(cost: dict[str, Any], why: str) -> None:
    assert found(Family(cost=cost)) == {"every_cost_is_stated": why}


def test_operations_of_a_step_that_there_is_not_are_caught() -> None:
    family = Family("does not decode", cost={"decode_flops": 176})

    assert broken(family) == {
        "every_cost_is_stated": "states operations of a step, but has none",
        "step_is_forward": "it does not decode here",
    }


@pytest.mark.parametrize(
    "cost",
    [
        {"train_flops": 2 * 3696},
        {"traffic_bytes": 1696},
        {"activation_bytes": 2 * KEPT},
        {"activation_bytes": KEPT // 2},
    ],
)
def test_a_figure_at_the_edge_of_what_is_allowed_passes(cost: dict[str, Any]) -> None:
    assert found(Family(cost=cost)) == {}


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("two evaluations taken", "on cpu the evaluations ['taps', 'fft'] are taken"),
        ("no evaluation taken", "on cpu the evaluations [] are taken"),
        ("no evaluation taken on cuda", "on cuda the evaluations [] are taken"),
        ("an evaluation without a reason", 'the evaluation "fft" has no reason'),
        ("an evaluation listed twice", "an evaluation is listed twice: ['taps', 'taps']"),
    ],
)
def test_evaluations_that_do_not_say_what_happens_are_caught(fault: str, why: str) -> None:
    assert found(Family(fault)) == {"evaluations_have_reasons": why}
