"""`probe_operator`: the scores of one operator on the inputs that it really has."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import torch

from itnet_nas.nn.probe.budget import DEFAULT, Budget
from itnet_nas.nn.probe.interval import Resamples
from itnet_nas.nn.probe.memory import memory
from itnet_nas.nn.probe.moves import moves
from itnet_nas.nn.probe.places import interior
from itnet_nas.nn.probe.rows import Field
from itnet_nas.nn.probe.scores import scores
from itnet_nas.nn.probe.sums import summed
from itnet_nas.nn.probe.third import beyond_pairwise
from itnet_nas.nn.probe.undisturbed import undisturbed
from itnet_nas.results.measured import Scores

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.kernels.site import Domain
    from itnet_nas.nn.probe.rows import Run

CAUSAL = 0.5  # only what runs forward carries a memory
NOT_CAUSAL = "the layer looks both ways, so nothing is carried along"
SEED = 0x6B65726E  # the bootstrap's own stream, so that it does not depend on what was read before


@final
@dataclass(frozen=True)
class Reading:
    """What was read of one operator. `notes` says of each missing score why it is not there.

    `inputs` examples were probed, by `rows` rows of the Jacobian over all of them.
    """

    scores: Scores
    inputs: int
    rows: int
    seconds: float
    notes: dict[str, str] = field(default_factory=dict)


def probe_operator(
    op: Run,
    u_BND: Tensor,
    mask_BN: Tensor | None = None,
    x_BNA: Tensor | None = None,
    *,
    domain: Domain,
    budget: Budget = DEFAULT,
    seed: int = 0,
) -> Reading:
    """Probe `op`, an Operator or any callable (u_BND, mask_BN, x_BNA) -> y_BND.

    `u_BND` are its inputs; where there are more examples than `budget.inputs`, those with the most
    real positions are taken, the first ones of them. Half precision is read in float32, float64
    stays. `seed` fixes positions, channels, moves and intervals. The operator, its gradients and
    flags and the global random state are left as they were.

    Shapes  B examples, N positions, D channels, A coordinates
    """
    clock = time.perf_counter()
    with undisturbed(op, seed, u_BND.device) as run:
        given = _given(u_BND, mask_BN, x_BNA, budget.inputs)
        draw = torch.Generator().manual_seed(seed)
        position_P = interior(given, domain, budget.positions, draw)
        channel_C = torch.randperm(given.width, generator=draw)[: budget.channels].to(u_BND.device)
        moved = moves(given, domain, budget.shifts, draw)
        sums = summed(run, given, domain, position_P, channel_C, moved, budget.moved_inputs)
        again = Resamples(
            len(position_P),
            len(channel_C),
            len(given),
            budget.resamples,
            torch.Generator().manual_seed(seed ^ SEED),
        )
        found, by_shift, notes = scores(sums, domain, moved, again)
        rows = sums.rows
        if "causality" in found and found["causality"].value > CAUSAL:
            carried = memory(run, given.u_BND, given.mask_BN, domain, budget, draw)
            also = {"state": carried.state, "horizon": carried.horizon}
            notes |= carried.notes
            rows += carried.rows
        else:
            also = {"state": None, "horizon": None}
            notes |= dict.fromkeys(also, notes.get("causality", NOT_CAUSAL))
        if "content" in notes:
            also["beyond_pairwise"], why = None, notes["content"]
        else:
            also["beyond_pairwise"], why, more = beyond_pairwise(
                run, given.u_BND, given.mask_BN, given.x_BNA, budget, draw
            )
            rows += more
        if also["beyond_pairwise"] is None:
            notes["beyond_pairwise"] = why
        found |= {name: one for name, one in also.items() if one is not None}
    return Reading(
        scores=Scores(**found, sharing_by_shift=by_shift),
        inputs=len(given),
        rows=rows,
        seconds=time.perf_counter() - clock,
        notes=notes,
    )


def _given(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None, inputs: int) -> Field:
    """Copies, so that inputs made in inference mode can take part in a gradient."""
    count_B = torch.zeros(len(u_BND), dtype=torch.int64)
    if mask_BN is not None:
        count_B = mask_BN.sum(1).cpu()
    most_B = torch.argsort(-count_B, stable=True)[:inputs].sort().values.to(u_BND.device)
    dtype = torch.float64 if u_BND.dtype == torch.float64 else torch.float32
    return Field(
        u_BND.detach()[most_B].to(dtype),
        None if mask_BN is None else mask_BN[most_B],
        None if x_BNA is None else x_BNA.detach()[most_B].to(dtype),
    )
