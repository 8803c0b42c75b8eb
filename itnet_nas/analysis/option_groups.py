"""What a search may decide at one place, as groups of options.

A layer's choice says several things at once: a family, and through it a value on each axis. Each of
them splits the choices of the layer into options:

    presence   there, left out                          where the layer is optional
    family     one option per family                    where there is more than one
    an axis    one per value of the declared bias       where there is more than one
    a param    one per value                            where the layer has one family alone

Params of a family are averaged within its option. A motif's number of copies, and an optional edge,
are places of their own. Splits of one layer that are the same, as when its only window family is
also its only translation family, cannot be told apart by any number of trials: they are one group
with several names.

Weights are those of `arch.sample`: within a layer that is there, a family first and then one of its
choices, so P(choice) = 1 / (families × choices of its family). A value of an axis is therefore the
average over the families that have it, weighted as they are drawn.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, final

from itnet_nas.arch.genotype import Genotype
from itnet_nas.arch.plan import plan_of
from itnet_nas.axes import AXES

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from itnet_nas.arch.plan import Plan, Slot
    from itnet_nas.space.space import Choice, Space

Answer = int | bool | None  # of a slot, a repeat or an edge slot, as in `Genotype`

_FIELDS = ("choices", "edges", "counts")
THERE, LEFT_OUT = "there", "left out"


@final
@dataclass(frozen=True)
class Decision:
    """One answer of a genotype: which field of it, and at which index."""

    field: Literal["choices", "edges", "counts"]
    index: int

    def answer(self, genotype: Genotype) -> Answer:
        """What the genotype says."""
        found: Answer = getattr(genotype, self.field)[self.index]
        return found

    def given(self, genotype: Genotype, answer: Answer) -> Genotype:
        """The genotype with another answer."""
        fields: list[Any] = [genotype.choices, genotype.edges, genotype.counts]
        place = _FIELDS.index(self.field)
        answers: list[Any] = list(fields[place])
        answers[self.index] = answer
        fields[place] = tuple(answers)
        return Genotype(*fields)  # `dataclasses.replace` takes three times as long

    def open(self, plan: Plan, genotype: Genotype) -> bool:
        """Whether its answer can matter."""
        if self.field == "choices":
            return plan.slots[self.index].active(genotype.counts)
        if self.field == "edges":
            return plan.open_edges(genotype.choices, genotype.counts)[self.index]
        return True


@final
@dataclass(frozen=True)
class Option:
    """One value. `answers` are those that have it, each with its probability given the option.

    `families` are those of a layer that may have it.
    """

    name: str
    probability: float
    answers: tuple[tuple[Answer, float], ...]
    families: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class Group:
    """Options that exclude each other; their probabilities add up to 1.

    place   a layer, `a > b` for an edge, or a motif
    of      presence, family, an axis, a param, edge, copies: several where they split alike
    """

    place: str
    of: tuple[str, ...]
    decision: Decision
    options: tuple[Option, ...]

    @property
    def name(self) -> str:
        """`mix1 support`, `mix1 family = content`."""
        return f"{self.place} {self.what}"

    @property
    def what(self) -> str:
        """`support`, `family = content`."""
        return " = ".join(self.of)

    def option_of(self, answer: Answer) -> int | None:
        """Index of the option that an answer has; None where it has none, as an absent layer."""
        return self._index.get(answer)

    @cached_property
    def _index(self) -> dict[Answer, int]:
        return {a: i for i, one in enumerate(self.options) for a, _ in one.answers}

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Of the options, in their order."""
        return tuple(option.probability for option in self.options)


def groups_of(space: Space) -> tuple[Group, ...]:
    """Every group of a space with at least two options: layers in order, then motifs and edges."""
    plan = plan_of(space)
    found: list[Group] = []
    for index, slot in enumerate(plan.slots):
        found += _of_layer(plan.names[slot.nodes[0]], Decision("choices", index), slot)
    for index, (repeat, counts) in enumerate(zip(space.repeats, plan.counts, strict=True)):
        if len(counts) > 1:
            options = tuple(Option(str(n), 1 / len(counts), ((n, 1.0),)) for n in counts)
            found.append(Group(repeat.name, ("copies",), Decision("counts", index), options))
    for index, pairs in enumerate(plan.edge_slots):
        source, target = (plan.names[node] for node in pairs[0])
        options = (Option(THERE, 0.5, ((True, 1.0),)), Option(LEFT_OUT, 0.5, ((False, 1.0),)))
        found.append(Group(f"{source} > {target}", ("edge",), Decision("edges", index), options))
    return tuple(found)


def whole_of(space: Space, decision: Decision) -> tuple[tuple[Answer, float], ...]:
    """Every answer of a decision that is open, with its probability."""
    plan = plan_of(space)
    if decision.field == "edges":
        return ((True, 0.5), (False, 0.5))
    if decision.field == "counts":
        counts = plan.counts[decision.index]
        return tuple((count, 1 / len(counts)) for count in counts)
    slot = plan.slots[decision.index]
    there = 0.5 if slot.optional else 1.0
    found: list[tuple[Answer, float]] = [(i, there * w) for i, w in enumerate(_weights(slot))]
    return tuple(found) if there == 1.0 else (*found, (None, 0.5))


def _of_layer(name: str, decision: Decision, slot: Slot) -> Iterator[Group]:
    weights = _weights(slot)
    if slot.optional:
        there = Option(THERE, 0.5, tuple(enumerate(weights)))
        yield Group(name, ("presence",), decision, (there, Option(LEFT_OUT, 0.5, ((None, 1.0),))))
    alike: dict[tuple[int, ...], list[tuple[str, list[str]]]] = defaultdict(list)
    for what, values in _splits(slot.choices):
        split = _partition(values)
        if max(split) > 0:
            alike[split].append((what, values))
    for split, members in alike.items():
        options = []
        for part in range(max(split) + 1):
            answers = [i for i, of in enumerate(split) if of == part]
            total = sum(weights[i] for i in answers)
            label = " · ".join(dict.fromkeys(values[answers[0]] for _, values in members))
            within = tuple((i, weights[i] / total) for i in answers)
            families = tuple(dict.fromkeys(slot.choices[i].family for i in answers))
            options.append(Option(label, total, within, families))
        yield Group(name, tuple(what for what, _ in members), decision, tuple(options))


def _splits(choices: Sequence[Choice]) -> Iterator[tuple[str, list[str]]]:
    families = [choice.family for choice in choices]
    yield "family", families
    for axis in AXES:
        yield axis, [str(getattr(choice.bias, axis)) for choice in choices]
    if len(set(families)) == 1:
        for param in dict.fromkeys(name for choice in choices for name in choice.params):
            yield param, [_param(choice, param) for choice in choices]


def _param(choice: Choice, name: str) -> str:
    if name not in choice.params:
        return f"no {name}"
    value = choice.params[name]
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _weights(slot: Slot) -> list[float]:
    """Probability of each choice of a layer that is there."""
    count = len(slot.families)
    size = {family: len(places) for family, places in slot.families.items()}
    return [1 / count / size[choice.family] for choice in slot.choices]


def _partition(values: Sequence[Hashable]) -> tuple[int, ...]:
    first: dict[Hashable, int] = {}
    return tuple(first.setdefault(value, len(first)) for value in values)
