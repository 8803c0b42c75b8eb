from __future__ import annotations

import pytest

from itnet_nas.analysis.numbers import change, column, duration, share, short, span


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (2.984, "2.98"),
        (0.12345, "0.123"),
        (999.6, "1 k"),
        (150.0, "150"),
        (1_234_567.0, "1.23 M"),
        (-2500.0, "-2.5 k"),
        (123_456_789.0, "123 M"),
    ],
)
def test_a_number_is_short(number: float, text: str) -> None:
    assert short(number) == text


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ([3.058, 2.9904, 2.9597], ["3.06", "2.99", "2.96"]),
        ([2.9140, 2.9101], ["2.914", "2.910"]),
        ([4_540_416.0, 6_030_336.0], ["4.54 M", "6.03 M"]),
        ([1_234_567.0, 1_234_568.0], ["1.23457 M", "1.23457 M"]),
        ([12.0, 3.0], ["12", "3"]),
        ([0.0, 1152.0], ["0", "1.15 k"]),
        ([0.5, 0.5], ["0.500", "0.500"]),
        ([], []),
    ],
    ids=lambda value: ",".join(map(str, value)) if value and isinstance(value[0], str) else "",
)
def test_a_column_has_the_digits_that_tell_its_figures_apart(
    numbers: list[float], texts: list[str]
) -> None:
    assert column(numbers) == texts


def test_a_change_has_its_sign() -> None:
    assert [change(v) for v in (1.471e6, -0.00388, 0.0)] == ["+1.47 M", "-0.00388", "±0"]


def test_a_span_of_one_figure_is_that_figure() -> None:
    assert span(4.522e6, 7.502e6) == "4.52 M to 7.50 M"
    assert span(2.0, 2.0) == "2"


def test_little_is_not_nothing() -> None:
    assert [share(part) for part in (0.0, 0.001, 0.25, 1.0)] == ["0 %", "< 1 %", "25 %", "100 %"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_are_in_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
