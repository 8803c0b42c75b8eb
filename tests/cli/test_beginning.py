"""Seeds and warm starts from the command line: said before, done, and said after."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from itnet_nas.results.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Invoke = Callable[..., Result]

TEXT = """\
version: 1
task: {name: python_source, context: 16}
network: {width: 8}
layers:
  - name: mix
    kernels: {conv: {radius: [1, 2]}, attention: {heads: 2, position: none}, gru: {}}
training: {steps: 2, batch_size: 2}
search:
  strategy: random
  trials: 2
  probe: false
  seeds: [attention, {mix: {conv: {radius: 2}}}, attention]
"""
SEEDS = ["attention(heads=2, position=none)", "conv(radius=2, channels=depthwise, dilation=1)"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(TEXT)
    return path


def test_check_show_and_the_plan_name_the_seeds(itnet_nas: Invoke, file: Path) -> None:
    checked = itnet_nas("check", file)
    shown = itnet_nas("show", file)
    planned = itnet_nas("search", file, "--dry-run")

    for result in (checked, planned):
        assert result.exit_code == 0, result.stderr
        assert [f"seed\t{label}" for label in SEEDS] == [
            line for line in result.stdout.splitlines() if line.startswith(("seed\ta", "seed\tc"))
        ]
    assert shown.stdout.splitlines()[-2:] == [f"seed: {label}" for label in SEEDS]
    assert json.loads(itnet_nas("check", file, "--json").stdout)["seeds"] == SEEDS


def test_a_seed_that_breaks_a_constraint_is_found_by_check(itnet_nas: Invoke, file: Path) -> None:
    file.write_text(TEXT + "constraints: ['state_bytes <= 100']\n")

    result = itnet_nas("check", file)

    assert result.exit_code == 1
    assert f"{file.name}:12:11: search.seeds[0]" in result.stderr
    assert "breaks state_bytes <= 100: its state_bytes are " in result.stderr


@pytest.mark.slow
def test_a_search_takes_over_what_another_run_trained(
    itnet_nas: Invoke, file: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    local = ("--backend", "local")
    assert itnet_nas("search", file, "--run", first, *local).exit_code == 0
    command = ("search", file, "--run", second, "--from", first, *local)

    planned = itnet_nas(*command, "--dry-run", "--json")
    result = itnet_nas(*command)
    shutil.rmtree(first)
    status = itnet_nas("status", second)
    resumed = itnet_nas("resume", second, "--trials", "3", *local)

    begins = json.loads(planned.stdout)
    assert (begins["seeds"], begins["imported"], begins["priors"]) == ([], 2, 0)
    said = result.stderr.splitlines()
    assert result.exit_code == 0, result.stderr
    assert f"note: 2 results taken over from {first}, not trained again" in said
    # Four architectures, of which two were there.
    assert "every trial has ended: 2 trials, 2 complete; 2 results imported" in said
    assert "trials\t2 of 2" in status.stdout
    assert f"imported\t2 results from {first}" in status.stdout
    assert "2 trials ended so far, 0 interrupted" in resumed.stderr
    assert "no architecture is left that was not tried: 2 trials" in resumed.stderr
    with Store.open(second) as store:
        records = store.records()
        assert store.search.warm_start == str(first)
    assert [bool(record.imported) for record in records] == [True, True, False, False]
    assert len({record.key for record in records}) == 4


@pytest.mark.slow
def test_trials_told_beforehand_are_in_the_status(
    itnet_nas: Invoke, file: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    itnet_nas("search", file, "--run", first, "--backend", "local")
    file.write_text(TEXT.replace("steps: 2", "steps: 3"))

    result = itnet_nas("search", file, "--run", second, "--from", first, "--backend", "local")

    assert (
        f"note: told beforehand of 2 trials of {first}: no results, since its recipe differs"
        in result.stderr.splitlines()
    )
    assert f"told beforehand\t2 trials from {first}" in itnet_nas("status", second).stdout
    data = json.loads(itnet_nas("status", second, "--json").stdout)
    assert (data["trials"], data["imported"], data["priors"]) == (2, 0, 2)


def test_a_run_that_cannot_be_used_is_an_error_and_no_run_is_begun(
    itnet_nas: Invoke, file: Path, tmp_path: Path
) -> None:
    result = itnet_nas("search", file, "--run", tmp_path / "run", "--from", tmp_path / "none")

    assert result.exit_code == 1
    assert f'there is no run in "{tmp_path / "none"}"' in result.stderr
    assert not (tmp_path / "run").exists()
