"""The first trial of a kernel family: how one that joins a running search comes to be tried.

Children of good parents have what the parents have; a family that was installed in the middle of a
search would wait for a lucky edit, long where many families are offered. So a family that no trial
has yet comes first: a parent with it at one layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.mutate import neighbours

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.space.space import Space


def newcomer(
    space: Space,
    parents: Sequence[Architecture],
    tried: Sequence[Architecture],
    known: Collection[str],
    rng: Random,
) -> Architecture | None:
    """A feasible architecture one edit from a parent, with a family that is in none of `tried`.

    The best parent that has such a neighbour; None where every family was tried, or none has one.
    Draws nothing from `rng` where every family was tried.
    """
    offered = {choice.family for layer in space.layers for choice in layer.choices}
    fresh = offered - {layer.family for one in tried for layer in one.layers}
    for parent in parents if fresh else ():
        for near in neighbours(space, parent, rng):
            new = any(layer.family in fresh for layer in near.layers)
            if new and near.key not in known and feasible(space, near):
                return near
    return None
