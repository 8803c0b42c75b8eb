"""The last lines of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from itnet_nas.cli.finish import ENDINGS, finish, next_command
from itnet_nas.search.run_search import Summary

if TYPE_CHECKING:
    from pathlib import Path


def summary(folder: Path, **given: object) -> Summary:
    """A session on the run of `conftest`."""
    plain = {"ended": "done", "folder": folder, "trials": 4, "complete": 3, "failed": 1}
    return Summary(**{**plain, **given})  # type: ignore[arg-type]


def test_the_end_says_what_was_found_where_it_is_and_what_to_do(
    run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(summary(run_folder), "search", as_json=False)

    said = capsys.readouterr().err.splitlines()
    assert said == [
        "every trial has ended: 4 trials, 3 complete, 1 failed",
        "front of 2; knee and best is trial 1: error 0.1, flops 4 k; "
        "conv(radius=1) > attention(heads=2)",
        f"report: {run_folder / 'report.html'}",
        f"next: itnet-nas explain {run_folder} 1",
    ]


def test_an_interruption_ends_with_the_command_that_goes_on(
    run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(summary(run_folder, ended="interrupted"), "search", as_json=False)

    said = capsys.readouterr().err.splitlines()
    assert said[0] == "interrupted; what had ended is kept: 4 trials, 3 complete, 1 failed"
    assert said[-1] == f"next: itnet-nas resume {run_folder}"


def test_without_a_front_the_status_is_what_to_look_at(
    empty_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(summary(empty_run, ended="failures", trials=8, complete=0, failed=8), "search", False)

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "ended early: more than half of the trials failed: 8 trials, 0 complete, 8 failed",
        f"next: itnet-nas status {empty_run}",
    ]


def test_every_ending_has_its_words() -> None:
    assert set(ENDINGS) == set(Summary.CODES)


def test_the_next_command_can_be_pasted_for_any_folder(tmp_path: Path) -> None:
    folder = tmp_path / "my <run>"

    assert next_command(summary(folder, ended="interrupted"), None) == (
        f"itnet-nas resume '{folder}'"
    )
