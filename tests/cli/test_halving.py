"""A halved run on the command line: what status, the end of a search and the report say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from support.curves import go_on, halving_space, whole_run

from itnet_nas.api import open_run
from itnet_nas.cli.finish import finish
from itnet_nas.results.store import Store
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.run_search import summary_of

SAID = "halving after 34 of 100 steps: "


def test_status_shows_who_waits_and_what_was_saved(
    itnet_nas: Callable[..., Result], tmp_path: Path
) -> None:
    with Store.create(tmp_path / "run", halving_space(trials=60)) as store:
        paused = go_on(store, RandomSearcher(), jobs=45).progress().paused

    result = itnet_nas("status", tmp_path / "run")
    data = json.loads(itnet_nas("status", tmp_path / "run", "--json").stdout)

    assert paused > 0
    assert f"paused\t{paused}" in result.stdout.splitlines()
    assert "running or interrupted\t1" in result.stdout.splitlines()
    assert SAID in result.stderr
    assert data["paused"] == paused
    assert data["halving"]["correlations"][0]["pairs"] >= 25


def test_the_end_of_a_search_and_its_report_say_what_was_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = whole_run(tmp_path / "run", halving_space(trials=40), RandomSearcher())

    finish(summary_of(ended), "search", as_json=False)

    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith(SAID)]
    assert said == [open_run(tmp_path / "run").halving]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Was it right to stop trials early?" in page


def test_a_search_without_halving_says_nothing_of_it(
    itnet_nas: Callable[..., Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = whole_run(tmp_path / "run", halving_space(trials=5, halving=False), RandomSearcher())

    finish(summary_of(ended), "search", as_json=False)

    assert "halving after" not in capsys.readouterr().err
    assert "stop trials early" not in (tmp_path / "run" / "report.html").read_text()
    assert json.loads(itnet_nas("status", tmp_path / "run", "--json").stdout)["halving"] is None


@pytest.mark.parametrize(("flag", "halves"), [("--halving", True), ("--no-halving", False)])
def test_a_flag_wins_over_the_file(
    itnet_nas: Callable[..., Result], tmp_path: Path, flag: str, halves: bool
) -> None:
    file = tmp_path / "space.yaml"
    other = "" if halves else ", halving: {}"
    file.write_text(
        "version: 1\ntask: {name: python_source}\nlayers: [{name: a, kernels: {gru: {}}}]\n"
        f"search: {{trials: 3{other}}}\n"
    )

    result = itnet_nas("search", file, flag, "--dry-run", "--json")

    settings = json.loads(result.stdout)["search"]["halving"]
    assert settings == ({"first": 0.34, "keep": 0.5, "rungs": 1} if halves else None)
