"""A search from the command line, in this process: from the first line to the resumed end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Invoke = Callable[..., Result]

pytestmark = pytest.mark.slow

TEXT = """\
version: 1
task: {name: python_source, context: 16}
network: {width: 8}
layers:
  - name: mix
    kernels:
      identity: {}
      conv: {radius: [1, 2]}
training: {steps: 4, batch_size: 4}
search: {strategy: random, trials: 2, seed: 1}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three architectures that train in no time."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TEXT)
    return path


def test_a_search_says_its_settings_first_and_the_next_command_last(
    itnet_nas: Invoke, file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"

    result = itnet_nas("search", file, "--run", folder, "--backend", "local")

    said = result.stderr.splitlines()
    assert result.exit_code == 0, result.stderr
    assert said[0] == (
        f"strategy random · seed 1 · budget 2 trials · this process (1 CPU each) · folder {folder}"
    )
    assert "every trial has ended: 2 trials, 2 complete" in said
    assert said[-2] == f"report: {folder / 'report.html'}"
    assert said[-1].startswith(f"next: itnet-nas explain {folder} ")
    assert result.stdout.splitlines()[0] == "trial\tbits_per_byte\tflops\tmix"
    assert (folder / "report.html").stat().st_size > 1000


def test_a_run_goes_on_where_it_ended(itnet_nas: Invoke, file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    itnet_nas("search", file, "--run", folder, "--backend", "local")

    result = itnet_nas("resume", folder, "--trials", 3, "--backend", "local", "--json")

    data = json.loads(result.stdout)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines()[0] == "2 trials ended so far, 0 interrupted"
    assert data["schema"] == "itnet-nas/resume/v1"
    assert (data["ended"], data["trials"]) == ("done", 3)


def test_a_space_that_is_used_up_ends_the_search(
    itnet_nas: Invoke, file: Path, tmp_path: Path
) -> None:
    result = itnet_nas(
        "search", file, "--run", tmp_path / "run", "--backend", "local", "--trials", 9, "--json"
    )

    assert json.loads(result.stdout)["ended"] == "exhausted"
    assert result.exit_code == 0


def test_a_run_is_never_overwritten(itnet_nas: Invoke, file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    itnet_nas("search", file, "--run", folder, "--backend", "local")

    result = itnet_nas("search", file, "--run", folder, "--backend", "local")

    assert result.exit_code == 1
    assert (
        f'{folder} already holds a run of "tiny" with 2 trials; continue it with '
        f"`itnet-nas resume {folder}`, or name another folder with --run"
    ) in result.stderr


def test_a_trained_network_is_exported_as_source(
    itnet_nas: Invoke, file: Path, tmp_path: Path
) -> None:
    folder, model = tmp_path / "run", tmp_path / "model"
    itnet_nas("search", file, "--run", folder, "--backend", "local", "--keep-weights", "all")

    result = itnet_nas("export", folder, 0, "-o", model)

    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{model}\n"
    assert {path.name for path in model.iterdir()} == {
        "model.py",
        "weights.pt",
        "architecture.json",
    }
