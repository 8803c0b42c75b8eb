"""One fault at a time, in families that are whole but for it: each is caught, and named."""

from typing import Any

import pytest
from support.faulty import broken
from support.faulty_content import RIGHT, ScoresFamily
from support.faulty_examined import caught, found
from support.faulty_memory import MEMORY, MemoryFamily
from support.faulty_sharing import PeriodicFamily

from itnet_nas.axes import Content, Entry, Sharing

AMPLITUDE = (Entry.AMPLITUDE,)


@pytest.mark.parametrize("twist", ["", "begins at zero", "constant buffer", "other order"])
def test_a_harmless_change_passes(twist: str) -> None:
    assert found(MemoryFamily(twist)) == {}


def test_the_healthy_memory_can_be_exported() -> None:
    assert broken(MemoryFamily()) == {}


@pytest.mark.parametrize("reads", RIGHT)
def test_content_that_is_declared_as_it_is_passes(reads: Any) -> None:
    assert found(ScoresFamily(reads)) == {}


@pytest.mark.parametrize(
    ("twist", "check", "why"),
    [
        (
            "dead parameter",
            "every_parameter_counts",
            "the parameter spare_D changes nothing: its gradient is 0 at random weights",
        ),
        (
            "drawn and not saved",
            "copies_compute_the_same",
            "a copy by its constructor arguments and its saved weights computes otherwise",
        ),
        (
            "closure",
            "copies_compute_the_same",
            "cannot be copied by pickle: AttributeError: Can't pickle local object "
            "'Memory.__init__.<locals>.<lambda>'",
        ),
        ("input in place", "forward_leaves_things_alone", "forward changes the input in place"),
        ("counts its calls", "forward_leaves_things_alone", "forward changes b_D in place"),
        ("throws dice", "forward_leaves_things_alone", "forward draws from the global generator"),
        (
            "gradient of rubbish",
            "a_masked_position_teaches_nothing",
            "with padding, nan at masked positions changes the gradient of the input by inf",
        ),
        (
            "both ways",
            "the_future_stays_hidden",
            "in a causal domain the output at position 0 answers to the input at position 1",
        ),
        (
            "carries too much",
            "a_state_keeps_its_size",
            "declared a state of 1 numbers for each channel, but a step carries 21",
        ),
        (
            "gives out late",
            "step_is_forward",
            "decoding step by step is 4.9e-01 away from forward, from step 31 of 96 on",
        ),
        (
            "state in place",
            "forward_leaves_things_alone",
            "step changes the state that it is given in place",
        ),
    ],
)
def test_a_fault_in_the_operator_is_named(twist: str, check: str, why: str) -> None:
    assert caught(MemoryFamily(twist), check) == why


@pytest.mark.parametrize(
    ("change", "check", "why"),
    [
        (
            {"content": Content.NONE, "entry": ()},
            "content_is_as_declared",
            "declared no content, but another field changes the kernel by ",
        ),
        (
            {"content": Content.ONE_SIDED},
            "content_is_as_declared",
            "declared one-sided content, but a value at neither position changes the kernel by ",
        ),
        (
            {"entry": (Entry.SUPPORT,)},
            "content_enters_as_declared",
            "declared that content enters by the support, but two fields are answered from the "
            "same positions",
        ),
        (
            {"state_size": 2},
            "a_state_keeps_its_size",
            "declared a state of 2 numbers for each channel, but a step carries 1",
        ),
    ],
)
def test_a_memory_that_is_declared_otherwise_is_caught(
    change: dict[str, Any], check: str, why: str
) -> None:
    told = found(MemoryFamily(bias=MEMORY.model_copy(update=change)))

    assert list(told) == [check]
    assert told[check].startswith(why)


