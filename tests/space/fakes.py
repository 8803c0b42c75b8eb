"""Families and tasks for the tests of spaces: plugins like any other, small and without torch."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from itnet_nas.axes import Bias, Content, Sharing, State, Support
from itnet_nas.errors import DataUnavailable
from itnet_nas.kernels import Cost, Domain, KernelFamily, KernelParams, Site, Values
from itnet_nas.tasks import Categorical, Metric, Recipe, Target, Task, TaskFacts, TaskParams


class _Family(KernelFamily[Any]):
    Params: ClassVar[type[KernelParams]] = KernelParams
    summary = "a family for tests"
    source = "made up"

    def bias(self, params: Any) -> Bias:
        return Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)

    def cost(self, site: Site, params: Any) -> Cost:
        return Cost(flops=site.length * site.width, params=site.width, state_bytes=4)

    def build(self, site: Site, params: Any) -> Any:
        raise NotImplementedError


class ConvParams(KernelParams):
    radius: Annotated[int, Field(ge=1, le=64), Values(1, 3, 6)]
    dilation: Annotated[int, Field(ge=1), Values(1)] = 1


class Conv(_Family):
    Params = ConvParams

    def bias(self, params: ConvParams) -> Bias:
        return Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=params.radius)

    def refuses(self, site: Site, params: ConvParams) -> str:
        if params.dilation > site.domain.extent:
            return f"dilation {params.dilation} is more than the {site.domain.extent} positions"
        return ""

    def normalize(self, site: Site, params: ConvParams) -> ConvParams:
        radius = min(params.radius, max(site.domain.extent - 1, 1))
        return params.model_copy(update={"radius": radius})


class AttentionParams(KernelParams):
    heads: Annotated[int, Field(ge=1), Values(2, 4)]
    rope: Annotated[bool, Values(True, False)] = True


class Attention(_Family):
    Params = AttentionParams

    def bias(self, params: AttentionParams) -> Bias:
        sharing = Sharing.TRANSLATION if params.rope else Sharing.PERMUTATION
        return Bias(support=Support.FULL, sharing=sharing, content=Content.PAIR)

    def refuses(self, site: Site, params: AttentionParams) -> str:
        if site.width % params.heads:
            return f"{params.heads} heads do not divide width {site.width}"
        return ""


class Gru(_Family):
    def bias(self, params: KernelParams) -> Bias:
        return Bias(support=Support.FULL, sharing=Sharing.TRANSLATION, state=State.FEEDBACK)


class SplineParams(KernelParams):
    low: Annotated[float, Field(ge=0), Values(0.0)]
    high: Annotated[float, Field(gt=0), Values(1.0, 2.0)]
    basis: Annotated[Literal["hat", "cubic"], Values("hat")] = "hat"

    @model_validator(mode="after")
    def _in_order(self) -> SplineParams:
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        return self


class Spline(_Family):
    Params = SplineParams


class GridOnly(_Family):
    def refuses(self, site: Site, params: KernelParams) -> str:
        return "" if site.domain.kind == "grid" else f"a {site.domain.kind} is no grid"


class HugeParams(KernelParams):
    a: Annotated[int, Values(*range(150))]
    b: Annotated[int, Values(*range(150))]


class Huge(_Family):
    Params = HugeParams


class Crash(_Family):
    def cost(self, site: Site, params: KernelParams) -> Cost:
        raise RuntimeError("no such formula")


class SilentParams(KernelParams):
    size: int = 1


class Silent(_Family):
    Params = SilentParams


CONV, ATTENTION, GRU, SPLINE = Conv(), Attention(), Gru(), Spline()
GRID_ONLY, HUGE, CRASH, SILENT = GridOnly(), Huge(), Crash(), Silent()
NO_FAMILY = 3


class SymbolsParams(TaskParams):
    length: Annotated[int, Field(ge=1)] = 16
    folder: str = "here"
    causal: bool = False


class Symbols(Task[SymbolsParams]):
    Params = SymbolsParams
    summary = "a task for tests"

    def facts(self) -> TaskFacts:
        if self.params.folder == "nowhere":
            raise DataUnavailable("the symbols are not on this machine; put them into a folder")
        if self.params.folder == "worse":
            raise RuntimeError("the folder is upside down")
        return TaskFacts(
            domain=Domain(kind="sequence", shape=(self.params.length,), causal=self.params.causal),
            inputs=(Categorical(classes=8),),
            target=Target(where="per_position", kind="classes", size=8),
            metrics=(
                Metric(name="error", direction="min"),
                Metric(name="accuracy", direction="max"),
            ),
            recipe=Recipe(steps=100, batch_size=4, lr=0.01),
            licence="none",
            source="made up",
            data="0",
        )

    def train_batch(self, step: int, batch_size: int, seed: int) -> Any:
        raise NotImplementedError

    def eval_batches(self, split: Any, batch_size: int) -> Any:
        raise NotImplementedError

    def loss(self, out: Any, batch: Any) -> Any:
        raise NotImplementedError

    def score(self, out: Any, batch: Any) -> Any:
        raise NotImplementedError
