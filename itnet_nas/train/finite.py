"""`Watch`: losses and gradient norms of the last steps, read from the device seldom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.train.device import Device

RING = 32  # steps whose figures are kept; train_loss is their mean
CUDA_PERIOD = 16  # steps between two readings; each waits for the device


class NonFiniteLoss(ArithmeticError):
    """A figure of the training is infinite or not a number; the trial cannot go on."""

    def __init__(self, what: str, value: float, step: int | None = None) -> None:
        self.what = what
        self.value = value
        self.step = step
        place = "" if step is None else f" at step {step}"
        super().__init__(
            f"the {what} is {value}{place}; a lower learning rate or a longer warm-up may help"
        )


@final
class Watch:
    """A ring of the last RING steps on the device. Steps count from 1.

    On the CPU reading costs nothing, so every step is checked before the weights change. On CUDA
    every CUDA_PERIOD steps are read at once; the step and value that are reported are still those
    of the first bad one.
    """

    def __init__(self, device: Device) -> None:
        self.period = CUDA_PERIOD if device.is_cuda else 1
        # Row 0 holds losses, row 1 gradient norms.
        self.ring_2R = torch.zeros(2, RING, dtype=torch.float64, device=device.torch_device)
        self.noted = 0
        self.checked = 0

    def note(self, step: int, loss: Tensor, norm: Tensor) -> None:
        """Keep the figures of `step`, and check when a reading is due. Raises NonFiniteLoss."""
        slot = step % RING
        self.ring_2R[0, slot].copy_(loss.detach())
        self.ring_2R[1, slot].copy_(norm.detach())
        self.noted = step
        if step - self.checked >= self.period:
            self.check()

    def check(self) -> None:
        """Raise NonFiniteLoss for the first step since the last check that has a bad figure."""
        losses, norms = self.ring_2R.tolist()
        for step in range(self.checked + 1, self.noted + 1):
            slot = step % RING
            for what, value in (("loss", losses[slot]), ("gradient norm", norms[slot])):
                if not math.isfinite(value):
                    raise NonFiniteLoss(what, value, step)
        self.checked = self.noted

    def train_loss(self) -> float:
        """Mean loss of the last RING steps, or of all when there were fewer."""
        if self.noted >= RING:
            return float(self.ring_2R[0].mean())
        return float(self.ring_2R[0, 1 : self.noted + 1].mean())

    def restore(self, step: int, ring_2R: Tensor) -> None:
        """Go on after `step`, with the figures that were kept until then."""
        self.ring_2R.copy_(ring_2R)
        self.noted = self.checked = step
