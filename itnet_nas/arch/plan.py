"""`Plan`: the decisions of a space, laid out once so that architectures are made in microseconds.

A decision is what can be settled on its own:

    slot        the choice at one layer, or at one place of a tied motif for all copies together;
                "absent" is one more answer where the layer is optional
    edge slot   whether an optional edge is there; inside a tied motif one answer for all copies
    repeat      how many copies stand

Nodes are numbers here: 0 the input, 1 … n the layers in the order of the space, n + 1 the output.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from itnet_nas.arch.architecture import LayerChoice, choice_text
from itnet_nas.space.space import INPUT, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.space.space import Choice, Space


@dataclass(frozen=True)
class Slot:
    """One choice to be made. `nodes` are the layers that take it: several where they are tied.

    `repeat` and `copy` say in which copy (from 1 on) of which repeat an untied layer stands; a tied
    slot has copy 1, since the first copy is always there.
    """

    nodes: tuple[int, ...]
    choices: tuple[Choice, ...]
    optional: bool
    repeat: int | None
    copy: int

    @cached_property
    def families(self) -> dict[str, list[int]]:
        """Family -> indices of its choices, both in the order of the space."""
        found: dict[str, list[int]] = defaultdict(list)
        for index, choice in enumerate(self.choices):
            found[choice.family].append(index)
        return dict(found)

    def active(self, counts: Sequence[int]) -> bool:
        """Whether the layer's copy stands at all."""
        return self.repeat is None or self.copy <= counts[self.repeat]


class Plan:
    """What of a space does not change from one architecture to the next."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.names = (INPUT, *(layer.name for layer in space.layers), OUTPUT)
        self.node = {name: index for index, name in enumerate(self.names)}
        self.output = len(self.names) - 1
        self.counts = tuple(tuple(sorted(set(repeat.counts))) for repeat in space.repeats)
        self._place: dict[int, tuple[int, int, int]] = {}  # node -> repeat, copy, place in motif
        for number, repeat in enumerate(space.repeats):
            for copy, names in enumerate(repeat.copies, start=1):
                for place, name in enumerate(names):
                    self._place[self.node[name]] = (number, copy, place)
        self.copies = tuple(
            tuple(tuple(self.node[name] for name in names) for names in repeat.copies)
            for repeat in space.repeats
        )
        self.slots = self._slots()
        self.slot_of = {node: i for i, slot in enumerate(self.slots) for node in slot.nodes}
        self.copy_of = {node: (place[0], place[1]) for node, place in self._place.items()}
        self._lay_edges()
        self.kernels = {
            node: [
                LayerChoice(name=self.names[node], family=choice.family, params=choice.params)
                for choice in space.layers[node - 1].choices
            ]
            for node in range(1, self.output)
        }
        self.index = {
            self.names[node]: {
                choice_text(choice.family, choice.params): index
                for index, choice in enumerate(space.layers[node - 1].choices)
            }
            for node in range(1, self.output)
        }

    def stands(self, node: int, choices: Sequence[int | None], counts: Sequence[int]) -> bool:
        """Whether a layer is present, by its slot's choice and its copy; the output always is."""
        if node == self.output:
            return True
        repeat, copy = self.copy_of.get(node, (None, 1))
        here = repeat is None or copy <= counts[repeat]
        return here and choices[self.slot_of[node]] is not None

    def open_edges(self, choices: Sequence[int | None], counts: Sequence[int]) -> list[bool]:
        """Per edge slot whether its answer can matter: whether a target of it is present."""
        return [
            any(self.stands(target, choices, counts) for _, target in pairs)
            for pairs in self.edge_slots
        ]

    def dispensable(self, slot: Slot) -> bool:
        """Whether the slot's layer may be missing: left out, or read along optional edges alone."""
        return slot.optional or not self.anchored.issuperset(slot.nodes)

    def _slots(self) -> tuple[Slot, ...]:
        slots: dict[object, list[int]] = defaultdict(list)
        for node in range(1, self.output):
            repeat, _, place = self._place.get(node, (None, 1, 0))
            tied = repeat is not None and self.space.repeats[repeat].tied
            slots[(repeat, place) if tied else node].append(node)
        found = []
        for nodes in slots.values():
            repeat, copy, _ = self._place.get(nodes[0], (None, 1, 0))
            layer = self.space.layers[nodes[0] - 1]
            found.append(Slot(tuple(nodes), layer.choices, layer.optional, repeat, copy))
        return tuple(found)

    def _lay_edges(self) -> None:
        """Edges into each node: those always there, and the others with their edge slot."""
        self.fixed: list[list[int]] = [[] for _ in self.names]
        self.loose: list[list[tuple[int, int]]] = [[] for _ in self.names]  # source, edge slot
        slots: dict[object, int] = {}
        members: list[list[tuple[int, int]]] = []
        for edge in self.space.edges:
            source, target = self.node[edge.source], self.node[edge.target]
            if not edge.optional:
                self.fixed[target].append(source)
                continue
            here, there = self._place.get(source), self._place.get(target)
            inside = here is not None and there is not None and here[:2] == there[:2]
            if inside and here and there and self.space.repeats[here[0]].tied:
                name: object = ("tied", here[0], here[2], there[2])
            else:
                name = (source, target)
            slot = slots.setdefault(name, len(slots))
            if slot == len(members):
                members.append([])
            members[slot].append((source, target))
            self.loose[target].append((source, slot))
        self.edge_slots = tuple(tuple(pairs) for pairs in members)
        # What a layer that is absent hands on: its fixed sources, or the first of the others.
        self.bridge = [
            fixed or [source for source, _ in loose[:1]]
            for fixed, loose in zip(self.fixed, self.loose, strict=True)
        ]
        self.anchored = {self.output}  # nodes with a way to the output that is always there
        for node in range(self.output, 0, -1):
            if node in self.anchored:
                self.anchored.update(self.fixed[node])


class ByFingerprint:
    """A space as a key of a cache: a Space holds dicts and cannot be hashed itself."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def __hash__(self) -> int:
        return hash(self.space.fingerprint)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ByFingerprint) and self.space.fingerprint == other.space.fingerprint
        )


def plan_of(space: Space) -> Plan:
    """The plan of a space, made once."""
    return _plan(ByFingerprint(space))


@lru_cache(maxsize=8)
def _plan(key: ByFingerprint) -> Plan:
    return Plan(key.space)
