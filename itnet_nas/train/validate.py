"""Metrics of a network on one split of its task."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from itnet_nas.train.finite import NonFiniteLoss

if TYPE_CHECKING:
    from torch import nn

    from itnet_nas.tasks.task import Split, Task
    from itnet_nas.train.device import Device


def holds(task: Task[Any], split: Split) -> bool:
    """Whether a split holds any example. What the task raises passes through."""
    return any(len(batch.target) for batch in task.eval_batches(split, 1))


def validate(
    network: nn.Module, task: Task[Any], split: Split, batch_size: int, device: Device
) -> dict[str, float]:
    """Metric name -> its value over every example of `split`.

    In evaluation mode, without gradients; the network's mode is put back. Raises NonFiniteLoss for
    a metric that is not finite, ValueError where a split scores nothing.
    """
    sums: dict[str, float] = {}
    weights: dict[str, float] = {}
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            for batch in task.eval_batches(split, batch_size):
                here = batch.to(device.torch_device)
                with device.autocast():
                    out = network(*here.inputs, **here.beside)
                for name, (total, weight) in task.score(out.float(), here).items():
                    sums[name] = sums.get(name, 0.0) + total
                    weights[name] = weights.get(name, 0.0) + weight
    finally:
        network.train(training)
    if not sums:
        raise ValueError(f'the split "{split}" of {type(task).__name__} holds no example')
    for name, weight in weights.items():
        if weight == 0:
            raise ValueError(f'nothing in the split "{split}" is scored by the metric "{name}"')
    found = {name: total / weights[name] for name, total in sums.items()}
    for name, value in found.items():
        if not math.isfinite(value):
            raise NonFiniteLoss(f"{split} {name}", value)
    return found
