"""Checks of the declared content: which values enter the kernel, and what they move.

    J[i, j] = ∂y[i] / ∂u[j]  at u,     J'  the same after the value at one position m was replaced

K is a function of what stands where J − J' is not 0. Three blocks of that difference say who reads:

    i = m, j ≠ m     the kernel reads the value at its own output position
    j = m, i ≠ m     the kernel reads the value that it weighs
    i, j ≠ m         it reads a third one: through a path between the two, or a normaliser

Blocks i = j are left out: there the derivative of the kernel itself stands beside the kernel, and
it moves with whatever is weighed. A normaliser reads every position, so a pair that is normalised
cannot be told from a path, and is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from itnet_nas.axes import Content, Entry, Support
from itnet_nas.testing.bench import demand, nothing_here
from itnet_nas.testing.influence import jacobian, reach

if TYPE_CHECKING:
    from itnet_nas.testing.bench import Bench

SAME = 1e-9  # relative; a rule that differs at all differs by far more than this


class Readers(NamedTuple):
    """How much the kernel moves with the value at its output, at its input, and at a third place.

    Relative to the largest entry of the Jacobian.
    """

    own: float
    weighed: float
    third: float


def readers(bench: Bench) -> Readers:
    """Measured at random weights, by replacing the value in the middle of the domain."""
    op = bench.place(bench.stirred(), batch=1)
    u_ND = bench.field(1, batch=1)[0]
    middle = len(u_ND) // 2
    other_ND = u_ND.clone()
    other_ND[middle] = bench.field(2, batch=1)[0, middle]
    before, after = jacobian(op, u_ND), jacobian(op, other_ND)
    # Squares of differences, summed over channels: gap_NN[i, j].
    gap_NN = (after - before).square().sum((1, 3)).sqrt() / before.abs().max()
    gap_NN.fill_diagonal_(0)
    own, weighed = float(gap_NN[middle].max()), float(gap_NN[:, middle].max())
    gap_NN[middle] = 0
    gap_NN[:, middle] = 0
    return Readers(own, weighed, float(gap_NN.max()))


def content_is_as_declared(bench: Bench) -> None:
    """Without content no value moves the kernel; with it, those values do that are declared.

    one-sided    the value at the output or the one that is weighed, not both, and no third
    pair         both
    path         both, and what stands between
    """
    bias = bench.family.bias(bench.params)
    if bias.content is Content.NONE:
        op = bench.place(bench.stirred(), batch=1)
        first, second = (jacobian(op, bench.field(seed, batch=1)[0]) for seed in (1, 2))
        gap = float((first - second).abs().max() / first.abs().max())
        demand(
            gap <= SAME, f"declared no content, but another field changes the kernel by {gap:.1e}"
        )
        return
    reads = readers(bench)
    demand(max(reads) > SAME, f"declared {bias.content} content, but the kernel is the same for "
                              f"two fields")  # fmt: skip
    if bias.support is Support.POINT:
        return
    sides = [name for name, gap in (("output", reads.own), ("input", reads.weighed)) if gap > SAME]
    if bias.content is Content.ONE_SIDED:
        demand(
            reads.third <= SAME,
            f"declared one-sided content, but a value at neither position changes the kernel by "
            f"{reads.third:.1e}: declare path, or pair where it is a normaliser",
        )
        demand(len(sides) == 1, "declared one-sided content, but the kernel reads the values at "
                                "both positions: declare pair")  # fmt: skip
        return
    demand(
        len(sides) == 2,
        f"declared {bias.content} content, but the kernel does not read the value at its "
        f"{'output' if 'input' in sides else 'input'} position: declare one-sided",
    )
    if bias.content is Content.PATH:
        demand(reads.third > SAME, "declared path content, but nothing between the two positions "
                                   "changes the kernel: declare pair")  # fmt: skip


def content_enters_as_declared(bench: Bench) -> None:
    """What can be seen of where it enters.

    support       another field is answered from other positions, and only if this is declared
    transition    a value between two positions counts for them
    gate          the kernel reads the value at its output

    An amplitude cannot be told from the others.
    """
    bias = bench.family.bias(bench.params)
    nothing_here(bias.content is Content.NONE, "no content enters")
    op = bench.place(bench.stirred(), batch=1)
    first_NN, second_NN = (reach(op, bench.field(seed, batch=1)[0]) for seed in (1, 2))
    moves = bool((first_NN != second_NN).any())
    if Entry.SUPPORT in bias.entry:
        demand(moves, "declared that content enters by the support, but two fields are answered "
                      "from the same positions")  # fmt: skip
    else:
        demand(not moves, "another field is answered from other positions: declare that content "
                          "enters by the support")  # fmt: skip
    if {Entry.TRANSITION, Entry.GATE}.isdisjoint(bias.entry) or bias.support is Support.POINT:
        return
    reads = readers(bench)
    if Entry.TRANSITION in bias.entry:
        demand(reads.third > SAME, "declared that content enters by the transition, but nothing "
                                   "between two positions counts for them")  # fmt: skip
    if Entry.GATE in bias.entry:
        demand(reads.own > SAME, "declared that content enters by a gate, but the kernel does not "
                                 "read the value at its output position")  # fmt: skip
