"""Random search beside a search on workers: killed in the middle, it goes on without loss."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.processes import processes_below

from itnet_nas import open_run
from itnet_nas.errors import RunError

pytestmark = [pytest.mark.ray, pytest.mark.slow]

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
search: {{strategy: evolution, trials: {TRIALS}, seed: 3, workers: 2, baseline: true}}
"""


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
        [str(COMMAND), "search", str(file), "--run", str(run)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 300
    while not 0 < made(run) < TRIALS and time.monotonic() < end and driver.poll() is None:
        time.sleep(0.05)
    assert driver.poll() is None, "the search ended before it could be killed"
    for pid in (driver.pid, *processes_below(driver.pid)):
        with contextlib.suppress(ProcessLookupError):  # it ended with its parent
            os.kill(pid, signal.SIGKILL)
    driver.wait(timeout=60)
    before = open_run(run).random_records

    done = subprocess.run(
        [str(COMMAND), "resume", str(run)], capture_output=True, text=True, timeout=600, check=False
    )

    assert done.returncode == 0, done.stderr
    after = open_run(run).random_records
    assert [record.number for record in after] == list(range(TRIALS))
    assert [one for one in after if one.number in {record.number for record in before}] == before
    assert len({record.key for record in after}) == TRIALS
    assert "random search needed " in done.stderr
