"""Constraints: what they mean, and where they go wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.space.constraint import NAMES, Constraint, ConstraintError


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("params <= 1e6", True),
        ("params <= 100", True),
        ("params < 100", False),
        ("100 >= params", True),
        ("flops > 1000", False),
        ("flops >= 1000", True),
        ("flops / params <= 10", True),
        ("flops - 9 * params <= 100", True),
        ("flops - (9 + 1) * params < 0", False),
        ("2 + 3 * depth < 11", False),
        ("-depth + 4 > 0.5", True),
        ("flops - params - 900 <= 0", True),
        ("flops / params / 10 <= 1", True),
        ("+params <= .1e3", True),
        ("params / (depth - 3) < 1e9", False),
    ],
)
def test_a_constraint_is_arithmetic_and_one_comparison(text: str, holds: bool) -> None:
    assert Constraint.parse(text).holds({"params": 100, "flops": 1000, "depth": 3}) is holds


def test_names_stand_once_in_the_order_of_the_text() -> None:
    constraint = Constraint.parse("flops / params <= 2 * flops")

    assert constraint.names == ("flops", "params")
    assert constraint.text == str(constraint) == "flops / params <= 2 * flops"


@pytest.mark.parametrize(
    ("text", "computed"),
    [
        ("flops + params + state_bytes + depth <= 1", True),
        ("latency_ms <= 1", False),
        ("flops * memory_mb <= 1", False),
        ("train_seconds <= 60", False),
    ],
)
def test_a_constraint_is_computed_unless_it_names_a_measured_cost(
    text: str, computed: bool
) -> None:
    assert Constraint.parse(text).computed is computed


def test_a_figure_left_out_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Constraint.parse("flops <= 1").holds({"params": 1})


@pytest.mark.parametrize(
    ("text", "column", "message", "remedy"),
    [
        ("", 0, "expected a number or the name of a cost, found the end", "such as flops <= 50e6"),
        (
            "flop <= 3",
            0,
            'no cost is called "flop"',
            'did you mean "flops"? the figures are flops, params, state_bytes, depth, latency_ms, '
            "memory_mb, train_seconds",
        ),
        (
            "params",
            6,
            "expected <=, <, >= or >, found the end",
            "write <=, <, >= or > between two sides, such as flops <= 50e6",
        ),
        (
            "params == 3",
            7,
            "== compares nothing that is searched",
            "write <=, <, >= or > between two sides, such as flops <= 50e6",
        ),
        (
            "params = 3",
            7,
            "= compares nothing that is searched",
            "write <=, <, >= or > between two sides, such as flops <= 50e6",
        ),
        (
            "1 < params < 3",
            11,
            "expected the end, found <",
            "a constraint compares two sides once",
        ),
        (
            "(params <= 3",
            8,
            "expected ), found <=",
            "the bracket at character 1 is left open",
        ),
        (
            "params <= 3)",
            11,
            "expected the end, found )",
            "a constraint compares two sides once",
        ),
        (
            "params <= 5M",
            10,
            "expected a number or the name of a cost, found 5M",
            "such as flops <= 50e6",
        ),
        (
            "params <= __import__('os')",
            10,
            'no cost is called "__import__"',
            "the figures are flops, params, state_bytes, depth, latency_ms, memory_mb, "
            "train_seconds",
        ),
        (
            "params ** 2 <= 3",
            8,
            "expected a number or the name of a cost, found *",
            "such as flops <= 50e6",
        ),
        ("params <= 1e999", 10, "1e999 is too large", "write a smaller number"),
        (
            "1 <= 2",
            0,
            "no figure is named",
            "the figures are flops, params, state_bytes, depth, latency_ms, memory_mb, "
            "train_seconds",
        ),
        ("(" * 60 + "params", 50, "nested too deeply", "write a shorter constraint"),
    ],
)
def test_what_is_wrong_with_a_constraint_is_said_at_its_column(
    text: str, column: int, message: str, remedy: str
) -> None:
    with pytest.raises(ConstraintError) as raised:
        Constraint.parse(text)

    assert (raised.value.column, str(raised.value), raised.value.remedy) == (
        column,
        message,
        remedy,
    )


_sums = st.recursive(
    st.sampled_from(NAMES) | st.integers(1, 9).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    ),
    max_leaves=8,
)


@given(_sums, st.sampled_from(["<=", "<", ">=", ">"]), st.integers(-5, 5))
def test_a_constraint_holds_when_python_says_so(left: str, sign: str, right: int) -> None:
    figures = dict(zip(NAMES, (2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0), strict=True))

    found = Constraint.parse(f"{left} {sign} {right} + flops").holds(figures)

    assert found is eval(f"{left} {sign} {right} + flops", {}, dict(figures))


@given(st.text(max_size=20))
def test_any_text_is_a_constraint_or_an_error_within_it(text: str) -> None:
    try:
        column = len(Constraint.parse(text).text)
    except ConstraintError as error:
        column = error.column

    assert 0 <= column <= len(text)
