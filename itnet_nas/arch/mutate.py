"""Architectures near another one: one edit away, or between two parents.

An edit changes one decision. The decision is drawn uniformly among those that are open in the
architecture, then its new answer:

    choice   half the time another family (uniformly, then one of its choices); else other params of
             the same family, four times out of five with a single param changed
    layer    added with a uniform choice (family, then params), or dropped
    edge     added or dropped
    count    moved to the next smaller or larger number; new copies take the choices of the last
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from itnet_nas.arch.genotype import Genotype, genotype_of, normal, realise
from itnet_nas.arch.plan import plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.plan import Plan, Slot
    from itnet_nas.space.space import Space

OTHER_FAMILY = 0.5
ONE_PARAM = 0.8


def mutate(space: Space, architecture: Architecture, rng: Random) -> Architecture:
    """One edit away, with another key.

    Every edit is tried before giving up; the architecture itself comes back only where no edit
    gives another key. Raises ValueError where it is no member of the space.
    """
    for mutant in neighbours(space, architecture, rng):
        if mutant.key != architecture.key:
            return mutant
    return architecture


def neighbours(space: Space, architecture: Architecture, rng: Random) -> Iterator[Architecture]:
    """Everything one edit away, in random order; the first is drawn as the top of the file says.

    Some may have the key of `architecture`. Raises ValueError where it is no member of the space.
    """
    edits = list(_edits(plan_of(space), _member(space, architecture)))
    # Sorting by u^(1/w) draws without replacement with probabilities as the weights.
    order = sorted(edits, key=lambda edit: rng.random() ** (1 / edit[0]), reverse=True)
    for _, edited in order:
        with contextlib.suppress(ValueError):  # it leaves no layer
            yield realise(space, edited)


def crossover(space: Space, a: Architecture, b: Architecture, rng: Random) -> Architecture:
    """Each decision from one parent or the other, by a fair coin.

    A decision that is open in one parent alone comes from that one. `a` comes back where the child
    would have no layer. Raises ValueError where a parent is no member of the space.
    """
    plan = plan_of(space)
    parents = (_member(space, a), _member(space, b))
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
    try:
        return realise(space, Genotype(tuple(choices), tuple(edges), counts))
    except ValueError:
        return a


def _member(space: Space, architecture: Architecture) -> Genotype:
    genotype = genotype_of(space, architecture)
    if genotype is None:
        raise ValueError(f"not a member of the space {space.name}: {architecture.label}")
    return genotype


def _edits(plan: Plan, genotype: Genotype) -> Iterator[tuple[float, Genotype]]:
    """Every edit with its weight; the edits of one decision weigh 1 together."""
    for i, slot in enumerate(plan.slots):
        if not slot.active(genotype.counts):
            continue
        now = genotype.choices[i]
        if now is None:
            for weight, choice in _any(slot, list(slot.families)):
                yield weight, _choose(genotype, i, choice)
            continue
        for weight, choice in _other(slot, now):
            yield weight, _choose(genotype, i, choice)
        if slot.optional:
            yield 1.0, _choose(genotype, i, None)
    for i, is_open in enumerate(plan.open_edges(genotype.choices, genotype.counts)):
        if is_open:
            edges = list(genotype.edges)
            edges[i] = not edges[i]
            yield 1.0, replace(genotype, edges=tuple(edges))
    for i, counts in enumerate(plan.counts):
        place = counts.index(genotype.counts[i])
        near = [counts[j] for j in (place - 1, place + 1) if 0 <= j < len(counts)]
        for count in near:
            yield 1 / len(near), _move(plan, genotype, i, count)


def _any(slot: Slot, families: list[str]) -> Iterator[tuple[float, int]]:
    for family in families:
        choices = slot.families[family]
        for choice in choices:
            yield 1 / len(families) / len(choices), choice


def _other(slot: Slot, now: int) -> Iterator[tuple[float, int]]:
    """Other choices of a layer that stays."""
    family = slot.choices[now].family
    others = [name for name in slot.families if name != family]
    params = slot.choices[now].params
    near: list[int] = []
    far: list[int] = []
    for choice in slot.families[family]:
        if choice != now:
            changed = _changed(params, slot.choices[choice].params)
            (near if changed == 1 else far).append(choice)
    siblings = bool(near or far)
    share = OTHER_FAMILY if siblings else 1.0
    for weight, choice in _any(slot, others):
        yield share * weight, choice
    rest = 1 - OTHER_FAMILY if others else 1.0
    close = ONE_PARAM if near and far else 1.0
    for choice in near:
        yield rest * close / len(near), choice
    for choice in far:
        yield rest * ((1 - close) if near else 1.0) / len(far), choice


def _changed(a: dict[str, object], b: dict[str, object]) -> int:
    return sum(a.get(name) != b.get(name) for name in a.keys() | b.keys())


def _choose(genotype: Genotype, slot: int, choice: int | None) -> Genotype:
    choices = list(genotype.choices)
    choices[slot] = choice
    return replace(genotype, choices=tuple(choices))


def _move(plan: Plan, genotype: Genotype, repeat: int, count: int) -> Genotype:
    """Another number of copies; new ones repeat the last of the old."""
    before = genotype.counts[repeat]
    counts = list(genotype.counts)
    counts[repeat] = count
    choices = list(genotype.choices)
    copies = plan.copies[repeat]
    for new in range(before, count):
        for old_node, new_node in zip(copies[before - 1], copies[new], strict=True):
            choices[plan.slot_of[new_node]] = choices[plan.slot_of[old_node]]
    moved = Genotype(tuple(choices), genotype.edges, tuple(counts))
    return normal(plan, moved)
