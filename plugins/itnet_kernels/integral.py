"""Integral: the general kernel, a small network of two positions and of what stands there.

    y[i] = O concat_h Σ_j K^h[i, j] V_h u[j] + W u[i] + b
    K^h[i, j] = s_h n^p_h φ^h(i, j) / n ( κ^h(i, j) − c_h mean_j κ^h(i, j) ),     n = Σ_j φ^h(i, j)
    κ^h(i, j) = r_h + Σ_m R[h, m] GELU( C [features of (i, j)] + e )_m

    features  x_i − x_j, |x_i − x_j|², cos(ω(x_i − x_j) + β), u_i, u_j, A u_i ⊙ B u_j
    φ / n     the measure: φ is 1, or on sequences and grids a soft window of each head
    s, p, c   loudness, from ½ on a power of how many count, and from 1 on how much is centred

x runs from −1 to 1 along a sequence or the longer axis of a grid, or is where a point stands. In a
causal domain j ≤ i. Without `content` κ reads no u, without `position` no x and has no window.

    exact        every pair
    window       j within `radius` of i
    knn          the `neighbours` nearest points of i, itself among them
    monte_carlo  in training as many j as `samples` says, drawn anew each time with chances that
                 grow with |v[j]|; the estimate is unbiased, and exact at evaluation

Axes    full, window(r) or knn support · translation-, or without position permutation-shared · no
        state · pair content (amplitude) or none
Source  ITNet (arXiv 2606.19538)
Shapes  B examples, N positions, D channels, H heads, M hidden units, A axes, G products of
        factors, E = D / H channels of a head, S positions kept
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

from pydantic import Field
from torch import nn

from itnet_nas.axes import Bias, Content, Entry, Sharing, Support
from itnet_nas.integral.dense import DenseKernel
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.integral.features import twice_hidden, twice_products
from itnet_nas.integral.general import GeneralKernel, general_work
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.tiled import pair_evaluations
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@final
class Integral(Operator):
    """What is in `kernel` is that of `GeneralKernel`."""

    undecayed: ClassVar[tuple[str, ...]] = (
        "omega_FA", "phase_F", "log_width_HAT", "scale_H", "power_H", "centre_H",
    )  # fmt: skip

    def __init__(self, width: int, heads: int, **kernel: Any) -> None:
        super().__init__()
        self.heads = heads
        self.causal = bool(kernel["causal"])
        self.kernel = GeneralKernel(width, heads, **kernel)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)
        self.local = nn.Linear(width, width, bias=False)
        # White noise comes out with a variance of 1/2 from the integral and 1/2 from W u.
        for layer, loud in ((self.value, 1.0), (self.out, 0.5), (self.local, 0.5)):
            nn.init.normal_(layer.weight, std=math.sqrt(loud / width))
        nn.init.zeros_(self.out.bias)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Sums over the pairs that count; `evaluations` says how."""
        u_BND = zero_masked(u_BND, mask_BN)
        h_BND = self.kernel(u_BND, self.value(u_BND), mask_BN, x_BNA)
        y_BND = self.out(h_BND.to(self.out.weight.dtype)) + self.local(u_BND)
        return zero_masked(y_BND, mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K as in the formula, with κ from a row of features for each pair."""
        width = u_BND.shape[2]
        return DenseKernel(
            k_BHNN=self.kernel.by_pairs(zero_masked(u_BND, mask_BN), mask_BN, x_BNA),
            v_HEF=self.value.weight.reshape(self.heads, -1, width),
            o_HDE=self.out.weight.reshape(width, self.heads, -1).transpose(0, 1),
            w_DD=self.local.weight,
            b_D=self.out.bias,
        )

    @property
    def decodes(self) -> bool:
        """In a causal domain: what κ and the sum read of earlier positions is kept."""
        return self.causal

    def start(self, batch: int) -> Any:
        """(position 0, nothing kept); M + G + D numbers will be kept of each position."""
        return self.kernel.start(batch) if self.causal else super().start(batch)

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The new position is compared with those kept, in a window with the last r + 1."""
        if not self.causal:
            return super().step(u_BD, state)
        h_BD, state = self.kernel.step(u_BD, self.value(u_BD), state)
        return self.out(h_BD.to(self.out.weight.dtype)) + self.local(u_BD), state


class IntegralParams(KernelParams):
    """How large the network is, what it reads, and which pairs are summed over."""

    hidden: Annotated[int, Field(ge=2, le=256, description="hidden units of κ"), Values(16)] = 16
    heads: Annotated[int, Field(ge=1, le=64, description="must divide the width"), Values(4)] = 4
    content: Annotated[
        Literal["pair", "none"],
        Field(description="whether κ reads what stands at the two positions"),
        Values("pair", "none"),
    ] = "pair"
    position: Annotated[
        bool,
        Field(description="whether κ reads where they stand, in order through a soft window"),
        Values(True, False),
    ] = True
    hadamard: Annotated[
        int,
        Field(ge=0, le=256, description="products of u(x) and u(x') that κ reads; 0: none"),
        Values(8),
    ] = 8
    evaluation: Annotated[
        Literal["exact", "dense", "tiled", "window", "knn", "monte_carlo"],
        Field(description="the pairs summed over; dense and tiled are exact, which taken by size"),
        Values("exact", "window", "knn"),
    ] = "exact"
    radius: Annotated[
        int, Field(ge=1, le=4096, description="window: positions on each side"), Values(8)
    ] = 8
    neighbours: Annotated[
        int, Field(ge=1, le=1024, description="knn: nearest points, itself among them"), Values(16)
    ] = 16
    samples: Annotated[
        int, Field(ge=1, le=65536, description="monte_carlo: points drawn in training"), Values(128)
    ] = 128


@final
class IntegralFamily(KernelFamily[IntegralParams]):
    """Learned kernels of pairs over any domain."""

    Params: ClassVar[type[KernelParams]] = IntegralParams
    summary: ClassVar[str] = "the general kernel: a small network of two positions and their values"
    source: ClassVar[str] = "arXiv 2606.19538"

    def bias(self, params: IntegralParams) -> Bias:
        """A window and neighbours move with their centre, so they are not blind to positions."""
        supports = {"window": Support.WINDOW, "knn": Support.KNN}
        support = supports.get(params.evaluation, Support.FULL)
        blind = not params.position and support is Support.FULL
        fixed = params.content == "none"
        return Bias(
            support=support,
            radius=params.radius if support is Support.WINDOW else None,
            sharing=Sharing.PERMUTATION if blind else Sharing.TRANSLATION,
            content=Content.NONE if fixed else Content.PAIR,
            entry=() if fixed else (Entry.AMPLITUDE,),
        )

    def cost(self, site: Site, params: IntegralParams) -> Cost:
        """3 D² for V, O and W, and what `general_work` says of the kernel; of a CPU.

        What is drawn in training takes N S pairs then, and N² at evaluation. Moved beside input,
        output and weights: v, h and what two maps give, out and in again. Kept: u, v, h, and sums.
        """
        width, length = site.width, site.length
        work = general_work(width, params.heads, **self._kernel(site, params))
        maps = 6 * length * width**2 + work.maps
        weights = 3 * width**2 + width + work.params
        each = 6 * width**2 + work.maps // length
        causal = site.causal
        return Cost(
            flops=maps + work.search + work.evaluated.flops,
            params=weights,
            state_bytes=4 * work.kept * work.numbers if causal else None,
            train_flops=3 * maps + work.search + work.trained.flops + work.trained.back,
            decode_flops=each + work.step if causal else None,
            traffic_bytes=4 * (10 * length * width + weights + work.evaluated.moved),
            activation_bytes=4 * (6 * length * width + work.trained.kept),
        )

    def build(self, site: Site, params: IntegralParams) -> Integral:
        """The operator."""
        return Integral(width=site.width, heads=params.heads, **self._kernel(site, params))

    def _kernel(self, site: Site, params: IntegralParams) -> dict[str, Any]:
        way = params.evaluation
        return {
            "hidden": params.hidden,
            "content": params.content == "pair",
            "products": params.hadamard,
            "axes": site.domain.dimensions if params.position else 0,
            "shape": site.domain.shape,
            "points": site.domain.kind == "points",
            "causal": site.causal,
            "radius": params.radius if way == "window" else None,
            "neighbours": params.neighbours if way == "knn" else None,
            "samples": params.samples if way == "monte_carlo" else None,
        }

    def refuses(self, site: Site, params: IntegralParams) -> str:
        """Heads must come out even, κ must have something to read, and pairs a meaning there."""
        kind, way = site.domain.kind, params.evaluation
        if site.width % params.heads:
            return f"{params.heads} heads do not divide width {site.width}"
        if params.content == "none" and not params.position:
            return "a kernel of neither content nor position has nothing to read"
        if params.position and not site.domain.dimensions:
            return "a bare set has no positions that a kernel could read"
        if way == "window" and kind == "points":
            return "points stand in no order, so a window has no meaning on them"
        if way == "knn" and kind != "points":
            return f"on a {kind} the nearest positions are a window: ask for that"
        if way == "knn" and not site.domain.coordinates:
            return "points without coordinates have no neighbours"
        if way == "monte_carlo" and kind != "points":
            return f"positions are drawn from a set of points, not from a {kind}"
        return ""

    def normalize(self, site: Site, params: IntegralParams) -> IntegralParams:
        """What is not used is as by default; a window or neighbours that are everything are exact.

        dense and tiled are two ways to one operator, of which the site chooses.
        """
        way, plain = params.evaluation, IntegralParams()
        everything = (way == "window" and params.radius >= site.domain.extent - 1) or (
            way == "knn" and params.neighbours >= site.length
        )
        if everything or way in ("dense", "tiled"):
            way = "exact"
        return params.model_copy(
            update={
                "evaluation": way,
                "hadamard": params.hadamard if params.content == "pair" else plain.hadamard,
                "radius": params.radius if way == "window" else plain.radius,
                "neighbours": params.neighbours if way == "knn" else plain.neighbours,
                "samples": params.samples if way == "monte_carlo" else plain.samples,
            }
        )

    def evaluations(
        self, site: Site, params: IntegralParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """All pairs at once or in tiles; or neighbours fetched, or some drawn in training."""
        length, way = site.length, params.evaluation
        exact = pair_evaluations(length, length, params.hidden, device)
        if way == "knn":
            why = f"{params.neighbours} keys of {length} count for a query, and are fetched"
            others = tuple(one._replace(taken=False, reason="few pairs count") for one in exact)
            return (Evaluation("gathered", True, why), *others)
        if way == "monte_carlo":
            why = f"{params.samples} of {length} points are drawn in training, none at evaluation"
            return (Evaluation("drawn", True, why), *(one._replace(taken=False) for one in exact))
        return exact

    def morphisms(self, site: Site, params: IntegralParams) -> tuple[Morphism, ...]:
        """Twice the hidden units or products, of which nothing is read at first."""
        moves = [("hidden", 2 * params.hidden, twice_hidden)]
        if params.content == "pair" and params.hadamard:
            moves.append(("hadamard", 2 * params.hadamard, twice_products))
        return tuple(
            Morphism(
                params.model_copy(update={name: size}),
                partial(_inside, carry=carry),
                f"{name} {size // 2} -> {size}, new ones not yet read",
            )
            for name, size, carry in moves
            if size <= 256
        )


def _inside(weights: Weights, carry: Callable[[Weights], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The weights of κ carried over, all others as they are."""
    start = "kernel.mlp."
    inner = {name[len(start) :]: value for name, value in weights.items() if name.startswith(start)}
    return {**weights, **{start + name: value for name, value in carry(inner).items()}}


FAMILY = IntegralFamily()