@pytest.mark.parametrize(
    ("reads", "declared", "why"),
    [
        ("none", Content.ONE_SIDED, "but the kernel is the same for two fields"),
        ("none", Content.PAIR, "but the kernel is the same for two fields"),
        ("query", Content.NONE, "but another field changes the kernel by "),
        ("query", Content.PAIR, "but the kernel does not read the value at its input position"),
        ("key", Content.PAIR, "but the kernel does not read the value at its output position"),
        ("key", Content.PATH, "but the kernel does not read the value at its output position"),
        ("pair", Content.NONE, "but another field changes the kernel by "),
        ("pair", Content.ONE_SIDED, "but the kernel reads the values at both positions"),
        ("pair", Content.PATH, "but nothing between the two positions changes the kernel"),
    ],
)
def test_content_that_is_declared_otherwise_is_caught(
    reads: Any, declared: Content, why: str
) -> None:
    family = ScoresFamily(reads, declared, () if declared is Content.NONE else AMPLITUDE)

    told = found(family)

    named = "no" if declared is Content.NONE else str(declared)
    assert list(told) == ["content_is_as_declared"]
    assert told["content_is_as_declared"].startswith(f"declared {named} content, {why}")


@pytest.mark.parametrize(
    ("reads", "entry", "why"),
    [
        (
            "threshold",
            (Entry.AMPLITUDE,),
            "another field is answered from other positions: declare that content enters by the "
            "support",
        ),
        (
            "pair",
            (Entry.TRANSITION,),
            "declared that content enters by the transition, but nothing between two positions "
            "counts for them",
        ),
        (
            "key",
            (Entry.GATE,),
            "declared that content enters by a gate, but the kernel does not read the value at "
            "its output position",
        ),
    ],
)
def test_content_that_enters_elsewhere_is_caught(
    reads: Any, entry: tuple[Entry, ...], why: str
) -> None:
    assert caught(ScoresFamily(reads, entry=entry), "content_enters_as_declared") == why


@pytest.mark.parametrize(
    ("cost", "check", "why"),
    [
        (
            {"flops": 100, "train_flops": 300},
            "no_operation_is_left_out",
            "states 100 FLOPs, torch counts 2688 in products alone",
        ),
        ({"params": 81}, "the_cost_is_the_operators", "states 81 parameters, the operator has 80"),
        (
            {"state_bytes": 0},
            "the_cost_is_the_operators",
            "states 0 bytes of state, the last step left 32",
        ),
    ],
)
def test_a_cost_that_is_none_is_caught(cost: dict[str, Any], check: str, why: str) -> None:
    assert caught(MemoryFamily(cost=cost), check) == why


def test_a_cost_that_does_not_grow_is_caught() -> None:
    fixed = {"flops": 3000, "train_flops": 9000}

    assert found(MemoryFamily(cost=fixed)) == {
        "no_operation_is_left_out": "states 3000 FLOPs at 84 positions, and 3000 at 21"
    }


@pytest.mark.parametrize(
    ("period", "declared", "why"),
    [
        (1, Sharing.PERIODIC, "declared periodic, but moving a patch changes nothing: declare "
                              "translation"),
        (3, Sharing.TRANSLATION, "declared translation-shared, but moving a patch changes its "
                                 "output by "),
        (3, Sharing.POSITION_SPECIFIC, "declared position-specific, but moving a patch by 3 "
                                       "changes nothing: declare periodic"),
        (21, Sharing.PERIODIC, "declared periodic, but no move by up to 19 positions keeps the "
                               "output of a patch"),
    ],
)  # fmt: skip
def test_sharing_that_is_declared_otherwise_is_caught(
    period: int, declared: Sharing, why: str
) -> None:
    told = found(PeriodicFamily(period, declared))

    assert list(told) == ["sharing_is_as_declared"]
    assert told["sharing_is_as_declared"].startswith(why)


@pytest.mark.parametrize(
    ("period", "declared"),
    [
        (1, Sharing.TRANSLATION),
        (3, Sharing.PERIODIC),
        (16, Sharing.PERIODIC),
        (21, Sharing.POSITION_SPECIFIC),
    ],
)
def test_sharing_that_is_declared_as_it_is_passes(period: int, declared: Sharing) -> None:
    assert found(PeriodicFamily(period, declared)) == {}
