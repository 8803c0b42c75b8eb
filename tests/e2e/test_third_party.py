"""A kernel family from another distribution: found, searched, and gone again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.ray, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "itnet-nas"
SPACE = """\
version: 1
task: {name: python_source, context: 32}
network: {width: 16}
layers:
  - name: only
    kernels: any
objectives: [bits_per_byte, flops]
training: {steps: 10, batch_size: 8}
search: {strategy: random, trials: 200, seed: 0, workers: 2}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's distribution, in a folder of its own that can be on the path or not."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--target", str(target)),
            str(ROOT / "examples" / "third_party_kernel"),
        ],
        check=True,
    )
    return target


def command(*words: object, site: Path | None = None) -> str:
    path = {"PYTHONPATH": str(site)} if site else {}
    done = subprocess.run(
        [str(COMMAND), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, **path},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_found_searched_on_workers_and_its_records_outlive_it(
    installed: Path, tmp_path: Path
) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(SPACE)
    run = tmp_path / "run"

    listed = command("kernels", site=installed)
    command("search", file, "--run", run, site=installed)

    assert "fourier" in listed
    assert "itnet-fourier" in listed
    table = command("table", run, "--json")
    rows = json.loads(table)["rows"]
    mine = [row for row in rows if "fourier" in row["label"]]
    assert mine
    assert {row["state"] for row in mine} == {"complete"}
    assert "fourier" in command("explain", run, mine[0]["number"])
    assert (
        "fourier"
        in command("report", run, "-o", tmp_path / "report.html")
        + (tmp_path / "report.html").read_text()
    )


def test_it_is_unknown_where_it_is_not_installed() -> None:
    done = subprocess.run(
        [str(COMMAND), "kernels", "fourier_"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 3
    assert "Traceback" not in done.stderr
