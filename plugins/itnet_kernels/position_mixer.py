"""Position mixer: a free matrix over positions, that knows where everything stands.

    v = V u + c,     h[n, g] = Σ_m M_g[n, m] v[m, g],     y = W h + b

The D channels are cut into G groups, each with its own matrix M_g over the L positions. In a
causal domain M_g is lower triangular, and only that triangle is stored.

Axes    full support · position-specific · no state · no content
Source  MLP-Mixer, arXiv 2105.01601, its linear part
Shapes  B examples, N positions (at most L), D channels, G groups, E = D / G channels of a group,
        T numbers of a triangle, M = L² places of a matrix
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

import torch
from pydantic import Field
from torch import nn

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.dense import DenseKernel, with_one
from itnet_nas.integral.masks import zero_masked
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


@final
class PositionMixer(Operator):
    """`length` is L, the largest number of positions; fewer are taken as the first ones."""

    def __init__(self, width: int, length: int, groups: int, causal: bool) -> None:
        super().__init__()
        self.length = length
        self.causal = causal
        w_GLL = torch.randn(groups, length, length)
        if causal:
            # Each row is scaled by how many positions it sums, so that all are equally loud.
            w_GLL = w_GLL * torch.arange(1, length + 1).rsqrt().unsqueeze(-1)
            row_T, column_T = torch.tril_indices(length, length)
            self.w = nn.Parameter(w_GLL[:, row_T, column_T])
        else:
            self.w = nn.Parameter(w_GLL * length**-0.5)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        # White noise comes out as loud as it went in.
        for linear in (self.value, self.out):
            nn.init.normal_(linear.weight, std=width**-0.5)

    def matrices(self) -> Tensor:
        """M_GLL."""
        if not self.causal:
            return self.w
        groups, length = len(self.w), self.length
        row_T, column_T = torch.tril_indices(length, length, device=self.w.device)
        place_GT = (row_T * length + column_T).expand(groups, -1)
        flat_GM = self.w.new_zeros(groups, length**2).scatter(1, place_GT, self.w)
        return flat_GM.view(groups, length, length)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Two linear maps around one matrix product for each group, over all examples at once."""
        length = u_BND.shape[1]
        v_BND = zero_masked(self.value(zero_masked(u_BND, mask_BN)), mask_BN)
        v_BNGE = v_BND.reshape(*v_BND.shape[:2], len(self.w), -1)
        m_GNN = self.matrices()[:, :length, :length]
        # A product with a batch of its own for every example would copy the matrices for each.
        h_BNGE = torch.einsum("gnm,bmge->bnge", m_GNN, v_BNGE)
        return zero_masked(self.out(h_BNGE.flatten(2)), mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K^g = M_g without the columns of masked positions; V has its bias beside it, on (u, 1).

        Heads are groups.
        """
        batch, length, width = u_BND.shape
        groups = len(self.w)
        k_BGNN = self.matrices()[:, :length, :length].expand(batch, -1, -1, -1)
        if mask_BN is not None:
            k_BGNN = k_BGNN * mask_BN[:, None, None, :]
        v_DF = torch.cat([self.value.weight, self.value.bias.unsqueeze(1)], 1)
        return DenseKernel(
            k_BHNN=k_BGNN,
            v_HEF=v_DF.reshape(groups, width // groups, width + 1),
            o_HDE=self.out.weight.reshape(width, groups, -1).transpose(0, 1),
            b_D=self.out.bias,
            field_BNF=with_one(zero_masked(u_BND, mask_BN)),
        )

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Pair by pair of positions."""
        v_BND = zero_masked(self.value(zero_masked(u_BND, mask_BN)), mask_BN)
        length = u_BND.shape[1]
        rows = []
        for n in range(length):
            parts = []
            for g, v_BNE in enumerate(v_BND.chunk(len(self.w), -1)):
                h_BE = torch.zeros_like(v_BNE[:, 0])
                for m in range(n + 1 if self.causal else length):
                    # A triangle is stored row by row, and row n begins after 1 + 2 + … + n numbers.
                    w = self.w[g, n * (n + 1) // 2 + m] if self.causal else self.w[g, n, m]
                    h_BE = h_BE + w * v_BNE[:, m]
                parts.append(h_BE)
            rows.append(self.out(torch.cat(parts, -1)))
        return zero_masked(torch.stack(rows, 1), mask_BN)

    @property
    def decodes(self) -> bool:
        """In a causal domain, with a memory that grows: each row weighs the past anew."""
        return self.causal

    def start(self, batch: int) -> Any:
        """No values yet, (B, 0, D)."""
        if not self.causal:
            return super().start(batch)
        return self.w.new_zeros(batch, 0, self.value.out_features)

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Row n over the values so far."""
        if not self.causal:
            return super().step(u_BD, state)
        v_BND = torch.cat([state, self.value(u_BD).unsqueeze(1)], 1)
        n = v_BND.shape[1] - 1
        first = n * (n + 1) // 2
        v_BNGE = v_BND.reshape(*v_BND.shape[:2], len(self.w), -1)
        h_BGE = torch.einsum("gn,bnge->bge", self.w[:, first : first + n + 1], v_BNGE)
        return self.out(h_BGE.flatten(1)), v_BND


class PositionMixerParams(KernelParams):
    """How many matrices there are."""

    groups: Annotated[
        int,
        Field(ge=1, le=64, description="groups of channels, each with its own matrix"),
        Values(4),
    ] = 4


@final
class PositionMixerFamily(KernelFamily[PositionMixerParams]):
    """Free matrices over the positions of a domain of fixed shape."""

    Params: ClassVar[type[KernelParams]] = PositionMixerParams
    summary: ClassVar[str] = "a free matrix over positions, as in MLP-Mixer; parameters grow as L²"
    source: ClassVar[str] = "arXiv 2105.01601"

    longest: ClassVar[int] = 4096

    def bias(self, params: PositionMixerParams) -> Bias:
        """Everything, with a rule of its own at every position."""
        del params
        return Bias(support=Support.FULL, sharing=Sharing.POSITION_SPECIFIC)

    def cost(self, site: Site, params: PositionMixerParams) -> Cost:
        """2 P D for P pairs of positions (L², causal L(L+1)/2), and two linear maps of 2 L D².

        A step reads the longest row: 2 L D + 4 D². Moved beside input, output and weights: values
        and sums, in and out; causal also the G whole matrices, written from their triangles. Kept
        for the backward pass: input, values and sums; causal also the matrices, and where in them
        each number of a triangle stands.
        """
        width, length = site.width, site.length
        pairs = length * (length + 1) // 2 if site.causal else length**2
        flops = 2 * pairs * width + 4 * length * width**2
        weights = params.groups * pairs + 2 * (width**2 + width)
        whole = params.groups * length**2 if site.causal else 0
        return Cost(
            flops=flops,
            params=weights,
            state_bytes=4 * length * width if site.causal else None,
            train_flops=3 * flops,
            decode_flops=2 * length * width + 4 * width**2 if site.causal else None,
            traffic_bytes=4 * (6 * length * width + weights + 2 * whole),
            activation_bytes=4 * (3 * length * width + whole) + (8 * pairs if site.causal else 0),
        )

    def build(self, site: Site, params: PositionMixerParams) -> PositionMixer:
        """The operator."""
        return PositionMixer(
            width=site.width, length=site.length, groups=params.groups, causal=site.causal
        )

    def refuses(self, site: Site, params: PositionMixerParams) -> str:
        """Positions must have names, be few enough, and the groups must come out even."""
        if site.domain.kind == "points":
            return "points stand in no order, so a row of a matrix cannot belong to one of them"
        if site.length > self.longest:
            return (
                f"{site.length} positions are more than {self.longest}: "
                f"the parameters grow with their square"
            )
        if site.width % params.groups:
            return f"{params.groups} groups do not divide width {site.width}"
        return ""

    def morphisms(self, site: Site, params: PositionMixerParams) -> tuple[Morphism, ...]:
        """Twice the groups, each half with the matrix that the whole had."""
        if 2 * params.groups > 64 or site.width % (2 * params.groups):
            return ()
        wider = PositionMixerParams(groups=2 * params.groups)

        def carry(weights: Weights) -> dict[str, Tensor]:
            return {**weights, "w": weights["w"].repeat_interleave(2, 0)}

        change = f"groups {params.groups} -> {wider.groups}, matrices copied"
        return (Morphism(wider, carry, change),)


FAMILY = PositionMixerFamily()
