"""Candidates: what a surrogate is asked about before one of them is trained.

The children of the good ones, in rounds: from the second on, those of what the surrogate liked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.mutate import crossover, mutate
from itnet_nas.arch.sample import sample

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.space.space import Space

CROSSOVER = 0.3
AGAIN = 0.35  # chance of one more edit, and of another after it
TRIES = 3  # for each child that is wanted


def children(
    space: Space,
    parents: Sequence[Architecture],
    wanted: int,
    known: Collection[str],
    rng: Random,
    strangers: float = 0.0,
) -> dict[str, Architecture]:
    """At most `wanted` feasible architectures by key, none of them known.

    A share of `strangers` is drawn from the whole space, and all of them without parents.
    """
    found: dict[str, Architecture] = {}
    for _ in range(wanted * TRIES):
        if len(found) == wanted:
            break
        one = (
            sample(space, rng)
            if not parents or rng.random() < strangers
            else child(space, parents, rng)
        )
        if one.key not in known and one.key not in found and feasible(space, one):
            found[one.key] = one
    return found


def child(space: Space, parents: Sequence[Architecture], rng: Random) -> Architecture:
    """One parent or a crossover of two, and then one edit or a few."""
    one = rng.choice(parents)
    if len(parents) > 1 and rng.random() < CROSSOVER:
        one = crossover(space, one, rng.choice(parents), rng)
    one = mutate(space, one, rng)
    while rng.random() < AGAIN:
        one = mutate(space, one, rng)
    return one
