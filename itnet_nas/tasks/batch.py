"""`Batch`, and the order in which a finite set of examples is visited."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Some examples of a task.

    inputs    one tensor per declared input: int64 (B, N), or float32 (B, N, channels)
    target    int64 (B, N) or (B,), -100 where nothing is scored; or float32 (B, N, size), (B, size)
    mask      bool (B, N), True where a position is real; None when all are
    places    float32 (B, N, A), where the points of a cloud stand; None for any other domain
    segments  int64 (B, N), the same number within each of the examples that are packed in a row;
              None when a row is one example. Such a target stands at every position.
    """

    inputs: tuple[Tensor, ...]
    target: Tensor
    mask: Tensor | None = None
    places: Tensor | None = None
    segments: Tensor | None = None

    @property
    def beside(self) -> dict[str, Tensor | None]:
        """What a network is told beside its inputs: `network(*batch.inputs, **batch.beside)`."""
        return {"mask_BN": self.mask, "x_BNA": self.places, "segment_BN": self.segments}

    def to(self, device: torch.device) -> Batch:
        """The same examples on `device`."""

        def move(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device, non_blocking=True)

        return Batch(
            tuple(tensor.to(device, non_blocking=True) for tensor in self.inputs),
            self.target.to(device, non_blocking=True),
            move(self.mask),
            move(self.places),
            move(self.segments),
        )


def generator(*seed: int) -> torch.Generator:
    """A CPU generator whose stream is fixed by the tuple of integers."""
    mixed = 0
    for part in seed:
        # Any odd multiplier of full width spreads nearby seeds; Python's hash() is not promised.
        mixed = (mixed * 6364136223846793005 + part + 1442695040888963407) % 2**63
    return torch.Generator().manual_seed(mixed)


@lru_cache(maxsize=4)
def _epoch(n: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(n, generator=generator(seed, epoch))


def visit(n: int, batch_size: int, seed: int, step: int) -> Tensor:
    """Indices of the examples of optimiser step `step`: (batch_size,) int64.

    Each epoch visits every example once in an order of its own, fixed by `seed`. A function of its
    arguments alone, so training can be resumed at any step.
    """
    first = step * batch_size
    places = torch.arange(first, first + batch_size)
    epochs, offsets = places // n, places % n
    found = torch.empty(batch_size, dtype=torch.int64)
    for epoch in sorted(set(epochs.tolist())):
        here = epochs == epoch
        found[here] = _epoch(n, seed, epoch)[offsets[here]]
    return found
