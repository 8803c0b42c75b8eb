"""How many architectures a space has, and all of them where they are few."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from itnet_nas.arch.genotype import Genotype, realise
from itnet_nas.arch.plan import plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.space.space import Space

ENUMERABLE = 20_000


@dataclass(frozen=True)
class Count:
    """raw       ways to answer the decisions that are open, with at least one layer present
    distinct  how many keys they give; None where `raw` is too large to try them all
    """

    raw: int
    distinct: int | None


def count(space: Space) -> Count:
    """The size of the space, constraints left aside.

    A decision is open where its answer can matter: choices of layers that are there, edges into
    them. `raw` is exact at any size; the difference to `distinct` is what a search that compares
    answers instead of keys would train twice.
    """
    raw = raw_count(space)
    distinct = sum(1 for _ in enumerate_all(space)) if raw <= ENUMERABLE else None
    return Count(raw, distinct)


def enumerate_all(space: Space) -> Iterator[Architecture]:
    """Every architecture of the space once, one per key, in an order fixed by the space."""
    seen: set[str] = set()
    for genotype in genotypes(space):
        try:
            architecture = realise(space, genotype)
        except ValueError:
            continue
        if architecture.key not in seen:
            seen.add(architecture.key)
            yield architecture


def genotypes(space: Space) -> Iterator[Genotype]:
    """Every way to answer the open decisions with at least one layer present."""
    plan = plan_of(space)
    for counts in itertools.product(*plan.counts):
        answers = [
            [*([None] if slot.optional else []), *range(len(slot.choices))]
            if slot.active(counts)
            else [None]
            for slot in plan.slots
        ]
        for choices in itertools.product(*answers):
            if all(choice is None for choice in choices):
                continue
            for edges in itertools.product(
                *([False, True] if open_ else [False] for open_ in plan.open_edges(choices, counts))
            ):
                yield Genotype(choices, edges, counts)


def raw_count(space: Space) -> int:
    """`Count.raw` alone, in microseconds.

    The product over slots outside repeats, times one sum over counts per repeat.

    The factor of a slot is choices · 2^(edges into it), and 1 more where it is optional. What has
    no layer at all is taken off, and edges into the output double the rest.
    """
    plan = plan_of(space)
    into = [0] * len(plan.names)
    tied = [0] * len(plan.slots)
    for pairs in plan.edge_slots:
        if len(pairs) > 1:
            tied[plan.slot_of[pairs[0][1]]] += 1
        else:
            into[pairs[0][1]] += 1
    outside = math.prod(
        len(slot.choices) * (1 << into[slot.nodes[0]]) + slot.optional
        for slot in plan.slots
        if slot.repeat is None
    )
    total = outside
    empty = all(slot.optional for slot in plan.slots if slot.repeat is None)
    ways = 1
    for repeat, counts in enumerate(plan.counts):
        inside = [(i, slot) for i, slot in enumerate(plan.slots) if slot.repeat == repeat]
        options = 0
        for copies in counts:
            options += math.prod(
                len(slot.choices) * (1 << tied[i] + sum(into[n] for n in slot.nodes[:copies]))
                + slot.optional
                for i, slot in inside
                if slot.copy <= copies
            )
        total *= options
        ways *= len(counts)
        empty = empty and all(slot.optional for _, slot in inside)
    return (total - (ways if empty else 0)) * (1 << into[plan.output])
