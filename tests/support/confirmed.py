"""A search in a tiny space and what its architectures gave again: no training, no torch.

trial  families       error  flops   rank
0      left left      0.50    200    front
1      middle left    0.40    300    front
2      right right    0.20    600    front
3      right left     0.45    400    second front
4      left right     0.60    401    third front
5      middle right   0.21    700    second front
6      left middle    failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.tiny import chain, job_of, record_of, tiny_space

from itnet_nas.results.confirm_ledger import called
from itnet_nas.results.record import Replicate, TrialError, TrialRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

SPACE = tiny_space()
TRIALS = (
    (("left", "left"), 0.50, 200.0),
    (("middle", "left"), 0.40, 300.0),
    (("right", "right"), 0.20, 600.0),
    (("right", "left"), 0.45, 400.0),
    (("left", "right"), 0.60, 401.0),
    (("middle", "right"), 0.21, 700.0),
    (("left", "middle"), None, 350.0),
)
FAILURE = TrialError(kind="non_finite", message="the loss was nan")


def trials() -> list[TrialRecord]:
    """The records of the search."""
    found = []
    for number, (families, error, flops) in enumerate(TRIALS):
        job = job_of(SPACE, number, chain(SPACE, families), seed=number)
        job = job.model_copy(update={"costs": {"flops": flops}})
        found.append(record_of(job, error=error, failure=FAILURE if error is None else None))
    return found


def again(
    trial: int,
    errors: Sequence[float],
    test: Sequence[float] = (),
    *,
    number: int | None = None,
    round_: int = 1,
    failure: TrialError | None = None,
    flops: float | None = None,
) -> TrialRecord:
    """What a confirmation of one trial left: one record, a replicate for each error."""
    families, _, cost = TRIALS[trial]
    seeds = tuple(range(1000, 1000 + len(errors)))
    job = job_of(SPACE, trial if number is None else number, chain(SPACE, families), seeds[0])
    cost = cost if flops is None else flops
    update = {"costs": {"flops": cost}, "proposed_by": called(round_, "by rank alone")}
    record = record_of(job.model_copy(update=update), error=errors[0], failure=failure)
    if failure is not None:
        return record
    tested = test or [None] * len(errors)
    replicates = tuple(
        Replicate(
            seed=seed,
            objectives={"error": error, "flops": cost},
            test={} if held_out is None else {"error": held_out},
        )
        for seed, error, held_out in zip(seeds, errors, tested, strict=True)
    )
    return record.model_copy(update={"replicates": replicates})


def confirmed() -> list[TrialRecord]:
    """The three of the front and trial 3, three seeds each."""
    return [
        again(0, [0.50, 0.52, 0.54], [0.53, 0.55, 0.57]),
        again(1, [0.46, 0.48, 0.50], [0.49, 0.50, 0.54]),
        again(2, [0.22, 0.24, 0.26], [0.25, 0.26, 0.30]),
        again(3, [0.44, 0.46, 0.48], [0.47, 0.48, 0.52]),
    ]
