"""Searches at the edge, from the first job to the exit code, by every strategy."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from random import Random

import pytest

from itnet_nas.analysis.pareto import front
from itnet_nas.results.record import Outcome, TrialError, TrialRecord, TrialState
from itnet_nas.results.store import Store
from itnet_nas.search.controller import Controller
from itnet_nas.search.run_search import Summary, run_search, summary_of
from itnet_nas.search.strategies import STRATEGIES, strategy
from itnet_nas.space import load_space
from itnet_nas.testing import searcher_grounds as grounds
from itnet_nas.testing.searcher_grounds import Ground, changed

MISSING = importlib.util.find_spec("optuna") is None
EVERY = pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                MISSING and name.startswith("optuna"), reason="the package optuna is not installed"
            ),
        )
        for name in STRATEGIES
    ],
)


def search(
    ground: Ground,
    folder: Path,
    name: str,
    workers: int = 1,
    state: TrialState = TrialState.COMPLETE,
    **equal: float,
) -> tuple[Summary, list[TrialRecord]]:
    """A search by that strategy without training; of those under way, a random one ends first.

    equal   figures that every trial has
    """
    settings = ground.space.search.model_copy(update={"strategy": name, "workers": workers})
    space = changed(ground.space, search=settings)
    dice = Random(0)
    with Store.create(folder, space) as store:
        one = Controller(space, store, strategy(name), settings)
        while True:
            while len(one.running) < workers and (job := one.next_job()) is not None:
                assert job.number in one.running
            if not one.running:
                return summary_of(one), one.records()
            number = dice.choice(one.running)
            (job,) = (job for job in one.wanted if job.number == number)
            figures = {**ground.objectives(job.architecture), **equal}
            failed = state is TrialState.FAILED
            error = TrialError(kind="non_finite", message="the loss is nan") if failed else None
            objectives = {} if failed else figures
            record = job.record(state=state, steps=1, objectives=objectives, error=error)
            one.tell(Outcome(record=record))


@EVERY
@pytest.mark.parametrize("workers", [1, 16])
def test_a_space_of_one_point_is_searched_with_one_trial(
    tmp_path: Path, name: str, workers: int
) -> None:
    summary, records = search(grounds.point(), tmp_path, name, workers)

    assert (summary.ended, summary.exit_code) == ("exhausted", 0)
    assert [record.number for record in records] == [0]


@EVERY
def test_a_space_smaller_than_the_budget_is_exhausted(tmp_path: Path, name: str) -> None:
    summary, records = search(grounds.few().trials(40), tmp_path, name)

    assert (summary.ended, summary.exit_code) == ("exhausted", 0)
    assert len({record.key for record in records}) == len(records) == 9


@EVERY
def test_more_workers_than_points_train_each_point_once(tmp_path: Path, name: str) -> None:
    summary, records = search(grounds.few().trials(40), tmp_path, name, workers=64)

    assert (summary.ended, summary.exit_code) == ("exhausted", 0)
    assert len({record.key for record in records}) == len(records) == 9


@EVERY
def test_the_few_feasible_points_are_all_found(tmp_path: Path, name: str) -> None:
    summary, records = search(grounds.rest().trials(40), tmp_path, name, workers=4)

    assert (summary.ended, summary.exit_code) == ("exhausted", 0)
    assert len({record.key for record in records}) == len(records) == 3


@EVERY
@pytest.mark.parametrize("workers", [1, 4])
def test_a_search_whose_trials_all_fail_ends_early(tmp_path: Path, name: str, workers: int) -> None:
    summary, records = search(
        grounds.chain().trials(40), tmp_path, name, workers, TrialState.FAILED
    )

    assert (summary.ended, summary.exit_code, summary.complete) == ("failures", 4, 0)
    assert len(records) == 8 + workers - 1  # what was under way ends


@EVERY
def test_a_search_of_which_nothing_meets_a_measured_constraint_says_no(
    tmp_path: Path, name: str
) -> None:
    summary, _ = search(grounds.chain().trials(14), tmp_path, name, 1, TrialState.INFEASIBLE)

    assert (summary.ended, summary.exit_code, summary.complete) == ("done", 1, 0)


@EVERY
def test_equal_figures_are_all_on_the_front(tmp_path: Path, name: str) -> None:
    ground = grounds.chain().trials(24)

    summary, records = search(ground, tmp_path, name, 2, error=0.5, flops=1e4)

    assert (summary.ended, summary.exit_code) == ("done", 0)
    assert len({record.key for record in records}) == 24
    assert front(ground.space, records) == records


@EVERY
def test_equal_qualities_leave_the_cheapest_on_the_front(tmp_path: Path, name: str) -> None:
    ground = grounds.chain().trials(24)

    _, records = search(ground, tmp_path, name, 2, error=0.5)

    best = front(ground.space, records)
    assert {record.objectives["flops"] for record in best} == {
        min(record.objectives["flops"] for record in records)
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["surrogate", "evolution", "random"])
def test_figures_that_are_never_a_number_end_the_search_early(tmp_path: Path, name: str) -> None:
    space = load_space(
        {
            "version": 1,
            "task": {"name": "python_source", "context": 16},
            "network": {"width": 8},
            "layers": [{"name": "only", "kernels": {"conv": {"radius": list(range(1, 13))}}}],
            "training": {"steps": 4, "batch_size": 2, "lr": 1e30},
            "search": {"strategy": name, "trials": 12},
        }
    )

    summary = run_search(space, tmp_path, backend="local")

    assert (summary.ended, summary.exit_code, summary.complete) == ("failures", 4, 0)
    with Store.open(tmp_path) as store:
        errors = [record.error for record in store.records()]
    assert {error.kind for error in errors if error is not None} == {"non_finite"}
    assert len(errors) == 8
