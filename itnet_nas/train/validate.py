"""Metrics of a network on one split of its task."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import torch

from itnet_nas.train.finite import NonFiniteLoss

if TYPE_CHECKING:
    from torch import Tensor, nn

    from itnet_nas.tasks.batch import Batch
    from itnet_nas.tasks.task import Split, Task
    from itnet_nas.train.device import Device


def holds(task: Task[Any], split: Split) -> bool:
    """Whether a split holds any example. What the task raises passes through."""
    return any(len(batch.target) for batch in task.eval_batches(split, 1))


@final
class Tally:
    """What a network has scored so far on one split."""

    def __init__(self, task: Task[Any], split: Split) -> None:
        self._task = task
        self._split = split
        self._sums: dict[str, float] = {}
        self._weights: dict[str, float] = {}

    def add(self, out: Tensor, batch: Batch) -> None:
        """Score what the network says of a batch."""
        for name, (total, weight) in self._task.score(out.float(), batch).items():
            self._sums[name] = self._sums.get(name, 0.0) + total
            self._weights[name] = self._weights.get(name, 0.0) + weight

    def metrics(self) -> dict[str, float]:
        """Metric name -> its value. Raises as `validate` does."""
        split = self._split
        if not self._sums:
            raise ValueError(f'the split "{split}" of {type(self._task).__name__} holds no example')
        for name, weight in self._weights.items():
            if weight == 0:
                raise ValueError(f'nothing in the split "{split}" is scored by the metric "{name}"')
        found = {name: total / self._weights[name] for name, total in self._sums.items()}
        for name, value in found.items():
            if not math.isfinite(value):
                raise NonFiniteLoss(f"{split} {name}", value)
        return found


def validate(
    network: nn.Module, task: Task[Any], split: Split, batch_size: int, device: Device
) -> dict[str, float]:
    """Metric name -> its value over every example of `split`.

    In evaluation mode, without gradients; the network's mode is put back. Raises NonFiniteLoss for
    a metric that is not finite, ValueError where a split scores nothing.
    """
    tally = Tally(task, split)
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            for batch in task.eval_batches(split, batch_size):
                here = batch.to(device.torch_device)
                with device.autocast():
                    out = network(*here.inputs, **here.beside)
                tally.add(out, here)
    finally:
        network.train(training)
    return tally.metrics()
