"""Whether there is a run where a file says that its first trials come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from itnet_nas.space.space import Space

HEAD = "version: 1\ntask: {name: symbols}\n"
FILE = """\
layers: [{name: a, kernels: {gru: {}}}]
search:
  seeds: {from: runs/other}
"""


def test_a_run_that_is_not_there_is_found_when_the_file_is_read(
    wrong_in: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert (
        wrong_in(FILE)
        == f"""\
a.yaml:5:17: search.seeds.from
  there is no run in "runs/other": it has no run.sqlite
  name the folder of a run, as seen from {tmp_path}, or leave search.seeds out"""
    )


def test_the_folder_is_seen_from_the_current_directory(
    space_of: Callable[..., Space], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "other").mkdir(parents=True)
    (tmp_path / "runs" / "other" / "run.sqlite").touch()

    seeds = space_of(HEAD + FILE).search.seeds

    assert seeds is not None
    assert (seeds.source, seeds.trials) == ("runs/other", 3)


def test_seeds_without_a_run_say_what_is_missing(wrong_in: Callable[..., str]) -> None:
    said = wrong_in(FILE.replace("from: runs/other", "trials: 2"))

    assert said == 'a.yaml:5:3: search.seeds\n  the key "from" is missing'
