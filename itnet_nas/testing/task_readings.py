"""What the contract of tasks reads from a task: its examples, its coding, its scores.

An example is known by a hash, so that whole splits can be compared without being kept.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import torch

from itnet_nas.tasks.facts import Categorical

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.tasks.batch import Batch
    from itnet_nas.tasks.task import Split, Task

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
WIDTH = 8  # channels between encoder and head
IGNORED = -100  # a class that is not scored


def digests(batch: Batch) -> list[str]:
    """One hash per example, over its inputs, what stands beside them, and its target."""
    return _hash_rows([*batch.inputs, *_beside(batch), batch.target])


def input_digests(batch: Batch) -> list[str]:
    """One hash per example, over its inputs and what stands beside them."""
    return _hash_rows([*batch.inputs, *_beside(batch)])


def examples(task: Task[Any], split: Split, batch_size: int) -> list[str]:
    """The hashes of a whole split, in its order."""
    batches = task.eval_batches(split, batch_size)
    return [digest for batch in batches for digest in digests(batch)]


def inputs(task: Task[Any], split: Split, batch_size: int) -> set[str]:
    """The hashes of the inputs of a whole split."""
    batches = task.eval_batches(split, batch_size)
    return {digest for batch in batches for digest in input_digests(batch)}


def coding(task: Task[Any]) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Encoder and head, always with the same initial weights."""
    torch.manual_seed(0)
    return task.encoder(WIDTH), task.head(WIDTH)


@torch.no_grad()
def totals(
    task: Task[Any], encoder: torch.nn.Module, head: torch.nn.Module, batch_size: int
) -> dict[str, tuple[float, float]]:
    """Sum and weight of every metric over validation, with nothing between encoder and head."""
    total: dict[str, tuple[float, float]] = {}
    for batch in task.eval_batches("validation", batch_size):
        out = head(encoder(*batch.inputs), batch.mask)
        for name, (part, weight) in task.score(out, batch).items():
            before = total.get(name, (0.0, 0.0))
            total[name] = (before[0] + part, before[1] + weight)
    return total


def check_form(task: Task[Any], batch: Batch, size: int) -> None:
    """A batch of `size` examples has the shapes, types and ranges that the facts declare."""
    facts = task.facts()
    length, target = facts.domain.length, facts.target
    assert len(batch.inputs) == len(facts.inputs), "as many tensors as inputs are declared"
    for item, tensor in zip(facts.inputs, batch.inputs, strict=True):
        if isinstance(item, Categorical):
            _is("an input", tensor, torch.int64, (size, length))
            assert tensor.min() >= 0, f"an input holds the symbol {tensor.min()}"
            assert tensor.max() < item.classes, f"an input holds the symbol {tensor.max()}"
        else:
            _is("an input", tensor, torch.float32, (size, length, item.channels))
            assert tensor.isfinite().all(), "an input holds numbers that are not finite"
    places = (size, length) if target.where == "per_position" else (size,)
    if target.kind == "classes":
        _is("the target", batch.target, torch.int64, places)
        scored = batch.target[batch.target != IGNORED]
        assert len(scored), "a batch without a single scored target"
        assert scored.min() >= 0, f"the target holds the class {scored.min()}"
        assert scored.max() < target.size, f"the target holds the class {scored.max()}"
    else:
        _is("the target", batch.target, torch.float32, (*places, target.size))
        assert batch.target.isfinite().all(), "the target holds numbers that are not finite"
    _check_beside(task, batch, size)
    out = task.head(WIDTH)(task.encoder(WIDTH)(*batch.inputs), batch.mask)
    assert out.shape == (*places, target.size), f"the head says {tuple(out.shape)}"


def _check_beside(task: Task[Any], batch: Batch, size: int) -> None:
    domain, target = task.facts().domain, task.facts().target
    if batch.mask is not None:
        _is("the mask", batch.mask, torch.bool, (size, domain.length))
    assert (batch.places is not None) == bool(domain.coordinates), (
        f"places are given where points have coordinates, and nowhere else; this is {domain}"
    )
    if batch.places is not None:
        form = (size, domain.length, domain.coordinates)
        _is("places", batch.places, torch.float32, form)
        assert batch.places.isfinite().all(), "places hold numbers that are not finite"
    if batch.segments is not None:
        _is("segments", batch.segments, torch.int64, (size, domain.length))
        assert domain.kind != "grid", "a grid has one shape, so no two of them share a row"
        assert target.where == "per_position", "examples in one row need a target at each position"


def _is(what: str, tensor: Tensor, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    assert tensor.dtype == dtype, f"{what} is {tensor.dtype}, expected {dtype}"
    assert tuple(tensor.shape) == shape, f"{what} has shape {tuple(tensor.shape)}, expected {shape}"


def _beside(batch: Batch) -> list[Tensor]:
    return [tensor for tensor in batch.beside.values() if tensor is not None]


def _hash_rows(tensors: list[Tensor]) -> list[str]:
    arrays = [tensor.contiguous().numpy() for tensor in tensors]
    return [
        hashlib.blake2b(b"".join(array[row].tobytes() for array in arrays)).hexdigest()
        for row in range(len(arrays[0]))
    ]
