"""Round numbers for the axis of a picture."""

from __future__ import annotations

import math

from itnet_nas.analysis.numbers import short

MANTISSAS = (
    (1.0,),
    (1.0, 3.0),
    (1.0, 2.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0),
)


def linear_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten within [low, high], about `wanted` many."""
    if not high > low:
        return [low]
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((m * power for m in (1.0, 2.0, 2.5, 5.0) if m * power >= rough), 10 * power)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def log_ticks(low: float, high: float, wanted: int = 6) -> list[float]:
    """Round numbers within [low, high], evenly spread on a logarithmic scale, at most `wanted`.

    Below a factor of two a logarithmic scale is nearly linear, and so are its ticks.
    """
    if high / low < 2:
        return linear_ticks(low, high, wanted - 1)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    fitting: list[float] = []
    for mantissas in MANTISSAS:
        ticks = [m * 10.0**e for e in exponents for m in mantissas if low <= m * 10.0**e <= high]
        if len(ticks) > wanted:
            break
        fitting = ticks
    if fitting:
        return fitting
    tens = [10.0**e for e in exponents if low <= 10.0**e <= high]
    return tens[:: math.ceil(len(tens) / wanted)]


def tick_labels(ticks: list[float]) -> list[str]:
    """Short labels with as many digits as it takes to tell neighbours apart."""
    for digits in range(2, 9):
        labels = [short(tick, digits) for tick in ticks]
        exact = all(
            math.isclose(float(f"{tick:.{digits}g}"), tick, rel_tol=1e-9, abs_tol=1e-12)
            for tick in ticks
        )
        if exact and len(set(labels)) == len(labels):
            return labels
    return [short(tick, 6) for tick in ticks]
