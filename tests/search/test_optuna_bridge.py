"""Optuna's samplers on a log: what they are told, what they propose, and what is missing."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.landscape import planted_record, planted_space, propose, run_search, volume
from support.tiny import tiny_space

from itnet_nas.arch.architecture import Architecture
from itnet_nas.errors import EnvironmentProblem
from itnet_nas.results.record import TrialRecord, TrialState
from itnet_nas.search.optuna_bridge import (
    Nsga2Searcher,
    TpeSearcher,
    population,
    require_optuna,
)
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.run_search import run_search as start
from itnet_nas.search.strategies import strategy
from itnet_nas.space.space import Space
from itnet_nas.space.spec import SearchSpec
from itnet_nas.testing import searcher_grounds as grounds

needs_optuna = pytest.mark.skipif(
    importlib.util.find_spec("optuna") is None, reason="the package optuna is not installed"
)
BOTH = pytest.mark.parametrize("searcher", [TpeSearcher(), Nsga2Searcher()], ids=["tpe", "nsga2"])


@pytest.fixture
def without_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def missing(name: str, package: str | None = None) -> Any:
        return None if name == "optuna" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", missing)


def study_of(
    space: Space, records: list[TrialRecord], pending: tuple[Architecture, ...] = ()
) -> Any:
    return Nsga2Searcher().study(require_optuna(), space, records, pending, 0)


def told(space: Space, number: int = 6) -> list[TrialRecord]:
    states = list(TrialState)
    drawn = run_search(RandomSearcher(), space, number)
    return [
        planted_record(space, record.number, record.architecture, state=states[record.number % 4])
        for record in drawn
    ]


@pytest.mark.usefixtures("without_optuna")
@pytest.mark.parametrize("name", ["optuna_tpe", "optuna_nsga2"])
def test_a_missing_package_is_named_with_what_to_install(name: str) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        strategy(name)

    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        "the strategies optuna_tpe and optuna_nsga2 need the package optuna, which is not "
        "installed here; install it with `pip install 'itnet-nas[optuna]'`, or choose another "
        "strategy"
    )


@pytest.mark.usefixtures("without_optuna")
def test_a_missing_package_is_found_before_there_is_a_folder(tmp_path: Path) -> None:
    space = tiny_space(search=SearchSpec(strategy="optuna_tpe", trials=2))

    with pytest.raises(EnvironmentProblem):
        start(space, tmp_path / "run", backend="local")

    assert not (tmp_path / "run").exists()


@needs_optuna
@pytest.mark.slow
@BOTH
def test_it_finds_more_than_random_search(searcher: TpeSearcher | Nsga2Searcher) -> None:
    space = planted_space(layers=6, trials=80)

    found = sum(volume(run_search(searcher, space, 80, seed)) for seed in range(2))
    random = sum(volume(run_search(RandomSearcher(), space, 80, seed)) for seed in range(2))

    assert found > random


@needs_optuna
def test_the_study_has_the_figures_and_the_state_of_every_trial() -> None:
    space = planted_space()
    records = told(space, 8)

    trials = study_of(space, records).trials

    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "FAIL", "FAIL"] * 2
    assert [trial.values for trial in trials[::4]] == [
        [record.objectives["error"], record.objectives["flops"]] for record in records[::4]
    ]


@needs_optuna
def test_what_is_pending_stands_as_running() -> None:
    space = planted_space()
    waiting = run_search(RandomSearcher(), space, 1, seed=1)[0].architecture

    trials = study_of(space, told(space), (waiting,)).trials

    assert [trial.state.name for trial in trials][-2:] == ["FAIL", "RUNNING"]


@needs_optuna
def test_generations_are_those_that_a_study_of_optuna_would_have_counted() -> None:
    import optuna

    space = planted_space(trials=50)
    assert population(space) == 10
    records = run_search(RandomSearcher(), space, 35)
    kept = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    live = optuna.create_study(
        directions=["minimize", "minimize"],
        sampler=optuna.samplers.NSGAIISampler(population_size=10, seed=0),
    )
    live.optimize(lambda trial: (trial.suggest_int("a", 0, 9), trial.suggest_int("b", 0, 9)), 35)
    optuna.logging.set_verbosity(kept)

    built = study_of(space, records)

    key = "NSGAIISampler:generation"
    assert [t.system_attrs[key] for t in built.trials] == [t.system_attrs[key] for t in live.trials]


@needs_optuna
def test_a_quality_that_is_to_grow_is_to_grow_for_optuna_as_well() -> None:
    space = grounds.graph().space

    names = [direction.name for direction in study_of(space, []).directions]

    assert names == ["MAXIMIZE", "MINIMIZE", "MINIMIZE"]


@needs_optuna
@BOTH
def test_a_known_proposal_is_asked_for_anew_and_in_the_end_drawn(
    searcher: TpeSearcher | Nsga2Searcher,
) -> None:
    space = planted_space(layers=1)
    records: list[TrialRecord] = []
    by: list[str] = []
    while (proposal := searcher.ask(space, records, (), Random(len(records)))) is not None:
        records.append(planted_record(space, len(records), proposal.architecture))
        by.append(proposal.by)

    assert len({record.key for record in records}) == 10
    assert by[0] == searcher.name


@needs_optuna
def test_optuna_is_silent_and_as_loud_as_before_afterwards(
    capfd: pytest.CaptureFixture[str],
) -> None:
    import optuna

    before = optuna.logging.get_verbosity()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        propose(TpeSearcher(), planted_space(), told(planted_space()))

    assert capfd.readouterr().err == ""
    assert not caught
    assert optuna.logging.get_verbosity() == before


@pytest.mark.parametrize(("trials", "expected"), [(20, 10), (100, 20), (250, 50), (1000, 50)])
def test_a_generation_is_a_fifth_of_the_trials(trials: int, expected: int) -> None:
    assert population(planted_space(trials=trials)) == expected
