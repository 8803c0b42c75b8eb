"""Numbers as people read them: rounded, with SI prefixes, in columns. Imports nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
MOST_DIGITS = 6


def short(value: float, digits: int = 3) -> str:
    """`1.23 M`, `0.123`, `12`: significant digits, an SI prefix from a thousand on."""
    scaled, prefix = _scaled(value, digits)
    return f"{scaled:.12g}{prefix}"


def column(values: Sequence[float], digits: int = 3) -> list[str]:
    """The same for figures that stand below each other.

    With as many digits (up to six) as it takes to tell different figures apart, and zeros at the
    end where there is a fraction at all: `2.990`, `2.914`; `7.50 M`, `6.03 M`; `12`, `3`.
    """
    whole = all(value == round(value) for value in values)
    texts: list[str] = []
    for wanted in range(digits, MOST_DIGITS + 1):
        texts = [_padded(value, wanted, whole) for value in values]
        if len(set(texts)) == len(set(values)):
            break
    return texts


def change(value: float, digits: int = 3) -> str:
    """`+1.47 M`, `-0.00388`, `±0`: a difference, its sign always there."""
    return f"{'+' if value > 0 else '-'}{short(abs(value), digits)}" if value else "±0"


def span(low: float, high: float) -> str:
    """`4.52 M to 7.5 M`, or the one figure where there is no other."""
    ends = column([low, high])
    return ends[0] if low == high else f"{ends[0]} to {ends[1]}"


def share(part: float) -> str:
    """`25 %`, and `< 1 %` for what is little but there."""
    return "< 1 %" if 0 < part < 0.005 else f"{100 * part:.0f} %"


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def times(ratio: float) -> str:
    """`3.1`, `12`, `450`: a ratio of at least one in two digits."""
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"


def count(number: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _padded(value: float, digits: int, whole: bool) -> str:
    scaled, prefix = _scaled(value, digits)
    if whole and not prefix:
        return f"{scaled:.12g}"
    return f"{scaled:#.{digits}g}".rstrip(".") + prefix


def _scaled(value: float, digits: int) -> tuple[float, str]:
    rounded = float(f"{value:.{digits}g}")
    for factor, prefix in _PREFIXES:
        if abs(rounded) >= factor:
            return rounded / factor, f" {prefix}"
    return rounded, ""
