"""Checks of the forms in which an operator has to come: factors, half precision, parts, exports."""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import contextmanager, redirect_stderr
from typing import TYPE_CHECKING

import torch
from torch import nn

from itnet_nas.integral.packing import pack, packing, unpack
from itnet_nas.testing.bench import ContractBroken, demand, nothing_here, worst
from itnet_nas.testing.numeric import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from itnet_nas.testing.bench import Bench

HALF = 2e-2  # bfloat16 has 8 bits: 4e-3 for each rounding
LONG = 256  # positions after which a sum that is rounded at each of them has lost its way


def forward_is_the_dense_kernel(bench: Bench) -> None:
    """The factors K, V, O give the y of `forward`, with and without masks, and its gradient."""
    op, u_BND = bench.place(bench.build()), bench.field().requires_grad_()
    weight_BND = bench.field(seed=2)
    for name, mask_BN in {"no mask": None, **bench.masks()}.items():
        values, gradients = [], []
        for run in (op, op.dense):
            y_BND = run(u_BND, mask_BN)
            values.append(y_BND.detach())
            gradients.append(torch.autograd.grad((y_BND * weight_BND).sum(), u_BND)[0])
        gap = worst(*values)
        demand(gap <= EXACT, f"with {name}, forward is {gap:.1e} away from the dense kernel")
        gap = worst(*gradients)
        demand(gap <= EXACT, f"with {name}, the gradient of the input is {gap:.1e} away from that "
                             f"of the dense kernel")  # fmt: skip


def bfloat16_is_close(bench: Bench) -> None:
    """Under autocast to bfloat16, y is that of float32 to two digits, on long sequences too.

    What is summed, multiplied or carried along must not be rounded at every step.
    """
    long = bench.at_length(LONG)
    for place in (bench,) if long == bench else (bench, long):
        op = place.place(place.build(dtype=torch.float32))
        u_BND = place.field(dtype=torch.float32)
        with torch.no_grad():
            y_BND = op(u_BND)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                half_BND = op(u_BND)
        where = f"under autocast to bfloat16, the output at {place.site.length} positions is"
        demand(bool(half_BND.isfinite().all()), f"{where} not finite")
        gap = worst(half_BND.float(), y_BND)
        demand(gap <= HALF, f"{where} {gap:.1e} away from float32")


def packed_examples_do_not_meet(bench: Bench) -> None:
    """Two short examples packed into one row give what each gives alone, at its own length."""
    nothing_here(bench.site.domain.kind == "grid", "grids are not packed")
    built, u_BND = bench.build(), bench.field(batch=1)
    length = bench.site.length
    cut = length - length // 3
    segment_BN = (torch.arange(length) >= cut).long().unsqueeze(0)
    where = packing(segment_BN)
    x_BNA = bench.places(batch=1)
    with torch.no_grad():
        x_SLA = None if x_BNA is None else unpack(x_BNA, where)
        together_BND = pack(built(unpack(u_BND, where), where.mask_SL, x_SLA), where)
        for part in (slice(cut), slice(cut, length)):
            x_BPA = None if x_BNA is None else x_BNA[:, part]
            alone_BPD = built(u_BND[:, part], None, x_BPA)
            gap = worst(together_BND[:, part], alone_BPD)
            demand(gap <= EXACT, f"an example of {alone_BPD.shape[1]} positions packed beside "
                                 f"another is {gap:.1e} away from itself alone")  # fmt: skip


def morphisms_keep_the_function(bench: Bench) -> None:
    """Every move that the family offers stands at the site, and computes the same afterwards."""
    op, u_BND = bench.build(), bench.field()
    moves = bench.family.morphisms(bench.site, bench.params)
    nothing_here(not moves, "no moves are offered")
    for move in moves:
        demand(type(move.params) is bench.family.Params, f"{move.change}: leads to {move.params!r}")
        demand(move.params != bench.params, f"{move.change}: leads nowhere")
        refused = bench.family.refuses(bench.site, move.params)
        demand(not refused, f"{move.change}: is refused there: {refused}")
        other = bench.family.build(bench.site, move.params).double().eval()
        other.load_state_dict(move.carry(op.state_dict()))
        with torch.no_grad():
            gap = worst(bench.place(other)(u_BND), bench.place(op)(u_BND))
        demand(gap <= EXACT, f"{move.change}: changes the output by {gap:.1e}")


def it_can_be_exported(bench: Bench) -> None:
    """`torch.export`, written and read again, computes the same on another field."""
    op = bench.build(dtype=torch.float32)
    mask_BN = bench.masks()["padding"]
    x_BNA = bench.places()
    x_BNA = None if x_BNA is None else x_BNA.float()
    given = (bench.field(dtype=torch.float32), mask_BN, x_BNA)
    with torch.no_grad(), _quiet():
        try:
            program = torch.export.export(_Module(op), given)
        except Exception as error:
            why = str(error).partition("\n")[0]
            raise ContractBroken(f"torch.export: {type(error).__name__}: {why}") from error
        buffer = io.BytesIO()
        torch.export.save(program, buffer)
        buffer.seek(0)
        again = torch.export.load(buffer).module()
        other_BND = bench.field(seed=7, dtype=torch.float32)
        gap = worst(again(other_BND, mask_BN, x_BNA), op(other_BND, mask_BN, x_BNA))
    demand(gap <= 1e-5, f"after torch.export the output is {gap:.1e} away")


@contextmanager
def _quiet() -> Iterator[None]:
    """torch.export keeps a diary at level DEBUG, and prints the whole program where it fails.

    It also warns of the flat list that torch's own recurrences keep of their weights.
    """
    diary = logging.getLogger("torch.__trace")
    before, diary.disabled = diary.disabled, True
    try:
        with redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"The tensor attributes .*_flat_weights")
            yield
    finally:
        diary.disabled = before


class _Module(nn.Module):
    """An operator by its forward alone: what is exported has to have the three arguments."""

    def __init__(self, op: nn.Module) -> None:
        super().__init__()
        self.op = op

    def forward(self, u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        y_BND: Tensor = self.op(u_BND, mask_BN, x_BNA)
        return y_BND
