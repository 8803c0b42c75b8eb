"""Several networks of one shape at once: what `torch.vmap` hands to an operation with its own rule.

An operation that treats examples apart, and has no weights, takes the examples of all networks for
those of one. That costs nothing, where a rule that is made from its code would go through each of
its lines with an axis more.

Shapes  K networks, B examples
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Dims = tuple[int | None, ...]


def in_front(count: int, in_dims: Dims, given: Sequence[Tensor]) -> list[Tensor]:
    """The axis of networks first in every tensor; one that all networks share is repeated."""
    return [
        part.expand(count, *part.shape) if dim is None else part.movedim(dim, 0)
        for part, dim in zip(given, in_dims, strict=False)
    ]


def by_network(count: int, part: Tensor, dim: int = 0) -> Tensor:
    """The axis `dim` as two, of which the first counts networks."""
    each = part.shape[dim] // count
    return part.reshape(*part.shape[:dim], count, each, *part.shape[dim + 1 :])


def more_examples(count: int, in_dims: Dims, given: Sequence[Tensor]) -> list[Tensor]:
    """(K B, …) of every tensor: the examples of all networks, network by network."""
    return [part.flatten(0, 1) for part in in_front(count, in_dims, given)]
