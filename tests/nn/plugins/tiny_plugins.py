"""Three families, four faulty ones and two tasks, small enough to be trained within a second."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.kernels import Cost, Domain, KernelFamily, KernelParams, Operator, Site, Values
from itnet_nas.tasks import (
    Batch,
    Categorical,
    Metric,
    Real,
    Recipe,
    Target,
    Task,
    TaskFacts,
    TaskParams,
    classification_loss,
    count_errors,
    generator,
    sum_bits,
    visit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from itnet_nas.tasks import Split

INITIAL_SCALE = 1.0 / 2  # a constant that a function reads


def scaled(shape: tuple[int, int]) -> Tensor:
    """Initial taps."""
    return torch.randn(shape) * INITIAL_SCALE


def masked(u_BND: Tensor, mask_BN: Tensor | None) -> Tensor:
    """A name that the network's own code has too, for something else: this one multiplies."""
    return u_BND if mask_BN is None else u_BND * mask_BN.unsqueeze(-1)


@final
class Shift(Operator):
    """y[n] = Σ_k w[k] · u[n − k], k = 0 … radius."""

    def __init__(self, width: int, radius: int = 1, *, taps: str = "past") -> None:
        super().__init__()
        self.radius = radius
        self.taps = taps
        self.w_DR = nn.Parameter(scaled((width, radius + 1)))

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        # The window looks back alone.
        u_BND = masked(u_BND, mask_BN)
        u_BDN = F.pad(u_BND.mT, (self.radius, 0))
        y_BDN = F.conv1d(u_BDN, self.w_DR.flip(1).unsqueeze(1), groups=len(self.w_DR))
        return masked(y_BDN.mT, mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return only_for_the_reference(self, u_BND, mask_BN)


def only_for_the_reference(op: Shift, u_BND: Tensor, mask_BN: Tensor | None) -> Tensor:
    u_BND = masked(u_BND, mask_BN)
    y_BND = torch.zeros_like(u_BND)
    for n in range(u_BND.shape[1]):
        for k in range(min(op.radius, n) + 1):
            y_BND[:, n] += op.w_DR[:, k] * u_BND[:, n - k]
    return masked(y_BND, mask_BN)


class ShiftParams(KernelParams):
    radius: Annotated[int, Field(ge=1, le=8), Values(1, 2)] = 1


class ShiftFamily(KernelFamily[ShiftParams]):
    Params = ShiftParams
    summary = "a window on the past"
    source = "these tests"

    def bias(self, params: ShiftParams) -> Bias:
        return Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=params.radius)

    def cost(self, site: Site, params: ShiftParams) -> Cost:
        taps = params.radius + 1
        return Cost(
            flops=2 * site.length * site.width * taps,
            params=site.width * taps,
            state_bytes=None,
        )

    def build(self, site: Site, params: ShiftParams) -> Operator:
        return Shift(site.width, radius=params.radius)

    def refuses(self, site: Site, params: ShiftParams) -> str:
        if params.radius >= site.length:
            return f"a radius of {params.radius} leaves the {site.length} positions"
        return ""


@final
class Near(Operator):
    """y[i] = Σ_j w exp(−|x[i] − x[j]|²) u[j] over real j, where points stand at x."""

    undecayed = ("w_11",)

    def __init__(self) -> None:
        super().__init__()
        self.w_11 = nn.Parameter(torch.ones(1, 1))

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        assert x_BNA is not None
        k_BNN = torch.exp(-(x_BNA.unsqueeze(2) - x_BNA.unsqueeze(1)).square().sum(-1))
        return masked(self.w_11 * (k_BNN @ masked(u_BND, mask_BN)), mask_BN)


