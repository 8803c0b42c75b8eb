"""Shares of a few: exact binomial intervals, and how much a small count can tell apart.

    interval of k of n at confidence c    [low, high] with
        P(X ≥ k | n, low) = (1 − c)/2,      P(X ≤ k | n, high) = (1 − c)/2

so that the true share is left out in at most 1 − c of all cases, whatever it is.

Source  Clopper & Pearson 1934.
"""

from __future__ import annotations

import math
from functools import lru_cache

from itnet_nas.analysis.significance import incomplete_beta


def at_least(successes: int, trials: int, share: float) -> float:
    """P(X ≥ k) = I_p(k, n − k + 1) for X binomial with n trials of probability p."""
    if successes <= 0:
        return 1.0
    return incomplete_beta(successes, trials - successes + 1, share)


@lru_cache(maxsize=4096)
def share_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of the true share; [0, 1] where nothing was tried.

    ValueError unless 0 ≤ successes ≤ trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"a share needs 0 ≤ successes ≤ trials, got {successes} of {trials}")
    tail = 0.5 * (1.0 - confidence)
    return _low(successes, trials, tail), 1.0 - _low(trials - successes, trials, tail)


def noticed_from(trials: int, share: float, confidence: float = 0.95) -> int | None:
    """The fewest successes whose interval lies above `share`; None where not even all would do."""
    for successes in range(math.floor(share * trials), trials + 1):
        if share_interval(successes, trials, confidence)[0] > share:
            return successes
    return None


def _low(successes: int, trials: int, tail: float) -> float:
    if successes == 0:
        return 0.0
    low, high = 0.0, successes / trials
    for _ in range(60):
        middle = 0.5 * (low + high)
        if at_least(successes, trials, middle) > tail:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)
