"""Checks of the declared support, of causality, order and state: measured on the operator.

Support and causality are read off the Jacobian at random weights. A state cannot be seen in a
Jacobian: there the contract asks for decoding, with a memory of the declared size that stays so.
Sharing and content have files of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from itnet_nas.axes import Entry, State, Support
from itnet_nas.integral.positions import coordinates, distances
from itnet_nas.testing.bench import Placed, demand, nothing_here, worst
from itnet_nas.testing.influence import reach

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.testing.bench import Bench

SAME = 1e-9  # relative; a rule that differs at all differs by far more than this


def the_future_stays_hidden(bench: Bench) -> None:
    """In a causal domain y at n does not answer to u at m > n."""
    nothing_here(not bench.site.causal, "no future is hidden here")
    ahead_NM = reach(bench.place(bench.stirred(), batch=1), bench.field(batch=1)[0]).triu(1)
    demand(not ahead_NM.any(), f"in a causal domain {_first(ahead_NM)}")


def support_is_as_declared(bench: Bench) -> None:
    """Nothing beyond it answers, and everything inside it does.

    A dilated window has holes, which do not answer. block, ball and knn are held to "not
    everything, and more than a point". Where content enters by the support, one field need not be
    answered from everywhere.
    """
    bias = bench.family.bias(bench.params)
    reach_NM = reach(bench.place(bench.stirred(), batch=1), bench.field(batch=1)[0])
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
    if Entry.SUPPORT in bias.entry:
        return
    demand(not missed_NM.any(), f"declared {bias}, but {_first(missed_NM, 'does not answer')}")


def a_set_has_no_order(bench: Bench) -> None:
    """Points given in another order, places and all, come out in that order, otherwise the same."""
    nothing_here(bench.site.domain.kind != "points", "positions have an order here")
    op, u_BND = bench.place(bench.build()), bench.field()
    order_N = torch.randperm(bench.site.length, generator=torch.Generator().manual_seed(4))
    other = Placed(op.op, None if op.x_BNA is None else op.x_BNA[:, order_N])
    with torch.no_grad():
        gap = worst(other(u_BND[:, order_N]), op(u_BND)[:, order_N])
    demand(gap <= SAME, f"points in another order change the output by {gap:.1e}")


def a_state_keeps_its_size(bench: Bench) -> None:
    """A declared state, in a causal domain, decodes with a memory of that size, which stays so.

    `state_size` numbers for each channel, a complex one counting once; as much again may stand
    beside them (the denominator of a normaliser, a count of steps).
    """
    bias = bench.family.bias(bench.params)
    nothing_here(bias.state is State.NONE, "no state is declared")
    nothing_here(not bench.site.causal, "a state is carried along a causal domain")
    op, u_BND = bench.build(), bench.field(batch=1)
    demand(op.decodes, f"declared {bias.state} state, but it does not decode in a causal domain")
    state, sizes = op.start(1), set()
    with torch.no_grad():
        for u_BD in u_BND.unbind(1):
            _, state = op.step(u_BD, state)
            sizes.add(state_bytes(state))
    demand(len(sizes) == 1, f"declared {bias.state} state, but its memory grows: {sorted(sizes)}")
    carried = sum(tensor.numel() for tensor in tensors(state)) / bench.site.width
    wanted = bias.state_size or 0
    demand(wanted <= carried <= 2 * wanted,
           f"declared a state of {wanted} numbers for each channel, but a step carries "
           f"{carried:g}")  # fmt: skip


def state_bytes(state: Any) -> int:
    """Bytes of every tensor in a state: tensors, or tuples, lists and dicts of states."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors(state))


def tensors(state: Any) -> list[Tensor]:
    """Every tensor in a state: tensors, or tuples, lists and dicts of states."""
    if isinstance(state, torch.Tensor):
        return [state]
    parts = state.values() if isinstance(state, dict) else state
    if not isinstance(state, dict | tuple | list):
        return []
    return [tensor for part in parts for tensor in tensors(part)]


def _first(where_NM: Tensor, verb: str = "answers") -> str:
    """The first pair of positions for which it holds, in words; nothing when there is none."""
    pairs = torch.nonzero(where_NM).tolist()
    if not pairs:
        return ""
    return f"the output at position {pairs[0][0]} {verb} to the input at position {pairs[0][1]}"
