"""What the author of a task builds on. Public: covered by the compatibility promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itnet_nas.kernels.site import Domain
from itnet_nas.tasks.facts import (
    Categorical,
    Input,
    Metric,
    Real,
    Recipe,
    Target,
    TaskFacts,
)
from itnet_nas.tasks.task import (
    Split,
    Task,
    TaskParams,
    classification_loss,
    count_errors,
    sum_bits,
)

if TYPE_CHECKING:
    from itnet_nas.tasks.batch import Batch, generator, visit
    from itnet_nas.tasks.coding import Encoder, Head

_NEEDS_TORCH = {
    "Batch": "batch",
    "Encoder": "coding",
    "Head": "coding",
    "generator": "batch",
    "visit": "batch",
}

__all__ = [
    "Batch",
    "Categorical",
    "Domain",
    "Encoder",
    "Head",
    "Input",
    "Metric",
    "Real",
    "Recipe",
    "Split",
    "Target",
    "Task",
    "TaskFacts",
    "TaskParams",
    "classification_loss",
    "count_errors",
    "generator",
    "sum_bits",
    "visit",
]


def __getattr__(name: str) -> Any:
    # Those who only read facts must not pay for torch.
    if name in _NEEDS_TORCH:
        import importlib

        return getattr(importlib.import_module(f"itnet_nas.tasks.{_NEEDS_TORCH[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
