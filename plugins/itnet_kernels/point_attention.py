"""Point attention: points weigh each other by what stands there, and by where they stand.

    y[i] = W concat_h Σ_j softmax_j( q_i·k_j / √E ) v_j + b,     (q, k, v) = W' u + c

    pair p of a query or key of head h at place x is turned by the angle x · ω[h, p], so that
    q_i · k_j depends on the places through x_i − x_j alone; ω is learned

    neighbours K    only the K nearest points, itself among them; null: all

Turning needs no table of pairs, so that the fused softmax serves on clouds, with learned
frequencies, as it does on sequences.

Axes    full or knn support · translation-shared · no state · pair content (amplitude)
Source  rotary arXiv 2104.09864 with learned frequencies of several coordinates, arXiv 2403.13298;
        attention over nearest points, arXiv 2012.09164
Shapes  B examples, N points, A coordinates, D channels, H heads, E = D / H channels of a head,
        P = E / 2 pairs, K neighbours
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Content, Entry, Sharing, Support
from itnet_nas.integral.attending import softmax_over
from itnet_nas.integral.dense import DenseKernel, with_one
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.neighbours import at_neighbours, centred, near_matrix, nearest
from itnet_nas.integral.positions import rotate
from itnet_nas.integral.precision import as_given, at_least_float32
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site, Values
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


@final
class PointAttention(Operator):
    """`neighbours` None: every point."""

    undecayed: ClassVar[tuple[str, ...]] = ("omega_HAP",)

    def __init__(self, width: int, coordinates: int, heads: int, neighbours: int | None) -> None:
        super().__init__()
        self.heads = heads
        self.neighbours = neighbours
        pairs = width // heads // 2
        # Places of about unit spread: from a turn over the whole cloud to a fifth of it.
        speed_P = torch.logspace(math.log2(0.5), math.log2(8), pairs, base=2)
        self.omega_HAP = nn.Parameter(speed_P * torch.randn(heads, coordinates, pairs))
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def _turned(
        self, u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """q and k turned by their places, v, each (B, H, N, E); and places around the middle."""
        if x_BNA is None:
            raise ValueError("attention over points needs to know where they stand")
        heads_BN3HE = self.qkv(u_BND).reshape(*u_BND.shape[:2], 3, self.heads, -1)
        q, k, v = heads_BN3HE.permute(2, 0, 3, 1, 4)
        x_BNA = centred(x_BNA, mask_BN)
        with as_given(u_BND):  # an angle in half precision is none
            exact = at_least_float32(u_BND)
            angle_BHNP = x_BNA.to(exact).unsqueeze(1) @ self.omega_HAP.to(exact)
        return rotate(q, angle_BHNP), rotate(k, angle_BHNP), v, x_BNA

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Fused over all points; over neighbours, by gathering them."""
        q, k, v, x_BNA = self._turned(zero_masked(u_BND, mask_BN), mask_BN, x_BNA)
        if self.neighbours is None:
            seen_B11N = None if mask_BN is None else self._seen(mask_BN)
            y_BHNE = F.scaled_dot_product_attention(q, k, v, attn_mask=seen_B11N)
        else:
            index_BNK, there_BNK = nearest(x_BNA, self.neighbours, mask_BN)
            y_BHNE = _over_neighbours(q, k, v, index_BNK, there_BNK)
        return zero_masked(self.out(y_BHNE.transpose(1, 2).flatten(2)), mask_BN)

    @staticmethod
    def _seen(mask_BN: Tensor) -> Tensor:
        """Which keys are seen; all of them where none is real, whose rows are dropped later."""
        return (mask_BN | ~mask_BN.any(1, keepdim=True))[:, None, None]

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """A softmax over the points that are seen, with q and k turned as complex numbers."""
        u_BND = zero_masked(u_BND, mask_BN)
        if x_BNA is None:
            raise ValueError("attention over points needs to know where they stand")
        width, size = u_BND.shape[-1], u_BND.shape[-1] // self.heads
        weight_q, weight_k, weight_v = self.qkv.weight.chunk(3)
        bias_q, bias_k, bias_v = self.qkv.bias.chunk(3)
        x_BNA = centred(x_BNA, mask_BN)
        if self.neighbours is not None:
            seen_BNN = near_matrix(*nearest(x_BNA, self.neighbours, mask_BN))
        elif mask_BN is not None:
            seen_BNN = mask_BN.unsqueeze(1).expand(-1, u_BND.shape[1], -1)
        else:
            seen_BNN = torch.ones_like(x_BNA[..., :1] @ x_BNA[..., :1].mT, dtype=torch.bool)
        kernels = []
        for head in range(self.heads):
            rows = slice(head * size, (head + 1) * size)
            q_BNP = _complex(u_BND @ weight_q[rows].T + bias_q[rows])
            k_BNP = _complex(u_BND @ weight_k[rows].T + bias_k[rows])
            gap_BNNA = x_BNA.unsqueeze(2) - x_BNA.unsqueeze(1)
            angle_BNNP = gap_BNNA @ self.omega_HAP[head]
            turn_BNNP = torch.polar(torch.ones_like(angle_BNNP), angle_BNNP)
            dot_BNN = (q_BNP.unsqueeze(2) * turn_BNNP * k_BNP.conj().unsqueeze(1)).sum(-1).real
            kernels.append(softmax_over(dot_BNN / size**0.5, seen_BNN))
        v_DF = torch.cat([weight_v, bias_v.unsqueeze(1)], 1)
        return DenseKernel(
            k_BHNN=torch.stack(kernels, 1),
            v_HEF=v_DF.reshape(self.heads, size, -1),
            o_HDE=self.out.weight.reshape(width, self.heads, size).transpose(0, 1),
            b_D=self.out.bias,
            field_BNF=with_one(u_BND),
        )


