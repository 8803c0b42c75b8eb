"""The Python door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import itnet_nas
from itnet_nas.errors import RunError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

SPACE = {
    "version": 1,
    "task": {"name": "python_source", "context": 16},
    "network": {"width": 8},
    "layers": [
        {"name": "mix", "kernels": {"identity": {}, "conv": {"radius": [1, 2]}}},
    ],
    "training": {"steps": 4, "batch_size": 4},
    "search": {"strategy": "random", "trials": 2, "seed": 1},
}


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run in"):
        itnet_nas.open_run(tmp_path)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> itnet_nas.api.Run:
    """Two real trials, trained in this process."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    return itnet_nas.search(SPACE, run=folder, keep_weights="all", backend="local")


@pytest.mark.slow
def test_a_search_ends_with_its_trials_and_a_report(run: itnet_nas.api.Run) -> None:
    assert [record.number for record in run.records] == [0, 1]
    assert (run.folder / "report.html").exists()
    assert len(run.frame()) == 2


@pytest.mark.slow
def test_arguments_override_the_space(run: itnet_nas.api.Run) -> None:
    assert run.space.search.keep_weights == "all"


@pytest.mark.slow
def test_the_front_can_be_walked_and_picked_from(run: itnet_nas.api.Run) -> None:
    front = run.pareto()

    numbers = [trial.number for trial in front]
    assert len(front) == len(numbers) >= 1
    assert front.pick("best").number in numbers
    assert front._repr_html_().count("<tr>") == len(front) + 1


@pytest.mark.slow
def test_the_network_gives_again_what_was_recorded(run: itnet_nas.api.Run) -> None:
    import torch

    trial = run.pareto().pick("best")
    module = trial.module()

    with torch.no_grad():
        out = module(torch.zeros(1, 16, dtype=torch.int64))
    assert out.shape == (1, 16, 256)
    params = sum(p.numel() for p in module.parameters())
    assert params == trial.record.figures["params"]


@pytest.mark.slow
def test_a_finished_folder_is_not_searched_again(run: itnet_nas.api.Run) -> None:
    with pytest.raises(RunError, match="already holds a run"):
        itnet_nas.search(SPACE, run=run.folder, backend="local")


@pytest.mark.slow
def test_a_trial_that_is_not_there_is_named(run: itnet_nas.api.Run) -> None:
    with pytest.raises(UsageError, match="no record of trial 9: trials 0 to 1"):
        run.trial(9)


@pytest.mark.slow
def test_a_search_from_another_run_begins_with_its_trials_and_their_weights(
    run: itnet_nas.api.Run, tmp_path: Path
) -> None:
    again = itnet_nas.search(
        SPACE, run=tmp_path / "next", from_run=run.folder, trials=1, backend="local"
    )

    records = again.records
    assert [bool(record.imported) for record in records] == [True, True, False]
    assert len({record.key for record in records}) == 3
    taken = [trial for trial in again.pareto() if trial.record.imported]
    for trial in taken:  # nothing was trained for it here
        there = run.trial(next(r.number for r in run.records if r.key == trial.record.key))
        ours, theirs = trial.module().state_dict(), there.module().state_dict()
        assert all(bool((ours[name] == theirs[name]).all()) for name in theirs)
    assert taken
    assert f"imported: 2 results from {run.folder}" in (again.folder / "report.html").read_text()


def test_an_argument_that_is_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the search cannot be set up like this"):
        itnet_nas.search(SPACE, run=tmp_path / "run", trials=0)

    assert not (tmp_path / "run").exists()
