"""Candidates: what a surrogate is asked about before one of them is trained.

Children of the good ones, as genotypes: an architecture is made of each, but no key, which is the
dearest part. Two of them may be one architecture by another name; who trains one looks at its key.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from itnet_nas.arch.edit import draw_edit
from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import genotype_of, normal, realise
from itnet_nas.arch.mutate import cross
from itnet_nas.arch.plan import plan_of
from itnet_nas.arch.sample import sample

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.genotype import Genotype
    from itnet_nas.arch.plan import Plan
    from itnet_nas.space.space import Space

CROSSOVER = 0.3
AGAIN = 0.5  # chance of one more edit, and of another after it
TRIES = 3  # for each child that is wanted


@final
@dataclass(frozen=True)
class Candidate:
    """One that might be trained."""

    genotype: Genotype
    architecture: Architecture


def children(
    space: Space,
    parents: Sequence[Genotype],
    wanted: int,
    known: Collection[Genotype],
    rng: Random,
    strangers: float = 0.0,
) -> list[Candidate]:
    """At most `wanted` feasible ones, none of them known.

    A share of `strangers` is drawn from the whole space, and all of them without parents.
    """
    plan = plan_of(space)
    found: dict[Genotype, Candidate] = {}
    for _ in range(wanted * TRIES):
        if len(found) == wanted:
            break
        if not parents or rng.random() < strangers:
            drawn = genotype_of(space, sample(space, rng))
            assert drawn is not None  # a sample is a member
            one = drawn
        else:
            one = child(plan, parents, rng)
        if one in known or one in found:
            continue
        with contextlib.suppress(ValueError):  # it leaves no layer
            architecture = realise(space, one)
            if feasible(space, architecture):
                found[one] = Candidate(one, architecture)
    return list(found.values())


def child(plan: Plan, parents: Sequence[Genotype], rng: Random) -> Genotype:
    """One parent or a crossover of two, and then one edit or a few."""
    one = rng.choice(parents)
    if len(parents) > 1 and rng.random() < CROSSOVER:
        one = normal(plan, cross(plan, one, rng.choice(parents), rng))
    one = draw_edit(plan, one, rng)
    while rng.random() < AGAIN:
        one = draw_edit(plan, one, rng)
    return one
