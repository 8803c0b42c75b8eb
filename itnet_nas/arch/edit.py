"""An edit: one decision of a genotype changed.

The decision is drawn uniformly among those that are open, then its new answer:

    choice   half the time another family (uniformly, then one of its choices); else other params of
             the same family, four times out of five with a single param changed, and of a param
             that is a number seven times out of ten to the next smaller or larger value
    layer    added with a uniform choice (family, then params), or dropped
    edge     added or dropped
    count    moved to the next smaller or larger number; new copies take the choices of the last
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from itnet_nas.arch.architecture import choice_text
from itnet_nas.arch.genotype import Genotype, normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from itnet_nas.arch.plan import Plan, Slot

OTHER_FAMILY = 0.5
ONE_PARAM = 0.8
NEXT_VALUE = 0.7


def draw_edit(plan: Plan, genotype: Genotype, rng: Random) -> Genotype:
    """One edit away; the genotype itself where no decision is open. It may leave no layer."""
    decisions = _decisions(plan, genotype)
    if not decisions:
        return genotype
    kind, place = rng.choice(decisions)
    answers = _answers(plan, genotype, kind, place)
    weights = [weight for weight, _ in answers]
    (chosen,) = rng.choices(answers, weights)
    return normal(plan, chosen[1])


def every_edit(plan: Plan, genotype: Genotype) -> Iterator[tuple[float, Genotype]]:
    """Every edit with its weight; the edits of one decision weigh 1 together."""
    for kind, place in _decisions(plan, genotype):
        yield from _answers(plan, genotype, kind, place)


def _decisions(plan: Plan, genotype: Genotype) -> list[tuple[str, int]]:
    found = []
    for i, slot in enumerate(plan.slots):
        if not slot.active(genotype.counts):
            continue
        if genotype.choices[i] is None:
            found.append(("add", i))
            continue
        if len(slot.choices) > 1:
            found.append(("choice", i))
        if slot.optional:
            found.append(("drop", i))
    open_edges = plan.open_edges(genotype.choices, genotype.counts)
    found += [("edge", i) for i, is_open in enumerate(open_edges) if is_open]
    return found + [("count", i) for i, counts in enumerate(plan.counts) if len(counts) > 1]


def _answers(plan: Plan, genotype: Genotype, kind: str, place: int) -> list[tuple[float, Genotype]]:
    if kind == "edge":
        edges = list(genotype.edges)
        edges[place] = not edges[place]
        return [(1.0, replace(genotype, edges=tuple(edges)))]
    if kind == "count":
        counts = plan.counts[place]
        at = counts.index(genotype.counts[place])
        near = [counts[j] for j in (at - 1, at + 1) if 0 <= j < len(counts)]
        return [(1 / len(near), _move(plan, genotype, place, count)) for count in near]
    if kind == "drop":
        return [(1.0, _choose(genotype, place, None))]
    moves = _moves(plan, place, genotype.choices[place])
    return [(weight, _choose(genotype, place, choice)) for weight, choice in moves]


@lru_cache(maxsize=20_000)
def _moves(plan: Plan, place: int, now: int | None) -> tuple[tuple[float, int], ...]:
    slot = plan.slots[place]
    return tuple(_any(slot, list(slot.families)) if now is None else _other(slot, now))


def _any(slot: Slot, families: list[str]) -> Iterator[tuple[float, int]]:
    for family in families:
        choices = slot.families[family]
        for choice in choices:
            yield 1 / len(families) / len(choices), choice


def _other(slot: Slot, now: int) -> Iterator[tuple[float, int]]:
    """Other choices of a layer that stays."""
    family = slot.choices[now].family
    others = [name for name in slot.families if name != family]
    siblings = [choice for choice in slot.families[family] if choice != now]
    share = OTHER_FAMILY if siblings else 1.0
    for weight, choice in _any(slot, others):
        yield share * weight, choice
    rest = 1 - OTHER_FAMILY if others else 1.0
    params = slot.choices[now].params
    near: dict[str, list[int]] = defaultdict(list)  # by the one param that changed
    far: list[int] = []
    for choice in siblings:
        changed = _changed(params, slot.choices[choice].params)
        if len(changed) == 1:
            near[changed[0]].append(choice)
        else:
            far.append(choice)
    close = ONE_PARAM if near and far else 1.0
    for name, choices in near.items():
        yield from _along(slot, name, now, choices, rest * close / len(near))
    for choice in far:
        yield rest * ((1 - close) if near else 1.0) / len(far), choice


def _along(
    slot: Slot, name: str, now: int, choices: Sequence[int], share: float
) -> Iterator[tuple[float, int]]:
    """Choices that differ in one param: of numbers the next ones are likelier."""
    values = {choice: slot.choices[choice].params.get(name) for choice in (now, *choices)}
    nearest: list[int] = []
    numbers = [v for v in values.values() if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == len(values):
        order = [choice for _, choice in sorted(zip(numbers, values, strict=True))]
        at = order.index(now)
        nearest = [order[j] for j in (at - 1, at + 1) if 0 <= j < len(order)]
    rest = [choice for choice in choices if choice not in nearest]
    to_next = NEXT_VALUE if nearest and rest else 1.0 if nearest else 0.0
    for choice in nearest:
        yield share * to_next / len(nearest), choice
    for choice in rest:
        yield share * (1 - to_next) / len(rest), choice


def _changed(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """Names of params that differ; 1, 1.0 and True do."""
    return [
        name
        for name in sorted(a.keys() | b.keys())
        if choice_text("", {name: a.get(name)}) != choice_text("", {name: b.get(name)})
    ]


def _choose(genotype: Genotype, slot: int, choice: int | None) -> Genotype:
    choices = (*genotype.choices[:slot], choice, *genotype.choices[slot + 1 :])
    return Genotype(choices, genotype.edges, genotype.counts)


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
    return normal(plan, Genotype(tuple(choices), genotype.edges, tuple(counts)))
