"""Point convolution: points near a point are weighed by where they stand from it.

    y[i] = W ( n[i]^(−p) Σ_{j near i} κ(x[j] − x[i]) ⊙ v[j] ) + b,     v = W' u + c
    κ_d(o) = R[d, 0] + Σ_m R[d, m] GELU( w_m · (o, |o|²) / r + e_m )

    near     the `neighbours` nearest points, itself among them; with a `radius` r, those of them
             within it (r is 1 in κ without one)
    n[i]     how many they are, and p a learned power, from ½ on: a sum of as many independent
             values is as loud as one; p = 1 gives the mean

With as many neighbours as there are points and a radius, it is the whole ball. Since κ is linear in
R, the sum over points is done for each of the M functions, then read: N K M D, not N K D of MLPs.

Axes    knn or ball support · translation-shared · no state · no content
Source  PointConv arXiv 1811.07246; kernel integrals over a ball, arXiv 2003.03485
Shapes  B examples, N points, A coordinates, D channels, K neighbours, M functions and a constant
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.dense import DenseKernel, with_one
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.neighbours import at_neighbours, centred, near_matrix, nearest
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site, Values
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor

FUNCTIONS = 16


@final
class PointConv(Operator):
    """`radius` None: the nearest ones, however far they are."""

    undecayed: ClassVar[tuple[str, ...]] = ("power",)

    def __init__(self, width: int, coordinates: int, neighbours: int, radius: float | None) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.radius = radius
        self.value = nn.Linear(width, width)
        self.first = nn.Linear(coordinates + 1, FUNCTIONS)
        # About one of loudness altogether, of which the constant function has half.
        reads_MD = torch.randn(FUNCTIONS + 1, width) * (0.5 / FUNCTIONS) ** 0.5
        reads_MD[0] *= FUNCTIONS**0.5
        self.reads_MD = nn.Parameter(reads_MD)
        self.power = nn.Parameter(torch.tensor(0.5))
        self.out = nn.Linear(width, width)
        for layer in (self.value, self.out):
            nn.init.normal_(layer.weight, std=width**-0.5)
            nn.init.zeros_(layer.bias)

    def _functions(self, gap_BNKA: Tensor) -> Tensor:
        """1 and the M functions of an offset."""
        gap_BNKA = gap_BNKA / (1.0 if self.radius is None else self.radius)
        square_BNK1 = gap_BNKA.square().sum(-1, keepdim=True)
        phi_BNKM = F.gelu(self.first(torch.cat([gap_BNKA, square_BNK1], -1)))
        return torch.cat([torch.ones_like(phi_BNKM[..., :1]), phi_BNKM], -1)

    def _near(self, x_BNA: Tensor | None, mask_BN: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        if x_BNA is None:
            raise ValueError("a point convolution needs to know where the points stand")
        index_BNK, there_BNK = nearest(x_BNA, self.neighbours, mask_BN, self.radius)
        return centred(x_BNA, mask_BN), index_BNK, there_BNK

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Neighbours are gathered; each function is summed over them."""
        x_BNA, index_BNK, there_BNK = self._near(x_BNA, mask_BN)
        gap_BNKA = (at_neighbours(x_BNA, index_BNK) - x_BNA.unsqueeze(2)).to(u_BND.dtype)
        phi_BNKM = self._functions(gap_BNKA) * there_BNK.unsqueeze(-1)
        v_BNKD = at_neighbours(self.value(zero_masked(u_BND, mask_BN)), index_BNK)
        sum_BNMD = phi_BNKM.mT.to(v_BNKD.dtype) @ v_BNKD
        count_BN1 = there_BNK.sum(-1, keepdim=True).clamp(min=1).to(self.power.dtype)
        h_BND = (sum_BNMD * self.reads_MD).sum(2) * count_BN1**-self.power
        return zero_masked(self.out(h_BND), mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """κ for every pair, 0 where it is not near; heads are channels."""
        x_BNA, index_BNK, there_BNK = self._near(x_BNA, mask_BN)
        near_BNN = near_matrix(index_BNK, there_BNK)
        phi_BNNM = self._functions(x_BNA.unsqueeze(1) - x_BNA.unsqueeze(2))
        count_BN1 = near_BNN.sum(-1, keepdim=True).clamp(min=1).to(self.power.dtype)
        weight_BNN = near_BNN * count_BN1**-self.power
        kappa_BDNN = (phi_BNNM @ self.reads_MD).permute(0, 3, 1, 2)
        v_DF = torch.cat([self.value.weight, self.value.bias.unsqueeze(1)], 1)
        return DenseKernel(
            k_BHNN=kappa_BDNN * weight_BNN.unsqueeze(1),
            v_HEF=v_DF.unsqueeze(1),
            o_HDE=self.out.weight.mT.unsqueeze(-1),
            b_D=self.out.bias,
            field_BNF=with_one(zero_masked(u_BND, mask_BN)),
        )


class PointConvParams(KernelParams):
    """How many points are near."""

    neighbours: Annotated[
        int,
        Field(ge=1, le=1024, description="nearest points, itself among them"),
        Values(8, 16),
    ]
    radius: Annotated[
        Annotated[float, Field(gt=0)] | None,
        Field(description="none of them farther than this; null: however far"),
        Values(None),
    ] = None


@final
class PointConvFamily(KernelFamily[PointConvParams]):
    """Kernels of the offset between points."""

    Params: ClassVar[type[KernelParams]] = PointConvParams
    summary: ClassVar[str] = "points nearby, weighed by where they stand: convolution on a cloud"
    source: ClassVar[str] = "arXiv 1811.07246"

    def bias(self, params: PointConvParams) -> Bias:
        """The nearest, or a ball; by a rule of the offset alone."""
        ball = params.radius is not None
        return Bias(support=Support.BALL if ball else Support.KNN, sharing=Sharing.TRANSLATION)

    def cost(self, site: Site, params: PointConvParams) -> Cost:
        """Maps 4 N D², distances 3 A N², functions 2 M (A + 1) N K, sums and reading 2 (M + 1) D.

        The sums are over N K neighbours, the reading over N points. Distances are not part of the
        backward pass. Moved beside input, output and weights: distances, neighbours with what
        stands there, and sums, out and in again. Kept: these and the functions.
        """
        width, length, axes = site.width, site.length, site.domain.coordinates
        near = min(params.neighbours, length)
        every = FUNCTIONS + 1
        maps = 4 * length * width**2
        functions = 2 * FUNCTIONS * (axes + 1) * length * near
        sums = 2 * every * width * length * (near + 1) + length * width
        weights = 2 * width * (width + 1) + FUNCTIONS * (axes + 2) + every * width + 1
        made = near * (axes + 1 + every + width) + every * width
        distances = 3 * axes * length**2
        return Cost(
            flops=maps + distances + functions + sums,
            params=weights,
            train_flops=distances + 3 * maps + 3 * functions + 3 * sums,
            traffic_bytes=4 * (length * (4 * width + 2 * made) + 2 * length**2 + weights),
            activation_bytes=4
            * length
            * (3 * width + near * (axes + 1 + 3 * every + width + 4) + every * width),
        )

    def build(self, site: Site, params: PointConvParams) -> PointConv:
        """The operator."""
        return PointConv(site.width, site.domain.coordinates, params.neighbours, params.radius)

    def refuses(self, site: Site, params: PointConvParams) -> str:
        """An offset needs places."""
        del params
        if site.domain.kind != "points":
            return f"neighbours among points need a set of points, not {site.domain}"
        if not site.domain.coordinates:
            return "points without coordinates have no neighbours"
        return ""


FAMILY = PointConvFamily()
