"""What an architecture costs, from the figures that a space carries: no torch, microseconds.

    params  = coding + Σ_layers (kernel + 2·2D + 2rD² + rD + D) + 2D
    flops   = coding + Σ_layers (kernel + 4·N·r·D²)
    state   = coding + Σ_layers kernel                (bytes; absent where a part cannot decode)
    depth   = layers on the longest way from the input to the output

N positions, D channels, r the ratio of the MLPs. A block is x += mixer(norm(x)); x += mlp(norm(x)),
with an MLP D → rD → D with biases; one more norm stands before the head. A norm has 2D parameters.
Norms, activations and sums count no operations.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from itnet_nas.arch.genotype import Genotype, realise
from itnet_nas.arch.plan import plan_of
from itnet_nas.space.space import INPUT, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.plan import Plan, Slot
    from itnet_nas.kernels.cost import Cost
    from itnet_nas.space.space import Space


def costs(space: Space, architecture: Architecture) -> dict[str, float]:
    """flops, params, state_bytes and depth of a member of the space.

    `state_bytes` is left out where the network cannot decode. KeyError for a foreign choice.
    """
    index = plan_of(space).index
    flops, params, state = _base(space)
    block_flops, block_params = block_cost(space)
    for layer in architecture.layers:
        place = index[layer.name][layer.text]
        cost = space.layer[layer.name].choices[place].cost
        flops += cost.flops + block_flops
        params += cost.params + block_params
        state = None if state is None or cost.state_bytes is None else state + cost.state_bytes
    found = {"flops": float(flops), "params": float(params)}
    if state is not None:
        found["state_bytes"] = float(state)
    found["depth"] = float(_depth(architecture))
    return found


def block_cost(space: Space) -> tuple[int, int]:
    """FLOPs and parameters of a block beside its kernel: two norms and an MLP."""
    length, width, ratio = space.facts.domain.length, space.width, space.mlp_ratio
    params = 4 * width + 2 * ratio * width**2 + ratio * width + width
    return 4 * length * ratio * width**2, params


def bounds(space: Space) -> dict[str, tuple[float, float]]:
    """The least and the greatest of each computed cost over the space, constraints left aside.

    Each layer is settled on its own, which is exact: every cost but `depth` is a sum over layers,
    and `depth` only grows with what is present. `state_bytes` ranges over the architectures that
    decode, and is left out where none does.
    """
    plan = plan_of(space)
    flops, params, state = _base(space)
    block_flops, block_params = block_cost(space)
    found = {
        "flops": _range(plan, flops, lambda cost: cost.flops + block_flops),
        "params": _range(plan, params, lambda cost: cost.params + block_params),
        "state_bytes": None if state is None else _range(plan, state, lambda c: c.state_bytes),
        "depth": _depth_range(space, plan),
    }
    return {name: limits for name, limits in found.items() if limits is not None}


def _base(space: Space) -> tuple[int, int, int | None]:
    """FLOPs, parameters, state of encoder, head and last norm."""
    coding = space.coding_cost
    return coding.flops, coding.params + 2 * space.width, coding.state_bytes


def _depth(architecture: Architecture) -> int:
    edges: dict[str, list[str]] = {}
    for source, target in architecture.edges:
        edges.setdefault(target, []).append(source)
    depth = {INPUT: 0}
    for layer in architecture.layers:
        depth[layer.name] = 1 + max(depth[source] for source in edges[layer.name])
    return max(depth[source] for source in edges[OUTPUT])


def _range(
    plan: Plan, base: int, figure: Callable[[Cost], int | None]
) -> tuple[float, float] | None:
    """Extremes of base + Σ figure; None where a layer that must be there has no figure at all."""
    low = high = base
    alone: list[int] = []  # what it takes at least to have the slot's layer
    must = False
    for slot in plan.slots:
        known = [value for choice in slot.choices if (value := figure(choice.cost)) is not None]
        if not known:
            if plan.dispensable(slot):
                continue
            return None
        least, most = _copies(plan, slot)
        high += most * max(known)
        alone.append(max(least, 1) * min(known))
        if least and not plan.dispensable(slot):
            must = True
            low += least * min(known)
    if not alone:
        return None
    return float(low if must else low + min(alone)), float(high)


def _copies(plan: Plan, slot: Slot) -> tuple[int, int]:
    """How many layers take the slot's choice, with the fewest copies and with the most."""
    if slot.repeat is None:
        return 1, 1
    counts = plan.counts[slot.repeat]
    if len(slot.nodes) > 1:
        return counts[0], counts[-1]
    return int(slot.copy <= counts[0]), int(slot.copy <= counts[-1])


def _depth_range(space: Space, plan: Plan) -> tuple[float, float]:
    every = Genotype(
        tuple(0 for _ in plan.slots),
        tuple(True for _ in plan.edge_slots),
        tuple(counts[-1] for counts in plan.counts),
    )
    depths = [_depth(architecture) for architecture in smallest(space)]
    return float(min(depths)), float(_depth(realise(space, every)))


def smallest(space: Space) -> list[Architecture]:
    """Members with as few layers as can be, each slot at its first choice.

    One where some layer is mandatory; else one for each layer that can stand alone.
    """
    plan = plan_of(space)
    least = tuple(counts[0] for counts in plan.counts)
    bare = tuple(None if plan.dispensable(slot) else 0 for slot in plan.slots)
    none = tuple(False for _ in plan.edge_slots)
    few = [Genotype(bare, none, least)]
    if not any(choice is not None for choice in bare):
        every = tuple(True for _ in plan.edge_slots)
        few = [
            Genotype(tuple(0 if slot is only else None for slot in plan.slots), every, least)
            for only in plan.slots
        ]
    found = []
    for genotype in few:
        with contextlib.suppress(ValueError):  # nothing reads it
            found.append(realise(space, genotype))
    return found
