"""A certificate from the command line, in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Invoke = Callable[..., Result]


@pytest.mark.slow
def test_a_certificate_is_printed_kept_and_shown_in_the_report(
    itnet_nas: Invoke, run: Path
) -> None:
    result = itnet_nas("certify", run, "best", "--seeds", "3", "--backend", "local")

    assert result.exit_code == 0, result.stderr
    assert "mix: " in result.stdout
    assert "support" in result.stdout
    assert result.stderr.splitlines()[-1].startswith("next: itnet-nas explain")
    assert "Holm" in (run / "report.html").read_text()
    assert "Holm" in itnet_nas("explain", run, "0").stdout + itnet_nas("explain", run, "1").stdout


@pytest.mark.slow
def test_a_certificate_goes_on_where_its_budget_ended(itnet_nas: Invoke, run: Path) -> None:
    first = itnet_nas("certify", run, "best", "--trials", "2", "--backend", "local")
    again = itnet_nas("certify", run, "best", "--seeds", "3", "--backend", "local", "--json")
    third = itnet_nas("certify", run, "best", "--seeds", "3", "--backend", "local", "--json")

    assert first.exit_code == 0, first.stderr
    assert "2 trainings in all" in first.stderr
    assert "left at least: itnet-nas certify" in first.stderr
    found = json.loads(again.stdout)
    assert found["schema"] == "itnet-nas/certify/v1"
    assert found["left"] == 0
    assert {axis["axis"] for axis in found["axes"]} == {"support", "sharing", "state", "content"}
    assert json.loads(third.stdout)["trainings"] == found["trainings"]


@pytest.mark.slow
def test_the_trainings_of_a_certificate_are_not_on_the_front(itnet_nas: Invoke, run: Path) -> None:
    before = itnet_nas("pareto", run, "--json").stdout

    itnet_nas("certify", run, "best", "--seeds", "2", "--backend", "local")

    assert itnet_nas("pareto", run, "--json").stdout == before


def test_a_trial_without_a_record_cannot_be_certified(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("certify", run_folder, "9", "--backend", "local")

    assert result.exit_code == 2
    assert "has no record of trial 9" in result.stderr


def test_a_trial_that_failed_cannot_be_certified(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("certify", run_folder, "3", "--backend", "local")

    assert result.exit_code == 2
    assert "trial 3" in result.stderr
    assert "is failed; a certificate is made of a complete trial" in result.stderr
