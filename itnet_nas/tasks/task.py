"""`Task`: data, encoder, head, loss and metric, as a plugin."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from itnet_nas.kernels.cost import Cost
from itnet_nas.tasks.facts import Categorical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from itnet_nas.tasks.batch import Batch
    from itnet_nas.tasks.facts import TaskFacts

Split = Literal["train", "validation", "test"]


class TaskParams(BaseModel):
    """What a search-space file may say under `task:` beside the name. Frozen; unknown keys fail."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, validate_default=True
    )


P = TypeVar("P", bound=TaskParams)


class Task(ABC, Generic[P]):
    """A plugin, offered as a class under the entry-point group `itnet_nas.tasks`.

    `facts` is called on the driver, before anything is trained; the other methods where the trial
    runs. The splits are fixed by the params; the trial's seed only orders batches and draws
    weights. A search reads `train` and `validation`; nothing but a final confirmation reads `test`.
    """

    Params: ClassVar[type[TaskParams]] = TaskParams
    version: ClassVar[int] = 1  # raise it when the same params give other data
    summary: ClassVar[str]

    def __init__(self, params: P) -> None:
        self.params = params

    @abstractmethod
    def facts(self) -> TaskFacts:
        """Domain, inputs, target, metrics, recipe, licence, and a hash of the data.

        Raises DataUnavailable with the way to get the data.
        """

    @abstractmethod
    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        """The examples of optimiser step `step`: a function of its arguments alone."""

    @abstractmethod
    def eval_batches(self, split: Split, batch_size: int) -> Iterator[Batch]:
        """Every example of a split once, always in the same order."""

    @abstractmethod
    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """What training minimises: the mean over what is scored, a scalar."""

    @abstractmethod
    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        """Metric name -> (sum, weight) over this batch; the metric is total sum / total weight."""

    def encoder(self, width: int) -> nn.Module:
        """Tensors of a batch -> u_BND."""
        from itnet_nas.tasks.coding import Encoder

        return Encoder(self.facts().inputs, width)

    def head(self, width: int) -> nn.Module:
        """(u_BND, mask_BN) -> the shape of the target."""
        from itnet_nas.tasks.coding import Head

        return Head(self.facts().target, width)

    def coding_cost(self, width: int) -> Cost:
        """Cost of encoder and head together. Override it with them."""
        facts = self.facts()
        length = facts.domain.length
        flops = params = 0
        for item in facts.inputs:
            if isinstance(item, Categorical):
                params += item.classes * width
            else:
                params += (item.channels + 1) * width
                flops += 2 * length * item.channels * width
        read = length if facts.target.where == "per_position" else 1
        flops += 2 * read * width * facts.target.size
        params += (width + 1) * facts.target.size
        return Cost(flops=flops, params=params, state_bytes=0)


def classification_loss(out: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy in nats over scored targets (-100 is not scored).

    out (…, classes), target (…) int64.
    """
    from torch.nn import functional as F

    return F.cross_entropy(out.flatten(0, -2).float(), target.flatten(), ignore_index=-100)


def count_errors(out: Tensor, target: Tensor) -> tuple[float, float]:
    """(wrong, scored): out (…, classes), target (…) int64."""
    scored = target != -100
    wrong = (out.argmax(-1) != target) & scored
    return float(wrong.sum()), float(scored.sum())


def sum_bits(out: Tensor, target: Tensor) -> tuple[float, float]:
    """(bits, scored): cross-entropy in bits, out (…, classes), target (…) int64."""
    from torch.nn import functional as F

    nats = F.cross_entropy(
        out.detach().flatten(0, -2).float(), target.flatten(), ignore_index=-100, reduction="sum"
    )
    return float(nats) / math.log(2), float((target != -100).sum())
