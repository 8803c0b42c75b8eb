"""Random search beside a search: the same on workers, and killed in the middle without loss."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from itnet_nas import open_run
from itnet_nas.errors import RunError

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).parent / "itnet-nas"
TRIALS = 8
SPACE = f"""\
version: 1
task: {{name: python_source, context: 32}}
network: {{width: 16}}
layers:
  - name: first
    kernels: {{conv: {{radius: [1, 2, 3, 4, 5, 6]}}, identity: {{}}}}
  - name: second
    after: [first]
    kernels: {{conv: {{radius: [1, 2, 3, 4, 5, 6]}}, gru: {{}}}}
training: {{steps: 60, batch_size: 8}}
search: {{strategy: evolution, trials: {TRIALS}, seed: 3, baseline: true}}
"""


def command(*words: object) -> str:
    """What it said."""
    done = subprocess.run(
        [str(COMMAND), *map(str, words)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def made(run: Path) -> int:
    try:
        return len(open_run(run).random_records)
    except RunError:
        return 0  # the run is not there yet


def test_a_baseline_killed_in_the_middle_is_resumed_without_loss_or_repetition(
    tmp_path: Path,
) -> None:
    file, run = tmp_path / "space.yaml", tmp_path / "run"
    file.write_text(SPACE)
    driver = subprocess.Popen(
        [str(COMMAND), "search", str(file), "--run", str(run), "--backend", "local"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 300
    while not 0 < made(run) < TRIALS and time.monotonic() < end and driver.poll() is None:
        time.sleep(0.05)
    assert driver.poll() is None, "the search ended before it could be killed"
    driver.kill()
    driver.wait(timeout=60)
    before = open_run(run).random_records

    talk = command("resume", run, "--backend", "local")

    after = open_run(run).random_records
    assert [record.number for record in after] == list(range(TRIALS))
    assert [one for one in after if one.number in {record.number for record in before}] == before
    assert len({record.key for record in after}) == TRIALS
    assert "random search needed " in talk


@pytest.mark.ray
def test_a_baseline_is_the_same_on_workers_and_in_one_process(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(SPACE.replace("steps: 60", "steps: 4"))

    for folder, where in (("workers", ("--workers", 2)), ("local", ("--backend", "local"))):
        command("search", file, "--run", tmp_path / folder, *where)

    found = [open_run(tmp_path / folder).random_records for folder in ("workers", "local")]
    assert len(found[0]) == TRIALS
    assert [one.reproducible() for one in found[0]] == [one.reproducible() for one in found[1]]
