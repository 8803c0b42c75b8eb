"""Checks of the declared bias: each axis is measured on the operator and held against the family.

Support and causality are read off the Jacobian, content off two Jacobians, sharing by moving a
patch of the field about. A state cannot be seen in a Jacobian: there the contract asks for decoding
whose memory stays the same size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from itnet_nas.axes import Content, Sharing, State, Support
from itnet_nas.integral.positions import coordinates, distances
from itnet_nas.testing.bench import Placed, demand, worst
from itnet_nas.testing.influence import jacobian, reach

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.testing.bench import Bench

SAME = 1e-9  # relative; a rule that differs at all differs by far more than this


def the_future_stays_hidden(bench: Bench) -> None:
    """In a causal domain y at n does not answer to u at m > n."""
    if not bench.site.causal:
        return
    ahead_NM = reach(bench.place(bench.build(), batch=1), bench.field(batch=1)[0]).triu(1)
    demand(not ahead_NM.any(), f"in a causal domain {_first(ahead_NM)}")


def support_is_as_declared(bench: Bench) -> None:
    """Nothing beyond it answers, and everything inside it does.

    A dilated window has holes, which do not answer. block, ball and knn are held to "not
    everything, and more than a point".
    """
    bias = bench.family.bias(bench.params)
    reach_NM = reach(bench.place(bench.build(), batch=1), bench.field(batch=1)[0])
    x_NA = coordinates(bench.site.domain.shape)
    distance_NM = distances(x_NA)
    possible_NM = torch.ones_like(reach_NM)
    if bench.site.causal:
        possible_NM = possible_NM.tril()
    if bias.support in (Support.BLOCK, Support.BALL, Support.KNN):
        demand(not reach_NM[possible_NM].all(), f"{bias.support} support reaches every position")
        outside_NM = reach_NM & (distance_NM > 0)
        demand(bool(outside_NM.any()), f"{bias.support} support reaches no other position")
        return
    radius = {Support.POINT: 0, Support.WINDOW: bias.radius}.get(bias.support)
    inside_NM = possible_NM if radius is None else possible_NM & (distance_NM <= radius)
    inside_NM = inside_NM & ((x_NA.unsqueeze(1) - x_NA) % bias.dilation == 0).all(-1)
    beyond_NM, missed_NM = reach_NM & possible_NM & ~inside_NM, inside_NM & ~reach_NM
    demand(not beyond_NM.any(), f"declared {bias}, but {_first(beyond_NM)}")
    demand(not missed_NM.any(), f"declared {bias}, but {_first(missed_NM, 'does not answer')}")


def content_is_as_declared(bench: Bench) -> None:
    """Without content the Jacobian is the same for any two fields; with it, it is not."""
    bias = bench.family.bias(bench.params)
    op = bench.place(bench.build(), batch=1)
    first, second = (jacobian(op, bench.field(seed, batch=1)[0]) for seed in (1, 2))
    gap = float((first - second).abs().max() / first.abs().max())
    if bias.content is Content.NONE:
        demand(
            gap <= SAME, f"declared no content, but another field changes the kernel by {gap:.1e}"
        )
    else:
        demand(gap > SAME, f"declared {bias.content} content, but the kernel is the same for "
                           f"two fields")  # fmt: skip


def sharing_is_as_declared(bench: Bench) -> None:
    """The declared group is the largest one: its moves change nothing, a larger group's would.

    Translation is tried with a patch of real positions moved about in a masked field, permutation
    by exchanging positions. periodic is held to "not translation".
    """
    bias = bench.family.bias(bench.params)
    op = bench.place(bench.build())
    blind = _permutation_gap(bench, op)
    if bias.sharing is Sharing.PERMUTATION:
        demand(blind <= SAME, f"declared permutation-shared, but exchanging positions changes the "
                              f"output by {blind:.1e}")  # fmt: skip
        return
    demand(blind > SAME, f"declared {bias.sharing}, but it is blind to positions: declare "
                         f"permutation")  # fmt: skip
    if bench.site.domain.kind == "points" and op.x_BNA is None:
        return
    moved = _translation_gap(bench, op)
    if bias.sharing is Sharing.TRANSLATION:
        demand(moved <= SAME, f"declared translation-shared, but moving a patch changes its output "
                              f"by {moved:.1e}")  # fmt: skip
    else:
        demand(moved > SAME, f"declared {bias.sharing}, but moving a patch changes nothing: "
                             f"declare translation")  # fmt: skip


def a_set_has_no_order(bench: Bench) -> None:
    """Points given in another order, places and all, come out in that order, otherwise the same."""
    if bench.site.domain.kind != "points":
        return
    op, u_BND = bench.place(bench.build()), bench.field()
    order_N = torch.randperm(bench.site.length, generator=torch.Generator().manual_seed(4))
    other = Placed(op.op, None if op.x_BNA is None else op.x_BNA[:, order_N])
    with torch.no_grad():
        gap = worst(other(u_BND[:, order_N]), op(u_BND)[:, order_N])
    demand(gap <= SAME, f"points in another order change the output by {gap:.1e}")


def a_state_keeps_its_size(bench: Bench) -> None:
    """A declared state, in a causal domain, decodes with a memory that does not grow."""
    bias = bench.family.bias(bench.params)
    if bias.state is State.NONE or not bench.site.causal:
        return
    op, u_BND = bench.build(), bench.field(batch=1)
    demand(op.decodes, f"declared {bias.state} state, but it does not decode in a causal domain")
    state, sizes = op.start(1), set()
    with torch.no_grad():
        for u_BD in u_BND.unbind(1):
            _, state = op.step(u_BD, state)
            sizes.add(state_bytes(state))
    demand(len(sizes) == 1, f"declared {bias.state} state, but its memory grows: {sorted(sizes)}")


def state_bytes(state: Any) -> int:
    """Bytes of every tensor in a state: tensors, or tuples, lists and dicts of states."""
    if isinstance(state, torch.Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, dict):
        return sum(state_bytes(part) for part in state.values())
    if isinstance(state, tuple | list):
        return sum(state_bytes(part) for part in state)
    return 0


def _first(where_NM: Tensor, verb: str = "answers") -> str:
    """The first pair of positions for which it holds, in words; nothing when there is none."""
    pairs = torch.nonzero(where_NM).tolist()
    if not pairs:
        return ""
    return f"the output at position {pairs[0][0]} {verb} to the input at position {pairs[0][1]}"


def _permutation_gap(bench: Bench, op: Placed) -> float:
    """What exchanging positions changes; causal: at the last one, by exchanging those before it."""
    u_BND = bench.field()
    length = bench.site.length
    fixed = 1 if bench.site.causal else 0
    generator = torch.Generator().manual_seed(4)
    order_N = torch.arange(length)
    order_N[: length - fixed] = torch.randperm(length - fixed, generator=generator)
    with torch.no_grad():
        y_BND, moved_BND = op(u_BND), op(u_BND[:, order_N])
    if bench.site.causal:
        return worst(moved_BND[:, -1], y_BND[:, -1])
    return worst(moved_BND, y_BND[:, order_N])


def _translation_gap(bench: Bench, op: Placed) -> float:
    """What moving a patch of real positions by one changes in its own output, along each axis.

    Points are moved all together.
    """
    if op.x_BNA is not None:
        away_A = torch.arange(1.0, 1.0 + op.x_BNA.shape[-1], dtype=op.x_BNA.dtype)
        with torch.no_grad():
            return worst(Placed(op.op, op.x_BNA + away_A)(bench.field()), op(bench.field()))
    shape = bench.site.domain.shape
    x_NA = coordinates(shape)
    inside_N = (x_NA < torch.tensor([size - 1 for size in shape])).all(1)
    patch_N = torch.nonzero(inside_N).flatten()
    u_BND = bench.field()
    gaps = []
    for axis in range(len(shape)):
        stride = 1 if axis == len(shape) - 1 else shape[-1]
        outputs = []
        for start in (0, stride):
            mask_BN = torch.zeros(u_BND.shape[:2], dtype=torch.bool)
            mask_BN[:, patch_N + start] = True
            moved_BND = torch.zeros_like(u_BND)
            moved_BND[:, patch_N + start] = u_BND[:, patch_N]
            with torch.no_grad():
                outputs.append(op(moved_BND, mask_BN)[:, patch_N + start])
        gaps.append(worst(outputs[1], outputs[0]))
    return max(gaps)
