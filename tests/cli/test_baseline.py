"""Random search beside a search, from the command line."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import pytest

from itnet_nas.api import open_run, search
from itnet_nas.cli.finish import finish
from itnet_nas.results.store import Store
from itnet_nas.search.baseline import BaselineSession
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.run_search import Summary
from itnet_nas.testing.planted_landscape import PlantedLandscape
from itnet_nas.testing.simulated import run as simulated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from itnet_nas.results.record import TrialRecord

    Invoke = Callable[..., Result]

LANDSCAPE = PlantedLandscape(1)
TRIALS = 24
OF = LANDSCAPE.space(TRIALS)
SPACE = """\
version: 1
task: {name: python_source, context: 16}
network: {width: 8}
layers:
  - name: one
    kernels: {identity: {}, conv: {radius: [1, 2, 3, 4]}}
  - name: two
    after: [one]
    kernels: {identity: {}, conv: {radius: [1, 2, 3, 4]}}
training: {steps: 4, batch_size: 4}
search: {strategy: evolution, trials: 14, seed: 1, baseline: true}
"""


def planted(folder: Path, *, made: int) -> Path:
    """A run of `evolution` on the planted landscape, with `made` trials of random search."""
    with Store.create(folder, OF) as store:
        for record in searched():
            store.add_record(record)
        for record in drawn()[:made]:
            store.baseline.add_record(record)
    return folder


@cache
def searched() -> list[TrialRecord]:
    return simulated(EvolutionSearcher(), OF, LANDSCAPE.record)


@cache
def drawn() -> list[TrialRecord]:
    return simulated(RandomSearcher(), OF, LANDSCAPE.record, seed=5)


def summary(folder: Path) -> Summary:
    return Summary(ended="done", folder=folder, trials=TRIALS, complete=TRIALS, failed=0)


def test_the_end_of_a_search_says_what_random_search_would_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = planted(tmp_path / "run", made=0)

    finish(summary(folder), "search", as_json=False)

    said = capsys.readouterr().err.splitlines()
    (line,) = (line for line in said if "random search" in line)
    assert line.startswith("random search would need ")
    assert line.endswith(" random trials)")
    assert said.index(line) == len(said) - 3  # between the front and the report


def test_the_end_of_a_search_says_what_random_search_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = planted(tmp_path / "run", made=TRIALS)

    finish(summary(folder), "search", as_json=False)

    assert "random search needed " in capsys.readouterr().err


def test_a_front_as_json_has_the_baseline(itnet_nas: Invoke, tmp_path: Path) -> None:
    real = planted(tmp_path / "real", made=TRIALS)
    estimated = planted(tmp_path / "estimated", made=0)

    found = [
        json.loads(itnet_nas("pareto", folder, "--json").stdout) for folder in (real, estimated)
    ]

    assert [one["baseline"]["kind"] for one in found] == ["real", "estimated"]
    for one in found:
        assert one["baseline"]["trials"] == TRIALS
        assert one["baseline"]["search"] == pytest.approx(one["hypervolume"])
        low, high = one["baseline"]["interval"]
        assert low < high


def test_a_status_says_how_far_the_baseline_is(itnet_nas: Invoke, tmp_path: Path) -> None:
    folder = planted(tmp_path / "run", made=7)

    rows = [line.split("\t") for line in itnet_nas("status", folder).stdout.splitlines()]
    data = json.loads(itnet_nas("status", folder, "--json").stdout)

    assert ["trials of the baseline", f"7 of {TRIALS}"] in rows
    assert data["baseline"]["trials"] == data["baseline"]["made"] == 7


def test_few_random_trials_are_no_baseline(itnet_nas: Invoke, run_folder: Path) -> None:
    assert json.loads(itnet_nas("pareto", run_folder, "--json").stdout)["baseline"] is None


@pytest.mark.parametrize("verb", ["search", "resume"])
def test_both_verbs_that_search_take_the_flag(itnet_nas: Invoke, verb: str) -> None:
    assert "--with-baseline" in itnet_nas(verb, "--help").stdout


def test_a_plan_says_that_random_search_follows(itnet_nas: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(SPACE)

    plan = itnet_nas("search", file, "--backend", "local", "--dry-run").stdout

    assert "14 trials by evolution, then as many by random, 1 at a time" in plan


@pytest.mark.slow
def test_a_search_with_its_baseline_from_the_file_to_the_report(
    itnet_nas: Invoke, tmp_path: Path
) -> None:
    file, folder = tmp_path / "space.yaml", tmp_path / "run"
    file.write_text(SPACE)

    result = itnet_nas("search", file, "--run", folder, "--backend", "local")

    assert result.exit_code == 0, result.stderr
    assert "budget 14 trials, then as many of random search" in result.stderr
    assert "random search needed " in result.stderr
    with Store.open(folder) as store:
        made = store.baseline.records()
        trials = store.records()
    assert [record.number for record in made] == list(range(14))
    assert {record.proposed_by for record in made} == {"random"}
    # What both of them drew was trained once.
    both = {record.key: record for record in trials}
    shared = [(record, both[record.key]) for record in made if record.key in both]
    assert shared
    assert all(one.started == other.started for one, other in shared)
    assert "Random search needed " in (folder / "report.html").read_text()


@pytest.mark.slow
def test_a_baseline_can_be_asked_for_later(itnet_nas: Invoke, tmp_path: Path) -> None:
    file, folder = tmp_path / "space.yaml", tmp_path / "run"
    file.write_text(SPACE.replace(", baseline: true", ""))
    itnet_nas("search", file, "--run", folder, "--backend", "local")
    before = open_run(folder).random_records

    result = itnet_nas("resume", folder, "--backend", "local", "--with-baseline")

    assert result.exit_code == 0, result.stderr
    assert before == []
    assert len(open_run(folder).random_records) == 14


@pytest.mark.slow
def test_a_baseline_that_was_interrupted_is_resumed(
    itnet_nas: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = tmp_path / "space.yaml", tmp_path / "run"
    file.write_text(SPACE)
    tell = BaselineSession.tell
    told: list[object] = []

    def interrupted(self: BaselineSession, outcome: object) -> None:
        if told:
            raise KeyboardInterrupt
        told.append(outcome)
        tell(self, outcome)  # type: ignore[arg-type]

    monkeypatch.setattr(BaselineSession, "tell", interrupted)
    stopped = itnet_nas("search", file, "--run", folder, "--backend", "local")
    monkeypatch.setattr(BaselineSession, "tell", tell)
    resumed = itnet_nas("resume", folder, "--backend", "local")

    assert stopped.exit_code == 130, stopped.stderr
    assert stopped.stderr.splitlines()[-1] == f"next: itnet-nas resume {folder}"
    assert resumed.exit_code == 0, resumed.stderr
    whole = search(tmp_path / "space.yaml", run=tmp_path / "whole", backend="local")
    assert [one.reproducible() for one in open_run(folder).random_records] == [
        one.reproducible() for one in whole.random_records
    ]


@pytest.mark.slow
def test_random_search_needs_no_baseline(itnet_nas: Invoke, tmp_path: Path) -> None:
    file, folder = tmp_path / "space.yaml", tmp_path / "run"
    file.write_text(SPACE.replace("evolution", "random"))

    result = itnet_nas("search", file, "--run", folder, "--backend", "local")

    assert open_run(folder).random_records == []
    assert "this search is random search: it is its own baseline" in result.stderr.splitlines()
    assert json.loads(itnet_nas("pareto", folder, "--json").stdout)["baseline"]["kind"] == "itself"
