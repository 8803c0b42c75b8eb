"""The van der Corput sequence: any stretch of it covers the unit interval evenly.

Source  van der Corput, Verteilungsfunktionen, 1935.
"""

from __future__ import annotations


def van_der_corput(index: int) -> float:
    """The binary digits of an index mirrored at the point: 0, 1/2, 1/4, 3/4, 1/8, … in [0, 1)."""
    value, step = 0.0, 0.5
    while index:
        index, digit = divmod(index, 2)
        value += digit * step
        step /= 2
    return value