@final
class Noisy(Operator):
    """Draws from the global generators while training: a check on how those are kept."""

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        warnings.warn("noise is drawn", stacklevel=1)
        return masked(F.dropout(u_BND, 0.2, self.training), mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return self.forward(u_BND, mask_BN)


@final
class Diverging(Operator):
    """Not a number from its third call on."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        self.calls += 1
        return u_BND * (torch.nan if self.calls >= 3 else 1.0)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND


@final
class Raising(Operator):
    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        raise LookupError("this family cannot")

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND


@final
class Greedy(Operator):
    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND + torch.empty(2**60, dtype=torch.uint8).sum()

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND


@final
class Interrupting(Operator):
    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        raise KeyboardInterrupt

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND


class NoParams(KernelParams):
    pass


@final
class Bare(KernelFamily[NoParams]):
    """A family of one operator that asks for nothing."""

    Params = NoParams
    summary = "for these tests"
    source = "these tests"

    def __init__(self, operator: type[Operator], params: int = 0) -> None:
        self.operator = operator
        self.params = params

    def bias(self, params: NoParams) -> Bias:
        return Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)

    def cost(self, site: Site, params: NoParams) -> Cost:
        return Cost(flops=0, params=self.params, state_bytes=0)

    def build(self, site: Site, params: NoParams) -> Operator:
        return self.operator()


SHIFT = ShiftFamily()
NEAR = Bare(Near, params=1)
NOISY = Bare(Noisy)
DIVERGING = Bare(Diverging)
RAISING = Bare(Raising)
GREEDY = Bare(Greedy)
INTERRUPTING = Bare(Interrupting)


class EchoParams(TaskParams):
    length: Annotated[int, Field(ge=2)] = 12
    padded: bool = False
    packed: bool = False
    where: Literal["per_position", "pooled", "last"] = "per_position"


class EchoTask(Task[EchoParams]):
    """Say the symbol that stood `LAG` positions earlier (per position), or the first one.

    Packed, a row holds two examples, one of four positions and one of the rest.
    """

    Params = EchoParams
    summary = "for these tests"
    CLASSES = 5
    LAG = 1
    EXAMPLES = {"train": 64, "validation": 24, "test": 24}

    def __init__(self, params: EchoParams) -> None:
        super().__init__(params)
        self.symbols = {
            split: torch.randint(
                self.CLASSES, (count, params.length), generator=generator(7, place)
            )
            for place, (split, count) in enumerate(self.EXAMPLES.items())
        }

    def facts(self) -> TaskFacts:
        return TaskFacts(
            domain=Domain(kind="sequence", shape=(self.params.length,), causal=True),
            inputs=(Categorical(classes=self.CLASSES),),
            target=Target(where=self.params.where, kind="classes", size=self.CLASSES),
            metrics=(
                Metric(name="error", direction="min", chance=0.8),
                Metric(name="bits", direction="min"),
            ),
            recipe=Recipe(steps=30, batch_size=16, lr=1e-2, warmup=5, eval_every=10),
            licence="Apache-2.0",
            source="these tests",
            data="echo-1",
        )

    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        symbols = self.symbols["train"]
        return self._batch(symbols[visit(len(symbols), batch_size, seed, step)])

    def eval_batches(self, split: Split, batch_size: int) -> Iterator[Batch]:
        for symbols in self.symbols[split].split(batch_size):
            yield self._batch(symbols)

    def _batch(self, symbols_BN: Tensor) -> Batch:
        mask_BN = None
        if self.params.padded:
            mask_BN = torch.ones_like(symbols_BN, dtype=torch.bool)
            mask_BN[:, -2:] = False
        if self.params.where != "per_position":
            return Batch((symbols_BN,), symbols_BN[:, 0], mask_BN)
        target_BN = symbols_BN.roll(self.LAG, 1)
        target_BN[:, : self.LAG] = -100
        segment_BN = None
        if self.params.packed:
            segment_BN = torch.zeros_like(symbols_BN)
            segment_BN[:, 4:] = 1
            target_BN[:, 4 : 4 + self.LAG] = -100
        if mask_BN is not None:
            target_BN = target_BN.masked_fill(~mask_BN, -100)
        return Batch((symbols_BN,), target_BN, mask_BN, segments=segment_BN)

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        return classification_loss(out.unsqueeze(0), batch.target)

    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        return {
            "error": count_errors(out, batch.target),
            "bits": sum_bits(out.unsqueeze(0), batch.target),
        }


class CloudTask(Task[TaskParams]):
    """Does a cloud of points in the plane lie on a line, or on a circle? Nothing else is told."""

    Params = TaskParams
    summary = "for these tests"
    EXAMPLES = {"train": 64, "validation": 24, "test": 24}

    def facts(self) -> TaskFacts:
        return TaskFacts(
            domain=Domain(kind="points", shape=(10,), coordinates=2),
            inputs=(Real(channels=1),),
            target=Target(where="pooled", kind="classes", size=2),
            metrics=(Metric(name="error", direction="min", chance=0.5),),
            recipe=Recipe(steps=60, batch_size=16, lr=1e-2, warmup=5),
            licence="Apache-2.0",
            source="these tests",
            data="cloud-1",
        )

    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        return self._batch("train", visit(self.EXAMPLES["train"], batch_size, seed, step))

    def eval_batches(self, split: Split, batch_size: int) -> Iterator[Batch]:
        for index_B in torch.arange(self.EXAMPLES[split]).split(batch_size):
            yield self._batch(split, index_B)

    def _batch(self, split: Split, index_B: Tensor) -> Batch:
        places = list(self.EXAMPLES).index(split)
        angle_BN = 6.3 * torch.rand(self.EXAMPLES[split], 10, generator=generator(8, places))
        line_BNA = torch.stack([angle_BN / 3 - 1, 0 * angle_BN], -1)
        circle_BNA = torch.stack([angle_BN.cos(), angle_BN.sin()], -1)
        class_B = torch.arange(len(angle_BN)) % 2
        x_BNA = torch.where(class_B[:, None, None] == 1, circle_BNA, line_BNA)[index_B]
        mask_BN = (torch.arange(10) < 8).expand(len(x_BNA), -1)
        ones_BN1 = torch.ones_like(x_BNA[..., :1])
        return Batch((ones_BN1,), class_B[index_B], mask_BN, x_BNA)

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        return classification_loss(out, batch.target)

    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        return {"error": count_errors(out, batch.target)}
