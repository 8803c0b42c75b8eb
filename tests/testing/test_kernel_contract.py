"""Families with one fault each, and the check that catches it: the checks of what is computed."""

import subprocess
import sys
from typing import Any

import pytest
from support.faulty import WINDOW, BadSize, BallFamily, Family, NoValues, broken
from support.faulty_examined import caught, found

from itnet_nas.axes import Content, Entry, Sharing, State, Support
from itnet_nas.kernels import Domain, KernelParams, Site
from itnet_nas.testing.bench import ContractBroken, benches
from itnet_nas.testing.kernel_contract import check_family


def test_the_healthy_families_break_nothing() -> None:
    assert check_family(Family(), [{}, {"size": 2}]) == []
    assert check_family(BallFamily(), [{}]) == []


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("taps reversed", "forward_is_the_reference"),
        ("gradient lost", "gradients_are_the_reference"),
        ("gradient lost twice", "gradients_are_the_reference"),
        ("looks ahead", "the_future_stays_hidden"),
        ("looks too far", "support_is_as_declared"),
        ("knows where it is", "sharing_is_as_declared"),
        ("reads the content", "content_is_as_declared"),
        ("examples meet", "examples_do_not_meet"),
        ("mask forgotten", "a_masked_position_does_not_exist"),
        ("mask off by one", "a_masked_position_does_not_exist"),
        ("rubbish leaks", "a_masked_position_does_not_exist"),
        ("masked output", "a_masked_position_does_not_exist"),
        ("dice", "a_seed_gives_the_same_operator"),
        ("step forgets", "step_is_forward"),
        ("memory grows", "the_cost_is_the_operators"),
        ("hidden parameter", "the_cost_is_the_operators"),
        ("always double", "float32_stays_float32"),
        ("never normal", "normal_params_stay"),
        ("argument is no plain value", "arguments_are_plain"),
    ],
)
def test_a_planted_fault_in_the_operator_is_caught(fault: str, check: str) -> None:
    assert caught(Family(fault), check)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"radius": 1}, "support_is_as_declared"),
        ({"radius": 3}, "support_is_as_declared"),
        ({"support": Support.POINT, "radius": None}, "support_is_as_declared"),
        ({"support": Support.FULL, "radius": None}, "support_is_as_declared"),
        ({"sharing": Sharing.PERMUTATION}, "sharing_is_as_declared"),
        ({"sharing": Sharing.POSITION_SPECIFIC}, "sharing_is_as_declared"),
        ({"content": Content.PAIR, "entry": (Entry.AMPLITUDE,)}, "content_is_as_declared"),
        ({"dilation": 2}, "support_is_as_declared"),
        ({"state_size": 2}, "the_bias_is_whole"),
        ({"entry": (Entry.GATE,)}, "the_bias_is_whole"),
    ],
)
def test_a_wrong_declaration_is_caught(change: dict[str, Any], check: str) -> None:
    family = Family(bias=WINDOW.model_copy(update=change))

    assert list(found(family)) == [check]


def test_a_window_without_a_radius_is_caught() -> None:
    family = Family(bias=WINDOW.model_copy(update={"radius": None}))

    assert broken(family)["the_bias_is_whole"] == "window support with radius None"


def test_a_dilation_without_a_window_is_caught() -> None:
    full = {"support": Support.FULL, "radius": None, "dilation": 2}
    family = Family(bias=WINDOW.model_copy(update=full))

    assert broken(family)["the_bias_is_whole"] == "full support with dilation 2"


def test_a_declared_state_must_decode() -> None:
    linear = WINDOW.model_copy(update={"state": State.LINEAR, "state_size": 2})

    assert broken(Family("does not decode", bias=linear)) == {
        "a_state_keeps_its_size": (
            "declared linear state, but it does not decode in a causal domain"
        ),
        "step_is_forward": "it does not decode here",
    }


def test_a_declared_state_must_not_grow() -> None:
    linear = WINDOW.model_copy(update={"state": State.LINEAR, "state_size": 2})

    assert "a_state_keeps_its_size" in broken(Family("memory grows", bias=linear))


@pytest.mark.parametrize(
    ("cost", "why"),
    [
        ({"params": 87}, "states 87 parameters, the operator has 88"),
        ({"flops": 0}, "mixes positions, but states 0 FLOPs"),
        ({"state_bytes": None}, "states None bytes of state, the last step left 64"),
        ({"state_bytes": 32}, "states 32 bytes of state, the last step left 64"),
    ],
)
def test_a_wrong_cost_is_caught(cost: dict[str, Any], why: str) -> None:
    assert broken(Family(cost=cost))["the_cost_is_the_operators"] == why


@pytest.mark.parametrize("params", [BadSize, NoValues])
def test_a_param_without_legal_values_is_caught(params: type[KernelParams]) -> None:
    family = type("Other", (Family,), {"Params": params})()

    assert set(broken(family)) == {"every_param_has_values"}


def test_a_family_without_a_summary_is_caught() -> None:
    family = type("Other", (Family,), {"summary": " "})()

    assert broken(family) == {"it_says_what_it_is": "summary is not one line of text: ' '"}


def test_a_leak_is_told_with_its_positions() -> None:
    assert broken(Family("looks ahead"))["the_future_stays_hidden"] == (
        "in a causal domain the output at position 0 answers to the input at position 1"
    )


def test_a_case_that_no_site_accepts_is_an_error() -> None:
    grid = Site(domain=Domain(kind="grid", shape=(3, 3)), width=8)

    with pytest.raises(ContractBroken) as raised:
        benches(Family(), [{}], (grid,))

    assert (
        str(raised.value)
        == "Size(size=1) stands at none of the sites: grid of 3 x 3: it looks back"
    )


@pytest.mark.slow
def test_the_checks_run_without_pytest() -> None:
    code = (
        "import sys; from itnet_nas.testing.kernel_contract import check_family;"
        "from itnet_kernels.identity import FAMILY; print(check_family(FAMILY, [{}]));"
        "print('pytest' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.split() == ["[]", "False"]
