"""Architectures near another one: one edit away (`edit`), or between two parents."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from itnet_nas.arch.edit import draw_edit, every_edit
from itnet_nas.arch.genotype import Genotype, genotype_of, realise
from itnet_nas.arch.plan import plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.plan import Plan
    from itnet_nas.space.space import Space

DRAWS = 8  # edits that change nothing, before every edit is tried


def mutate(space: Space, architecture: Architecture, rng: Random) -> Architecture:
    """One edit away, with another key.

    Every edit is tried before giving up; the architecture itself comes back only where no edit
    gives another key. Raises ValueError where it is no member of the space.
    """
    plan, genotype = plan_of(space), _member(space, architecture)
    for _ in range(DRAWS):
        with contextlib.suppress(ValueError):  # it leaves no layer
            mutant = realise(space, draw_edit(plan, genotype, rng))
            if mutant.key != architecture.key:
                return mutant
    for mutant in neighbours(space, architecture, rng):
        if mutant.key != architecture.key:
            return mutant
    return architecture


def neighbours(space: Space, architecture: Architecture, rng: Random) -> Iterator[Architecture]:
    """Everything one edit away, in random order; the first is drawn as an edit is.

    Some may have the key of `architecture`. Raises ValueError where it is no member of the space.
    """
    edits = list(every_edit(plan_of(space), _member(space, architecture)))
    # A draw without replacement with probabilities as the weights.
    order = sorted(edits, key=lambda edit: rng.random() ** (1 / edit[0]), reverse=True)
    for _, edited in order:
        with contextlib.suppress(ValueError):  # it leaves no layer
            yield realise(space, edited)


def crossover(space: Space, a: Architecture, b: Architecture, rng: Random) -> Architecture:
    """Each decision from one parent or the other, by a fair coin.

    A decision that is open in one parent alone comes from that one. `a` comes back where the child
    would have no layer. Raises ValueError where a parent is no member of the space.
    """
    crossed = cross(plan_of(space), _member(space, a), _member(space, b), rng)
    try:
        return realise(space, crossed)
    except ValueError:
        return a


def cross(plan: Plan, a: Genotype, b: Genotype, rng: Random) -> Genotype:
    """The genotype of a crossover; it may leave no layer."""
    parents = (a, b)
    counts = tuple(rng.choice(pair) for pair in zip(*(p.counts for p in parents), strict=True))
    choices = []
    for i, slot in enumerate(plan.slots):
        known = [p.choices[i] for p in parents if slot.active(p.counts)]
        choices.append(rng.choice(known) if known else None)
    edges = []
    open_edges = [plan.open_edges(p.choices, p.counts) for p in parents]
    for i in range(len(plan.edge_slots)):
        known_edges = [
            p.edges[i] for p, is_open in zip(parents, open_edges, strict=True) if is_open[i]
        ]
        edges.append(rng.choice(known_edges) if known_edges else False)
    return Genotype(tuple(choices), tuple(edges), counts)


def _member(space: Space, architecture: Architecture) -> Genotype:
    genotype = genotype_of(space, architecture)
    if genotype is None:
        raise ValueError(f"not a member of the space {space.name}: {architecture.label}")
    return genotype