def _complex(q_BNE: Tensor) -> Tensor:
    """Pairs of channels as complex numbers."""
    return torch.view_as_complex(q_BNE.reshape(*q_BNE.shape[:-1], -1, 2))


def _over_neighbours(
    q_BHNE: Tensor, k_BHNE: Tensor, v_BHNE: Tensor, index_BNK: Tensor, there_BNK: Tensor
) -> Tensor:
    """Softmax over the neighbours of each point; those that are not there are not seen."""
    size = q_BHNE.shape[-1]
    heads = q_BHNE.shape[1]
    kv_BNX = torch.cat([k_BHNE, v_BHNE], -1).transpose(1, 2).flatten(2)
    near_BNKX = at_neighbours(kv_BNX, index_BNK)
    near_BNKHX = near_BNKX.reshape(*near_BNKX.shape[:3], heads, -1)
    k_BNHKE, v_BNHKE = near_BNKHX.transpose(2, 3).chunk(2, -1)
    # A point that is not real has no neighbour; it sees itself, and is dropped later.
    seen_BNK = there_BNK | ~there_BNK.any(-1, keepdim=True)
    score_BNHK = (k_BNHKE @ q_BHNE.transpose(1, 2).unsqueeze(-1)).squeeze(-1) / size**0.5
    share_BNHK = score_BNHK.masked_fill(~seen_BNK.unsqueeze(2), -math.inf).softmax(-1)
    y_BNHE: Tensor = (share_BNHK.to(v_BNHKE.dtype).unsqueeze(3) @ v_BNHKE).squeeze(3)
    return y_BNHE.transpose(1, 2)


class PointAttentionParams(KernelParams):
    """Heads, and how many points each one looks at."""

    heads: Annotated[int, Field(ge=1, le=64, description="must divide the width"), Values(2, 4)]
    neighbours: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | None,
        Field(description="nearest points that are seen, itself among them; null: all"),
        Values(None, 16),
    ] = None


@final
class PointAttentionFamily(KernelFamily[PointAttentionParams]):
    """Softmax attention that knows how points stand to each other."""

    Params: ClassVar[type[KernelParams]] = PointAttentionParams
    summary: ClassVar[str] = "softmax attention over points that knows how they stand to each other"
    source: ClassVar[str] = "arXiv 2104.09864 and arXiv 2012.09164"

    def bias(self, params: PointAttentionParams) -> Bias:
        """All points or the nearest; content, and the offset."""
        return Bias(
            support=Support.FULL if params.neighbours is None else Support.KNN,
            sharing=Sharing.TRANSLATION,
            content=Content.PAIR,
            entry=(Entry.AMPLITUDE,),
        )

    def cost(self, site: Site, params: PointAttentionParams) -> Cost:
        """Maps 8 N D², angles A N D, turns 6 N D, and for each of P pairs 4 D and a softmax of 4 H.

        P is N², or N K after 3 A N² for distances. Moved beside input, output and weights: q, k, v
        and what comes out of the softmax, and with neighbours what is gathered, out and in again.
        """
        width, length, axes = site.width, site.length, site.domain.coordinates
        near = length if params.neighbours is None else min(params.neighbours, length)
        distances = 0 if params.neighbours is None else 3 * axes * length**2
        maps = (8 * width**2 + axes * width + 6 * width) * length
        mixing, soft = 4 * length * near * width, 4 * length * near * params.heads
        weights = 4 * width * (width + 1) + axes * width // 2
        gathered = 0 if params.neighbours is None else near * (2 * width + params.heads)
        return Cost(
            flops=maps + distances + mixing + soft,
            params=weights,
            train_flops=3 * maps + distances + (7 * mixing // 2 if not gathered else 3 * mixing)
            + 2 * soft,
            traffic_bytes=4
            * (length * (10 * width + 2 * gathered) + (2 * length**2 if gathered else 0) + weights),
            activation_bytes=4
            * length
            * (9 * width + params.heads + near * (2 * width + params.heads + 4)
               if gathered else 9 * width + params.heads),
        )  # fmt: skip

    def build(self, site: Site, params: PointAttentionParams) -> PointAttention:
        """The operator."""
        return PointAttention(site.width, site.domain.coordinates, params.heads, params.neighbours)

    def refuses(self, site: Site, params: PointAttentionParams) -> str:
        """Turns need places and pairs of channels."""
        if site.domain.kind != "points":
            return f"turns by coordinates need a set of points, not {site.domain}"
        if not site.domain.coordinates:
            return "points without coordinates stand nowhere; attention is blind to that"
        if site.width % params.heads:
            return f"{params.heads} heads do not divide width {site.width}"
        if site.width // params.heads % 2:
            return (
                f"turns need heads of an even number of channels, and {params.heads} heads of "
                f"width {site.width} have {site.width // params.heads}"
            )
        return ""

    def evaluations(
        self, site: Site, params: PointAttentionParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """All points in the fused softmax, or the neighbours, gathered."""
        del device
        if params.neighbours is None:
            return (
                Evaluation("fused", True, "places enter by turns of q and k, so no pair is kept"),
                Evaluation("gather", False, "every point is seen, there is nothing to leave out"),
            )
        pairs = f"{params.neighbours} of {site.length} points are seen"
        return (
            Evaluation("fused", False, f"{pairs}: a mask of N x N would meet all of them"),
            Evaluation("gather", True, f"{pairs}: their keys and values are laid out"),
        )

    def normalize(self, site: Site, params: PointAttentionParams) -> PointAttentionParams:
        """As many neighbours as there are points are all."""
        if params.neighbours is not None and params.neighbours >= site.length:
            return params.model_copy(update={"neighbours": None})
        return params


FAMILY = PointAttentionFamily()
