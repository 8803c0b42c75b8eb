"""A space as questions with numbered answers, each asked only where it is open.

What an optimiser needs that knows nothing of networks: "how many copies?", "which family?", "which
radius, given that it is a convolution?". One walk over the questions serves both ways, from answers
to a genotype and from a genotype to its answers.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from itnet_nas.arch.architecture import choice_text
from itnet_nas.arch.genotype import Genotype

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.arch.plan import Plan, Slot


class Decision(NamedTuple):
    """One question: the answers are 0 … number - 1; `ordered` where neighbours are alike."""

    name: str
    number: int
    ordered: bool = False


if TYPE_CHECKING:
    # Gets a question, and what reads its answer off a genotype in which it is open.
    Ask = Callable[[Decision, Callable[[Genotype], int]], int]


class Family(NamedTuple):
    """The choices of one family at one slot: a question for each param that varies.

    Where not every combination of values is a choice, one question names the choices.
    """

    decisions: tuple[Decision, ...]
    choice: dict[tuple[int, ...], int]  # answers -> index of the choice
    answers: dict[int, tuple[int, ...]]


def answers_of(plan: Plan, genotype: Genotype) -> dict[Decision, int]:
    """The answers that give this genotype; questions with a single answer are left out."""
    found: dict[Decision, int] = {}

    def ask(decision: Decision, read: Callable[[Genotype], int]) -> int:
        found[decision] = read(genotype)
        return found[decision]

    settle(plan, ask)
    return found


def settle(plan: Plan, ask: Ask) -> Genotype:
    """The genotype that `ask` decides on, question by question; one answer alone is not asked."""

    def one(decision: Decision, read: Callable[[Genotype], int]) -> int:
        return ask(decision, read) if decision.number > 1 else 0

    counts = [_count(plan, i, one) for i in range(len(plan.counts))]
    choices = [
        _choice(plan, i, one) if slot.active(counts) else None for i, slot in enumerate(plan.slots)
    ]
    is_open = plan.open_edges(choices, counts)
    edges = [is_open[i] and _edge(plan, i, one) for i in range(len(plan.edge_slots))]
    return Genotype(tuple(choices), tuple(edges), tuple(counts))


def _count(plan: Plan, repeat: int, ask: Ask) -> int:
    values = plan.counts[repeat]
    copies = Decision(f"{plan.space.repeats[repeat].name}: copies", len(values), ordered=True)
    return values[ask(copies, lambda g: values.index(g.counts[repeat]))]


def _edge(plan: Plan, edge: int, ask: Ask) -> bool:
    source, target = (plan.names[node] for node in plan.edge_slots[edge][0])
    return bool(ask(Decision(f"{source} to {target}", 2), lambda g: int(g.edges[edge])))


def _choice(plan: Plan, place: int, ask: Ask) -> int | None:
    """What stands at a slot whose copy is there."""
    slot = plan.slots[place]
    name = plan.names[slot.nodes[0]]
    families = list(slot.families)

    def chosen(genotype: Genotype) -> int:
        choice = genotype.choices[place]
        if choice is None:
            raise ValueError(f"{name} is absent, so it has no family")
        return choice

    if slot.optional:
        there = Decision(f"{name}: there", 2)
        if not ask(there, lambda g: int(g.choices[place] is not None)):
            return None
    which = Decision(f"{name}: family", len(families))
    family = ask(which, lambda g: families.index(slot.choices[chosen(g)].family))
    table = _families(plan, place)[families[family]]

    def answer(k: int, decision: Decision) -> int:
        return ask(decision, lambda g: table.answers[chosen(g)][k])

    answers = [answer(k, decision) for k, decision in enumerate(table.decisions)]
    return table.choice[tuple(answers)]


@lru_cache(maxsize=2_000)
def _families(plan: Plan, place: int) -> dict[str, Family]:
    slot = plan.slots[place]
    name = plan.names[slot.nodes[0]]
    return {family: _table(f"{name}: {family}", slot, family) for family in slot.families}


def _table(name: str, slot: Slot, family: str) -> Family:
    choices = slot.families[family]
    params = {index: slot.choices[index].params for index in choices}
    names = sorted({param for given in params.values() for param in given})
    values = {param: _distinct([given.get(param) for given in params.values()]) for param in names}
    varied = [param for param in names if len(values[param]) > 1]
    if math.prod(len(values[param]) for param in varied) != len(choices):
        answers: dict[int, tuple[int, ...]] = {
            index: (number,) for number, index in enumerate(choices)
        }
        decisions: tuple[Decision, ...] = (Decision(f"{name} params", len(choices)),)
    else:
        texts = {param: list(map(_text, values[param])) for param in varied}
        answers = {
            index: tuple(texts[param].index(_text(given.get(param))) for param in varied)
            for index, given in params.items()
        }
        decisions = tuple(
            Decision(f"{name} {param}", len(values[param]), all(map(_number, values[param])))
            for param in varied
        )
    return Family(decisions, {answer: index for index, answer in answers.items()}, answers)


def _distinct(values: list[Any]) -> list[Any]:
    """Each once; numbers in ascending order, others in the order of the space."""
    found = list({_text(value): value for value in values}.values())
    return sorted(found) if all(map(_number, found)) else found


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    """Tells 1, 1.0 and True apart."""
    return choice_text("", {"": value})
