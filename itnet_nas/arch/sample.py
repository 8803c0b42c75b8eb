"""Random architectures.

Each decision is drawn uniformly among its own answers and independently of the others: how many
copies, whether an optional layer is there, which of the layer's families, which of that family's
choices, whether an optional edge is there. So a family with many choices is drawn no more often
than one with few; architectures are not equally likely. Draws that leave no layer are repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.arch.genotype import Genotype, realise
from itnet_nas.arch.plan import plan_of
from itnet_nas.errors import InfeasibleError

if TYPE_CHECKING:
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.plan import Slot
    from itnet_nas.space.space import Space

EMPTY_DRAWS = 1000  # with one optional layer alone half the draws are empty: 1000 never all are


def sample(space: Space, rng: Random) -> Architecture:
    """A member of the space, whatever the constraints say.

    Raises InfeasibleError where no draw leaves a layer.
    """
    for _ in range(EMPTY_DRAWS):
        try:
            return realise(space, draw(space, rng))
        except ValueError:
            continue
    raise InfeasibleError(
        f"{space.name}: no architecture has a layer: nothing was left in {EMPTY_DRAWS} draws. "
        f"Make one layer mandatory, with edges to the output that are not optional."
    )


def draw(space: Space, rng: Random) -> Genotype:
    """The answers of one draw. They may leave no layer."""
    plan = plan_of(space)
    counts = tuple(rng.choice(counts) for counts in plan.counts)
    choices = tuple(draw_choice(slot, rng) if slot.active(counts) else None for slot in plan.slots)
    edges = tuple(rng.random() < 0.5 for _ in plan.edge_slots)
    return Genotype(choices, edges, counts)


def draw_choice(slot: Slot, rng: Random) -> int | None:
    """Present or not, then a family, then one of its choices."""
    if slot.optional and rng.random() < 0.5:
        return None
    return rng.choice(slot.families[rng.choice(list(slot.families))])
