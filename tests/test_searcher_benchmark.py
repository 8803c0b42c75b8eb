"""The benchmark of searchers: what it runs, what it keeps, what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import rival_searchers as rivals
import searchers
from search_problems import Planted

from itnet_nas.arch.genotype import contains
from itnet_nas.results.record import TrialRecord
from itnet_nas.testing.simulated import run

PLANTED = Planted(0)


def row(curve: list[float], **changes: Any) -> dict[str, Any]:
    """A search as the cache has it."""
    return {
        "trials": len(curve),
        "curve": curve,
        "duplicates": 0,
        "failed": 0,
        "seconds": 0.01,
        **changes,
    }


@pytest.mark.parametrize(
    "method", ["surrogate", "evolution", "random", "aging", "local", "uniform"]
)
def test_a_method_runs_the_planted_problem_without_duplicates(method: str) -> None:
    found = searchers.search("planted", method, seed=0, trials=30, workers=2)

    assert len(found["curve"]) == 30
    assert found["curve"] == sorted(found["curve"])
    assert found["duplicates"] == 0
    assert found["seconds"] > 0


def test_a_search_is_the_same_again() -> None:
    one = searchers.search("planted", "aging", seed=3, trials=25, workers=1)

    assert one["curve"] == searchers.search("planted", "aging", 3, 25, 1)["curve"]


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_sampler_of_optuna_proposes_members_of_the_space(sampler: str, workers: int) -> None:
    pytest.importorskip("optuna", reason="optuna is not installed: pip install optuna")
    searcher = rivals.OptunaSearcher(sampler, seed=0)
    space = PLANTED.space(15)

    records = run(searcher, space, PLANTED.record, workers=workers)

    assert len(records) == 15
    assert all(contains(space, record.architecture) for record in records)
    assert not searcher._open or len(searcher._open) <= workers


def test_optuna_is_told_every_result_but_those_under_way() -> None:
    optuna = pytest.importorskip("optuna", reason="optuna is not installed: pip install optuna")
    searcher = rivals.OptunaSearcher("tpe", seed=0)

    records = run(searcher, PLANTED.space(40), PLANTED.record)

    told = searcher._study.get_trials(deepcopy=False)[:39]
    complete = optuna.trial.TrialState.COMPLETE
    assert [t.state == complete for t in told] == [r.complete for r in records[:39]]
    assert [t.values for t in told if t.values] == [
        list(record.objectives.values()) for record in records[:39] if record.complete
    ]


def differ(one: TrialRecord, other: TrialRecord) -> int:
    """How many layers differ."""
    pairs = zip(one.architecture.layers, other.architecture.layers, strict=True)
    return sum(a != b for a, b in pairs)


def test_aging_evolution_has_parents_among_the_last_twenty_alone() -> None:
    space = PLANTED.space(60)
    records = run(rivals.AgingEvolution(), space, PLANTED.record)

    children = [record for record in records if record.proposed_by == "aging evolution"]
    assert len(children) == 40
    for record in children:
        parents = [r for r in records[: record.number] if r.complete][-20:]
        assert any(differ(parent, record) == 1 for parent in parents)


def test_local_search_goes_to_a_neighbour_of_the_front() -> None:
    space = PLANTED.space(20)
    records = run(rivals.LocalSearch(), space, PLANTED.record)

    assert [record.proposed_by for record in records] == ["random"] * 10 + ["local search"] * 10
    for record in records[10:]:
        assert any(differ(before, record) == 1 for before in records[: record.number])


def test_a_curve_keeps_its_value_over_a_failure() -> None:
    records = run(searchers.searcher_of("random", PLANTED, 0), PLANTED.space(40), PLANTED.record)
    failed = [record.number for record in records if not record.complete]
    assert failed

    curve = searchers.curve(PLANTED, records)

    assert all(curve[n] == curve[n - 1] for n in failed if n)


def test_what_another_process_put_into_the_cache_stays(tmp_path: Path) -> None:
    cache = tmp_path / "kept.json"
    searchers.keep(cache, "one", row([0.5]))

    searchers.keep(cache, "other", row([0.25]))

    assert json.loads(cache.read_text()) == {"one": row([0.5]), "other": row([0.25])}
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


def test_the_trials_to_a_mark_are_counted_from_1() -> None:
    assert searchers.trials_to(row([0.1, 0.5, 0.6]), 0.5) == 2
    assert searchers.trials_to(row([0.1, 0.5, 0.6]), 0.7) == float("inf")


def test_the_table_has_a_line_for_each_method_that_was_run() -> None:
    rows = {
        searchers.key_of("planted", "random", 0, 1): row([0.5] * 200),
        searchers.key_of("planted", "random", 1, 1): row([0.7] * 200, duplicates=2),
        searchers.key_of("planted", "tpe", 0, 1): row([0.1] * 100 + [0.4] * 100),
        searchers.key_of("planted", "tpe", 1, 1): row([0.1] * 100 + [0.8] * 100),
        searchers.key_of("planted", "gp", 0, 1): row([0.3] * 60),
        searchers.key_of("planted", "random", 0, 8): row([0.9] * 200),
    }

    assert searchers.table(rows, "planted", 1) == [
        "**planted**, 1 worker: share of the front's hypervolume, mean ± standard error",
        "",
        "| method | searches | @25 | @50 | @100 | @150 | @200 | duplicates | s per ask "
        "| trials to Optuna's best at 200 |",
        "|---|---|---|---|---|---|---|---|---|---|",
        "| random | 2 | 0.600 ± 0.100 | 0.600 ± 0.100 | 0.600 ± 0.100 | 0.600 ± 0.100 "
        "| 0.600 ± 0.100 | 1.0 of 200 | 0.010 | not reached (1 of 2 not in 200) |",
        "| tpe | 2 | 0.100 ± 0.000 | 0.100 ± 0.000 | 0.100 ± 0.000 | 0.600 ± 0.200 "
        "| 0.600 ± 0.200 | 0.0 of 200 | 0.010 | 101 |",
        "| gp | 1 | 0.300 | 0.300 | – | – | – | 0.0 of 60 | 0.010 "
        "| not reached (1 of 1 not in 60) |",
    ]


def test_a_table_of_nothing_is_not_printed() -> None:
    assert searchers.table({}, "planted", 1) == []


def test_names_and_seeds_are_read() -> None:
    assert searchers.wanted("tpe,gp", searchers.METHODS) == ["tpe", "gp"]
    assert searchers.numbers("0-2,7") == [0, 1, 2, 7]
    with pytest.raises(ValueError, match="there is no 'grid'"):
        searchers.wanted("grid", searchers.METHODS)


def test_our_searchers_know_the_costs_of_the_problem() -> None:
    """Latency stands in a table: it can be looked up, not computed."""
    for method in searchers.OURS:
        searcher = searchers.searcher_of(method, PLANTED, 0)

        assert searcher._costs == PLANTED.costs
