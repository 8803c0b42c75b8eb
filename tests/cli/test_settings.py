"""What is said before a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from itnet_nas.cli.settings import announce
from itnet_nas.space.spec import SearchSpec


def test_every_setting_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    search = SearchSpec(trials=40, workers=4, time="10m", gpus_per_trial=0.5)

    announce(search, Path("runs/x"), "ray")

    assert capsys.readouterr().err == (
        "strategy surrogate · seed 0 · budget 40 trials or 10m · "
        "Ray, 4 at a time (1 CPU, 0.5 GPUs each) · folder runs/x\n"
    )


def test_few_trials_for_many_workers_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    announce(SearchSpec(trials=39, workers=4), Path("runs/x"), "ray")

    assert capsys.readouterr().err.splitlines()[1] == (
        "warning: 39 trials for 4 workers are few: proposals made at the same time cannot learn "
        "from each other; give at least 40 trials, or fewer workers"
    )


def test_one_process_is_one_worker(capsys: pytest.CaptureFixture[str]) -> None:
    announce(SearchSpec(trials=2, workers=4), Path("runs/x"), "local")

    assert "warning" not in capsys.readouterr().err


def test_random_search_has_nothing_to_learn_from_earlier_trials(
    capsys: pytest.CaptureFixture[str],
) -> None:
    announce(SearchSpec(strategy="random", trials=4, workers=4), Path("runs/x"), "ray")

    assert "warning" not in capsys.readouterr().err
