"""What is planted is what wins: the right kernel and the strongest wrong one, trained as stated.

One seed each; `benchmarks/planted_bias.py` has three searches of every task with all families.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from itnet_nas.arch.count import enumerate_all
from itnet_nas.search.jobs import make_job
from itnet_nas.space import load_space
from itnet_nas.train.evaluate import evaluate

SPACES = Path(__file__).parents[3] / "search_spaces" / "planted"
# task, what wins, what comes nearest, and how far behind it is at least
RIVALS = [
    ("life2d", "conv", "long_conv", 0.03),
    ("reverb", "long_conv", "position_mixer", 0.3),
    ("ortho", "position_mixer", "long_conv", 0.5),
    ("recall", "attention", "mamba", 0.4),
    ("duplicate", "attention", "mamba", 0.2),
    ("parity", "gru", "mamba", 0.4),
]


@cache
def score(task: str, family: str) -> float:
    """Quality of the one-layer network with this family, under the recipe of the task."""
    space = load_space(SPACES / f"{task}.yaml")
    (member,) = (one for one in enumerate_all(space) if one.layers[0].family == family)
    job = make_job(
        space,
        space.search,
        member,
        number=0,
        seed=0,
        proposed_by="tests",
        keep_weights=False,
        probe=False,
    )
    record = evaluate(job).record
    assert record.complete, record.error
    return record.objectives[space.objectives[0].name]


@pytest.mark.slow
@pytest.mark.parametrize(("task", "winner", "rival", "gap"), RIVALS)
def test_the_planted_kernel_solves_its_task_and_the_strongest_other_does_not(
    task: str, winner: str, rival: str, gap: float
) -> None:
    right, wrong = score(task, winner), score(task, rival)

    assert right >= 0.99
    assert wrong <= right - gap
