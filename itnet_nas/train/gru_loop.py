"""torch's GRU, written so that several networks take each step together.

    g = W u + b  for all positions at once      m = U_a h + c_a
    r = σ(g_r + U_r h + c_r)      z = σ(g_z + U_z h + c_z)      a = tanh(g_a + r ⊙ m)
    h ← a + z ⊙ (h − a)

torch's own loop has no form for `torch.vmap`. A step is a handful of small operations, so that
those of K networks take hardly longer than those of one. Backwards, with e the gradient of h after
a step and h the memory before it,

    ∂a = e ⊙ (1 − z) (1 − a²)     ∂r = ∂a ⊙ m r (1 − r)         ∂z = e ⊙ (h − a) z (1 − z)
    ∂g = (∂r, ∂z, ∂a)             e ← e ⊙ z + (∂r, ∂z, ∂a ⊙ r) U  and what h itself was read for

and the gradient of U is one product over all positions, at the end.

Source  the formula is that of torch.nn.GRU
Shapes  K networks, B examples, N positions, P of all examples, D channels, S numbers of the memory,
        G = 3 S, X = 3 parts of it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from itnet_nas.integral.networks import by_network, more_examples
from itnet_nas.integral.precision import as_given

if TYPE_CHECKING:
    from itnet_nas.integral.networks import Dims


@final
class GruLoop(nn.GRU):
    """A GRU of one layer in one direction, biases and examples first: the same weights and values.

    It is no module of its own: another one becomes it, by its class alone.
    """

    @staticmethod
    def fits(layer: nn.GRU) -> bool:
        """Whether a layer of torch may become one."""
        plain = layer.num_layers == 1 and layer.bias and layer.batch_first
        return plain and not layer.bidirectional

    def forward(self, u_BND: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """(y_BNS, the last memory as (1, B, S)), from an empty one."""
        # By attribute: what is trained together is no nn.Parameter.
        names = ("weight_ih_l0", "bias_ih_l0", "weight_hh_l0", "bias_hh_l0")
        w_u, b_u, w_h, b_h = (getattr(self, name) for name in names)
        g_PG = F.linear(u_BND.flatten(0, 1), w_u, b_u)
        g_BNG = g_PG.reshape(*u_BND.shape[:2], -1)
        given = [part.unsqueeze(0).to(g_BNG.dtype) for part in (g_BNG, w_h, b_h)]
        with as_given(u_BND):
            h_KBNS: Tensor = _Run.apply(*given)[0]  # type: ignore[no-untyped-call]
        return h_KBNS[0], h_KBNS[0, :, -1].unsqueeze(0)


class _Run(torch.autograd.Function):
    """h_KBNS from the part of the gates that comes from outside, g_KBNG, and U_KGS, c_KG.

    Kept for the way back: h, r and z, a, and m = U_a h + c_a, with positions in front.
    """

    @staticmethod
    def forward(g_KBNG: Tensor, w_KGS: Tensor, b_KG: Tensor) -> tuple[Tensor, ...]:
        w_KSG, b_K1G = w_KGS.mT, b_KG.unsqueeze(1)
        size = w_KGS.shape[-1]
        gates = 2 * size
        g_NKBG = g_KBNG.permute(2, 0, 1, 3).contiguous()
        h_NKBS, a_NKBS, m_NKBS = (torch.empty_like(g_NKBG[..., :size]) for _ in range(3))
        rz_NKBY = torch.empty_like(g_NKBG[..., :gates])
        h_KBS = torch.zeros_like(g_NKBG[0, ..., :size])
        for n, g_KBG in enumerate(g_NKBG):
            from_h = torch.baddbmm(b_K1G, h_KBS, w_KSG)
            rz = torch.add(g_KBG[..., :gates], from_h[..., :gates], out=rz_NKBY[n]).sigmoid_()
            m_KBS = m_NKBS[n].copy_(from_h[..., gates:])
            a_KBS = torch.addcmul(g_KBG[..., gates:], rz[..., :size], m_KBS, out=a_NKBS[n]).tanh_()
            h_KBS = torch.lerp(a_KBS, h_KBS, rz[..., size:], out=h_NKBS[n])
        return h_NKBS.permute(1, 2, 0, 3), h_NKBS, rz_NKBY, a_NKBS, m_NKBS

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(inputs[1], *output[1:])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_KBNS: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor]:
        w_KGS, h_NKBS, rz_NKBY, a_NKBS, m_NKBS = ctx.saved_tensors
        r_NKBS, z_NKBS = rz_NKBY.chunk(2, -1)
        before_NKBS = torch.cat([torch.zeros_like(h_NKBS[:1]), h_NKBS[:-1]])
        # What does not depend on e, for all steps at once.
        dp = (1 - z_NKBS) * (1 - a_NKBS.square())
        dr = dp * m_NKBS * r_NKBS * (1 - r_NKBS)
        dz = (before_NKBS - a_NKBS) * z_NKBS * (1 - z_NKBS)
        into_h_NKBXS = torch.stack([dr, dz, dp * r_NKBS], -2)
        e_NKBS = dy_KBNS.permute(2, 0, 1, 3).contiguous()
        for n in range(len(e_NKBS) - 1, -1, -1):
            e_KBS, into_h = e_NKBS[n], into_h_NKBXS[n].mul_(e_NKBS[n].unsqueeze(-2))
            if n:
                e_NKBS[n - 1].addcmul_(e_KBS, z_NKBS[n]).baddbmm_(into_h.flatten(-2), w_KGS)
        flat_KPG = into_h_NKBXS.flatten(-2).transpose(0, 1).flatten(1, 2)
        flat_KPS = before_NKBS.transpose(0, 1).flatten(1, 2)
        into_h_NKBXS[..., 2, :] = e_NKBS * dp
        dg_KBNG = into_h_NKBXS.flatten(-2).permute(1, 2, 0, 3)
        return dg_KBNG, flat_KPG.mT @ flat_KPS, flat_KPG.sum(1)

    @staticmethod
    def vmap(info: Any, in_dims: Dims, *given: Tensor) -> tuple[tuple[Tensor, ...], Any]:
        """Networks side by side."""
        found = _Run.apply(*more_examples(info.batch_size, in_dims, given))  # type: ignore[no-untyped-call]
        dims = (0, 1, 1, 1, 1)
        parts = zip(found, dims, strict=True)
        return tuple(by_network(info.batch_size, part, dim) for part, dim in parts), dims
