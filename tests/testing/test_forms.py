"""Factors, half precision, packing, moves and exports: families with one fault each are caught."""

from typing import Any

import pytest
from support.faulty import BallFamily, Family, broken

from itnet_nas.testing import forms
from itnet_nas.testing.bench import benches


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("factor K reversed", "with no mask, forward is 1.0e+00 away from the dense kernel"),
        (
            "factors V and O exchanged",
            "with no mask, forward is 9.3e-01 away from the dense kernel",
        ),
        (
            "factors without a gradient",
            "with no mask, the gradient of the input is 4.8e-02 away from that of the dense kernel",
        ),
    ],
)
def test_wrong_factors_are_caught(fault: str, why: str) -> None:
    assert broken(Family(fault)) == {"forward_is_the_dense_kernel": why}


def test_a_family_without_factors_is_caught() -> None:
    assert broken(Family("no factors")) == {
        "forward_is_the_dense_kernel": "NotImplementedError: Window does not state its kernel"
    }


def test_a_running_sum_that_autocast_rounds_is_caught_where_it_has_grown() -> None:
    assert broken(Family("rounded sums")) == {
        "bfloat16_is_close": (
            "under autocast to bfloat16, the output at 256 positions is 3.9e-02 away from float32"
        )
    }


def test_an_output_that_half_precision_cannot_hold_is_caught() -> None:
    assert broken(Family("overflows when half")) == {
        "bfloat16_is_close": (
            "under autocast to bfloat16, the output at 21 positions is not finite"
        )
    }


def test_a_mean_over_padding_too_is_caught_beside_another_example() -> None:
    """No value at a masked position changes it, only how many of them there are."""
    assert broken(Family("counts padding"))["packed_examples_do_not_meet"] == (
        "an example of 7 positions packed beside another is 3.0e-01 away from itself alone"
    )


def test_a_mask_that_is_obeyed_in_part_is_caught_beside_another_example() -> None:
    assert broken(BallFamily("places of masked points leak"))["packed_examples_do_not_meet"] == (
        "an example of 3 positions packed beside another is 7.1e-01 away from itself alone"
    )


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("a move that changes the function", "size -> 3: changes the output by 2.0e-02"),
        ("a move to nowhere", "size -> 3: leads nowhere"),
        ("a move that is refused", "size -> 3: is refused there: it is too large"),
        ("a move to another family", "size -> 3: leads to OtherSize(size=3)"),
    ],
)
def test_a_wrong_move_is_caught(fault: str, why: str) -> None:
    assert broken(Family(fault)) == {"morphisms_keep_the_function": why}


def test_a_move_that_loses_a_weight_is_caught() -> None:
    why = broken(Family("a move that loses a weight"))["morphisms_keep_the_function"]

    assert 'Missing key(s) in state_dict: "m_DD"' in why


def test_a_branch_on_a_value_cannot_be_exported() -> None:
    why = broken(Family("branches on a value"))

    assert list(why) == ["it_can_be_exported"]
    assert why["it_can_be_exported"].startswith("torch.export: GuardOnDataDependentSymNode: ")
    assert "\n" not in why["it_can_be_exported"]


def test_exporting_leaves_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    (bench,) = benches(Family(), [{}])

    forms.it_can_be_exported(bench)

    assert not caplog.records


@pytest.mark.parametrize("fault", ["", "branches on a value"])
def test_exporting_prints_nothing(fault: str, capfd: pytest.CaptureFixture[str]) -> None:
    family: Any = Family(fault)

    found = broken(family)

    assert bool(found) == bool(fault)
    assert "def forward" not in "".join(capfd.readouterr())
