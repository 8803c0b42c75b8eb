"""Real trainings that pause, through a kill -9, and on Ray from one worker to another."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.curves import halving_space
from support.tiny import ORIGIN

from itnet_nas.analysis.halved import halved
from itnet_nas.registry import Origin
from itnet_nas.results.record import TrialState
from itnet_nas.results.rungs import trial_of
from itnet_nas.results.store import Store
from itnet_nas.search.controller import Controller
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.ray_backend import run_ray
from itnet_nas.search.run_search import resume_run, run_search
from itnet_nas.space import load_space

FILE = """\
version: 1
task: {name: python_source, context: 16}
network: {width: 8}
layers:
  - {name: one, kernels: {identity: {}, conv: {radius: [1, 2, 4, 8]}, gru: {}}}
  - name: two
    after: [one]
    optional: true
    kernels: {identity: {}, conv: {radius: [1, 2, 4, 8]}, attention: {heads: [1, 2]}}
training: {steps: 30, batch_size: 8, lr: 0.01}
search:
  {strategy: random, trials: 32, probe: false, keep_weights: none, halving: {first: 0.8, keep: 0.3}}
"""
SEARCH = "from itnet_nas.cli.main import main; main()"


def told(folder: Path) -> list[dict[str, Any]]:
    """All that must come out the same, of trials and of pauses."""
    with Store.open(folder) as store:
        records = [*store.records(), *store.rungs.records()]
    return [record.reproducible() for record in records]


@pytest.mark.slow
def test_a_search_killed_while_trials_wait_is_the_search_that_was_not(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(FILE)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run_search(load_space(file), whole, source_text=FILE, backend="local")
    words = ["search", str(file), "--run", str(killed), "--backend", "local"]
    process = subprocess.Popen(
        [sys.executable, "-c", SEARCH, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if (killed / "run.sqlite").exists():
            with Store.open(killed) as store:
                waiting = {trial_of(rung.number) for rung in store.rungs.records()}
                waiting -= {record.number for record in store.records()}
            if waiting:
                break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL
    assert waiting

    summary = resume_run(killed, backend="local")

    assert summary.ended == "done"
    assert told(killed) == told(whole)
    with Store.open(whole) as store:
        records = store.records()
        standing = halved(store.space, records, store.rungs.records())
    assert standing is not None
    assert not standing.off
    assert standing.stopped == sum(one.state is TrialState.STOPPED for one in records) > 0
    assert standing.spent < standing.whole
    assert list((whole / "checkpoints").iterdir()) == []


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_paused_trial_goes_on_where_a_worker_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv("STAND_IN", str(marks))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    real = Origin(name="x", path="itnet_nas.axes:Bias", package="itnet-nas", version="0.1.0")
    space = halving_space(trials=60, workers=2)
    space = space.model_copy(
        update={
            "kernel_origins": {name: real for name in space.kernel_origins},
            "task_origin": real,
        }
    )
    assert real != ORIGIN  # whose package no worker could import

    with Store.create(tmp_path / "run", space) as store:
        controller = Controller(space, store, RandomSearcher(), space.search)
        run_ray(controller, lambda: None, evaluator="support.trials:pauses")
        records, rungs = store.records(), store.rungs.records()

    assert controller.ended == "done"
    assert [record.number for record in records] == list(range(60))
    stopped = {record.number for record in records if record.state is TrialState.STOPPED}
    went_on = {trial_of(rung.number) for rung in rungs} - stopped
    workers = {
        number: [line.split() for line in (marks / str(number)).read_text().splitlines()]
        for number in went_on
    }
    # Each part was trained once, the later one from the checkpoint that the earlier one had left.
    assert all(
        [line[1:] for line in lines] == [["0", "34"], ["34", "100"]] for lines in workers.values()
    )
    assert any(lines[0][0] != lines[1][0] for lines in workers.values())
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []
