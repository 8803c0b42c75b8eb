"""Checks of what an operator computes: its loops, its gradients, masks, decoding, precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from itnet_nas.axes import Support
from itnet_nas.testing.bench import Placed, demand, nothing_here, worst

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.testing.bench import Bench

LONG = 96  # positions after which a memory of the size of a site would have given out
EXACT = 1e-10  # in float64, two orders of the same operations differ by far less


def forward_is_the_reference(bench: Bench) -> None:
    """`forward` and `reference` give the same y, with and without masks."""
    op, u_BND = bench.place(bench.build()), bench.field()
    for name, mask_BN in {"no mask": None, **bench.masks()}.items():
        with torch.no_grad():
            y_BND = op(u_BND, mask_BN)
            gap = worst(y_BND, op.reference(u_BND, mask_BN))
        demand(y_BND.shape == u_BND.shape, f"forward returned {tuple(y_BND.shape)}, not (B, N, D)")
        demand(gap <= EXACT, f"with {name}, forward is {gap:.1e} away from reference")


def gradients_are_the_reference(bench: Bench) -> None:
    """So are the gradients, of the input and of every parameter; and finite differences agree."""
    built, u_BND = bench.build(), bench.field().requires_grad_()
    op = bench.place(built)
    names = ["the input", *(name for name, _ in built.named_parameters())]
    leaves = [u_BND, *built.parameters()]
    weight_BND = bench.field(seed=2)
    for mask_name, mask_BN in {"no mask": None, **bench.masks()}.items():
        fast = _gradients(op(u_BND, mask_BN), weight_BND, leaves)
        slow = _gradients(op.reference(u_BND, mask_BN), weight_BND, leaves)
        for name, a, b in zip(names, fast, slow, strict=True):
            gap = worst(a, b)
            demand(gap <= EXACT, f"with {mask_name}, the gradient of {name} is {gap:.1e} away from "
                                 f"that of reference")  # fmt: skip
    # Both paths could have lost the same gradient; differences of values cannot.
    generator = torch.Generator().manual_seed(3)
    step = 1e-6
    for name, leaf, gradient in zip(
        names, leaves, _gradients(op(u_BND), weight_BND, leaves), strict=True
    ):
        way = torch.randn(leaf.shape, generator=generator, dtype=leaf.dtype)
        values = []
        with torch.no_grad():
            for sign in (1, -2):  # one step ahead, then two back
                leaf += sign * step * way
                values.append(float((op(u_BND) * weight_BND).sum()))
            leaf += step * way
        slope, stated = (values[0] - values[1]) / (2 * step), float((gradient * way).sum())
        gap = abs(slope - stated) / max(1.0, abs(slope))
        demand(gap <= 1e-5, f"along a random direction of {name} the output changes by "
                            f"{slope:.6g}, but its gradient says {stated:.6g}")  # fmt: skip


def _gradients(y_BND: Tensor, weight_BND: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    demand(y_BND.requires_grad, "the output carries no gradient at all")
    found = torch.autograd.grad((y_BND * weight_BND).sum(), leaves, allow_unused=True)
    return [
        torch.zeros_like(leaf) if grad is None else grad
        for leaf, grad in zip(leaves, found, strict=True)
    ]


def a_masked_position_does_not_exist(bench: Bench) -> None:
    """What stands there changes nothing, its output is 0, and a mask of all True is no mask."""
    op, u_BND = bench.place(bench.build()), bench.field()
    with torch.no_grad():
        gap = worst(op(u_BND, torch.ones(u_BND.shape[:2], dtype=torch.bool)), op(u_BND))
        demand(gap <= EXACT, f"a mask of all True changes the output by {gap:.1e}")
        for name, mask_BN in bench.masks().items():
            y_BND = op(u_BND, mask_BN)
            demand(not y_BND[~mask_BN].any(), f"with {name}, a masked output is not 0")
            for rubbish in (1e3, float("inf"), float("nan")):
                other_BND = u_BND.masked_fill(~mask_BN.unsqueeze(-1), rubbish)
                gap = worst(_spoilt(op, mask_BN, rubbish)(other_BND, mask_BN), y_BND)
                demand(gap <= EXACT, f"with {name}, {rubbish} at masked positions changes the "
                                     f"output by {gap:.1e}")  # fmt: skip
        nothing_BND = op(u_BND, torch.zeros(u_BND.shape[:2], dtype=torch.bool))
    demand(not nothing_BND.any(), "an example without a real position does not give 0")


def a_masked_position_teaches_nothing(bench: Bench) -> None:
    """Whatever stands there, gradients are finite and the same, and its own is 0.

    NaN times 0 is NaN: an output can be clean while its gradient is not.
    """
    op, u_BND, weight_BND = bench.build(), bench.field(), bench.field(seed=2)
    placed, weights = bench.place(op), [*op.parameters()]
    names = ["the input", *(name for name, _ in op.named_parameters())]
    for mask_name, mask_BN in bench.masks().items():
        gone_BN1 = ~mask_BN.unsqueeze(-1)
        found = []
        for rubbish in (0.0, float("nan")):
            given_BND = u_BND.masked_fill(gone_BN1, rubbish).requires_grad_()
            y_BND = _spoilt(placed, mask_BN, rubbish)(given_BND, mask_BN)
            found.append(_gradients(y_BND, weight_BND, [given_BND, *weights]))
        demand(not found[0][0][~mask_BN].any(), f"with {mask_name}, the gradient of a masked "
                                                f"input is not 0")  # fmt: skip
        for name, clean, spoilt in zip(names, *found, strict=True):
            gap = worst(spoilt, clean)
            demand(gap <= EXACT, f"with {mask_name}, nan at masked positions changes the gradient "
                                 f"of {name} by {gap:.1e}")  # fmt: skip


def _spoilt(op: Placed, mask_BN: Tensor, rubbish: float) -> Placed:
    """The same operator, where points that are not real stand nowhere."""
    if op.x_BNA is None:
        return op
    return Placed(op.op, op.x_BNA.masked_fill(~mask_BN.unsqueeze(-1), rubbish))


def examples_do_not_meet(bench: Bench) -> None:
    """One example alone gives what it gives in a batch."""
    op, u_BND = bench.build(), bench.field(batch=3)
    with torch.no_grad():
        alone_BND = bench.place(op, batch=1, first=1)(u_BND[1:2])
        gap = worst(bench.place(op, batch=3)(u_BND)[1:2], alone_BND)
    demand(gap <= EXACT, f"an example alone differs from the same one in a batch by {gap:.1e}")


def step_is_forward(bench: Bench) -> None:
    """Where it decodes, position by position; and never where later positions count.

    On a longer sequence too, where the family stands there: a memory may give out late.
    """
    op = bench.build()
    local = bench.family.bias(bench.params).support is Support.POINT
    demand(not op.decodes or bench.site.causal or local,
           "it says that it decodes, but outputs may depend on later positions here")  # fmt: skip
    nothing_here(not op.decodes, "it does not decode here")
    long = bench.at_length(LONG)
    for place in (bench,) if long == bench else (bench, long):
        op, u_BND = place.build(), place.field()
        rows, state = [], op.start(len(u_BND))
        with torch.no_grad():
            for u_BD in u_BND.unbind(1):
                y_BD, state = op.step(u_BD, state)
                rows.append(y_BD)
            steps_BND, y_BND = torch.stack(rows, 1), place.place(op)(u_BND)
        gap = worst(steps_BND, y_BND)
        demand(gap <= EXACT, f"decoding step by step is {gap:.1e} away from forward"
                             f"{_first_apart(steps_BND, y_BND)}")  # fmt: skip


def _first_apart(steps_BND: Tensor, y_BND: Tensor) -> str:
    if steps_BND.shape != y_BND.shape:
        return f": {tuple(steps_BND.shape)} against {tuple(y_BND.shape)}"
    apart_N = (steps_BND - y_BND).abs().amax((0, 2)) > EXACT * y_BND.abs().max().clamp(min=1)
    first = int(apart_N.int().argmax())
    return f", from step {first + 1} of {len(apart_N)} on"


def every_parameter_counts(bench: Bench) -> None:
    """At random weights each parameter changes the output: a dead one costs and learns nothing."""
    op, u_BND = bench.stirred(), bench.field()
    trained = {name: p for name, p in op.named_parameters() if p.requires_grad}
    nothing_here(not trained, "there are no parameters")
    y_BND = bench.place(op)(u_BND)
    for name, gradient in zip(
        trained, _gradients(y_BND, bench.field(seed=2), [*trained.values()]), strict=True
    ):
        demand(bool(gradient.any()), f"the parameter {name} changes nothing: its gradient is 0 at "
                                     f"random weights")  # fmt: skip


def float32_stays_float32(bench: Bench) -> None:
    """y has the dtype of u, and the value of float64 to single precision."""
    single, double = bench.build(dtype=torch.float32), bench.build()
    with torch.no_grad():
        y_BND = bench.place(single)(bench.field(dtype=torch.float32))
        gap = worst(y_BND.double(), bench.place(double)(bench.field()))
    demand(y_BND.dtype == torch.float32, f"float32 went in and {y_BND.dtype} came out")
    demand(gap <= 1e-4, f"float32 is {gap:.1e} away from float64")
