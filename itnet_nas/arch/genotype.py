"""`Genotype`: the answers to a space's decisions; and the architecture that they give.

From answers to architecture:

- A layer is absent when it is optional and left out, or stands in a copy beyond the count.
- Who reads an absent layer reads its sources instead, and so on down to layers that are there or
  to the input. Optional edges into an absent layer go with it; they carry nothing on.
- A node whose edges are all optional keeps the first of them when all are left out.
- A layer that nothing reads any more is absent as well: it would cost and have no effect.
- At least one layer must be there. A network without any is no member of a space.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.plan import plan_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.arch.plan import Plan
    from itnet_nas.axes import Bias
    from itnet_nas.space.space import Space

_NAME = attrgetter("name")


@dataclass(frozen=True)
class Genotype:
    """One answer per decision, in the order of `Plan`.

    choices  per slot the index of its choice; None where the layer is absent
    edges    per edge slot whether the edge is there; False where its target is absent
    counts   per repeat how many copies stand
    """

    choices: tuple[int | None, ...]
    edges: tuple[bool, ...]
    counts: tuple[int, ...]


def realise(space: Space, genotype: Genotype) -> Architecture:
    """The architecture that the answers give. Raises ValueError where no layer is left."""
    plan = plan_of(space)
    chosen = _present(plan, genotype.choices, genotype.counts)
    return _build(plan, chosen, genotype.edges)


def genotype_of(space: Space, architecture: Architecture) -> Genotype | None:
    """Answers that give the architecture; None when no answers do.

    Where several do, the one with the fewest copies and the most edges.
    """
    if (architecture.width, architecture.mlp_ratio) != (space.width, space.mlp_ratio):
        return None
    plan = plan_of(space)
    chosen: dict[int, int] = {}
    for layer in architecture.layers:
        index = plan.index.get(layer.name, {}).get(layer.text)
        if index is None:
            return None
        chosen[plan.node[layer.name]] = index
    counts = _counts(plan, chosen)
    if counts is None:
        return None
    choices = tuple(
        _slot_choice(slot.nodes, slot.optional, chosen) if slot.active(counts) else None
        for slot in plan.slots
    )
    edges = _edges(plan, _present(plan, choices, counts), architecture)
    found = Genotype(choices, edges, counts)
    try:
        again = realise(space, found)
    except ValueError:
        return None
    same_layers = sorted(again.layers, key=_NAME) == sorted(architecture.layers, key=_NAME)
    same_edges = sorted(again.edges) == sorted(architecture.edges)
    return found if same_layers and same_edges else None


def contains(space: Space, architecture: Architecture) -> bool:
    """Whether the architecture is a member of the space, whatever the constraints say."""
    return genotype_of(space, architecture) is not None


def bias_of(space: Space, architecture: Architecture) -> dict[str, Bias]:
    """Layer -> its declared bias, for each layer that is present. KeyError for a foreign choice."""
    plan = plan_of(space)
    return {
        layer.name: space.layer[layer.name].choices[plan.index[layer.name][layer.text]].bias
        for layer in architecture.layers
    }


def normal(plan: Plan, genotype: Genotype) -> Genotype:
    """The same answers with those that decide nothing set to None and False."""
    choices = tuple(
        choice if slot.active(genotype.counts) else None
        for slot, choice in zip(plan.slots, genotype.choices, strict=True)
    )
    open_edges = plan.open_edges(choices, genotype.counts)
    edges = tuple(a and b for a, b in zip(genotype.edges, open_edges, strict=True))
    return Genotype(choices, edges, genotype.counts)


def _present(plan: Plan, choices: Sequence[int | None], counts: Sequence[int]) -> dict[int, int]:
    """Node -> index of its choice, for the layers that are there, in topological order."""
    return {
        node: choice
        for node in range(1, plan.output)
        if plan.stands(node, choices, counts)
        and (choice := choices[plan.slot_of[node]]) is not None
    }


def _resolve(plan: Plan, chosen: dict[int, int]) -> list[tuple[int, ...]]:
    """For each node what a reader of it really reads: itself, or its sources where it is absent."""
    found: list[tuple[int, ...]] = [(0,)]
    for node in range(1, plan.output):
        if node in chosen:
            found.append((node,))
        else:
            found.append(
                tuple({end: None for source in plan.bridge[node] for end in found[source]})
            )
    return found


def _build(plan: Plan, chosen: dict[int, int], edges: Sequence[bool]) -> Architecture:
    ends = _resolve(plan, chosen)
    sources: dict[int, set[int]] = {}
    needed = {plan.output}
    for node in (plan.output, *reversed(chosen)):
        if node not in needed:
            continue
        read = plan.fixed[node] + [source for source, slot in plan.loose[node] if edges[slot]]
        sources[node] = {end for source in read or plan.bridge[node] for end in ends[source]}
        needed |= sources[node]
    layers = tuple(plan.kernels[node][choice] for node, choice in chosen.items() if node in needed)
    if not layers:
        raise ValueError("no layer is left: at least one must be present")
    names = plan.names
    return Architecture(
        width=plan.space.width,
        mlp_ratio=plan.space.mlp_ratio,
        layers=layers,
        edges=tuple(sorted((names[s], names[node]) for node in sources for s in sources[node])),
    )


def _counts(plan: Plan, chosen: dict[int, int]) -> tuple[int, ...] | None:
    """Per repeat the least count that covers the copies in use."""
    used = [1] * len(plan.counts)
    for node in chosen:
        repeat, copy = plan.copy_of.get(node, (None, 1))
        if repeat is not None:
            used[repeat] = max(used[repeat], copy)
    found = []
    for least, counts in zip(used, plan.counts, strict=True):
        enough = [count for count in counts if count >= least]
        if not enough:
            return None
        found.append(enough[0])
    return tuple(found)


def _slot_choice(nodes: Sequence[int], optional: bool, chosen: dict[int, int]) -> int | None:
    for node in nodes:
        if node in chosen:
            return chosen[node]
    # A layer that must be there but is not can only be one that nothing reads: any choice will do.
    return None if optional else 0


def _edges(plan: Plan, chosen: dict[int, int], architecture: Architecture) -> tuple[bool, ...]:
    """An edge counts as there when all that it would bring is among its target's sources."""
    actual: dict[str, set[str]] = {}
    for source, target in architecture.edges:
        actual.setdefault(target, set()).add(source)
    ends = _resolve(plan, chosen)
    found = []
    for pairs in plan.edge_slots:
        live = [pair for pair in pairs if pair[1] == plan.output or pair[1] in chosen]
        found.append(
            bool(live)
            and all(
                {plan.names[end] for end in ends[source]} <= actual.get(plan.names[target], set())
                for source, target in live
            )
        )
    return tuple(found)
