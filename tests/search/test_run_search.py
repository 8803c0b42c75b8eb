"""Starting and continuing a search in this process, on real text and tiny networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from itnet_nas.errors import InfeasibleError, RunError
from itnet_nas.results.store import Store
from itnet_nas.search.progress import Progress
from itnet_nas.search.run_search import Summary, parse_duration, resume_run, run_search
from itnet_nas.space import load_space
from itnet_nas.space.space import Space


def space(families: dict[str, Any] | None = None, **changes: Any) -> Space:
    """One layer on the source of Python: three choices unless `families` says otherwise."""
    given: dict[str, Any] = {
        "version": 1,
        "task": {"name": "python_source", "context": 16},
        "network": {"width": 8},
        "layers": [{"name": "only", "kernels": families or {"conv": {"radius": [1, 2, 3]}}}],
        "training": {"steps": 2, "batch_size": 2},
        "search": {"strategy": "random", "trials": 2},
    }
    return load_space({**given, **changes})


def test_a_search_leaves_a_run_that_says_how_it_was_made(tmp_path: Path) -> None:
    seen: list[Progress] = []

    summary = run_search(
        space(), tmp_path / "run", source_text="the file", command="the command",
        backend="local", progress=seen.append,
    )  # fmt: skip

    assert summary == Summary("done", tmp_path / "run", trials=2, complete=2, failed=0)
    assert summary.exit_code == 0
    assert (seen[-1].done, seen[-1].total) == (2, 2)
    with Store.open(tmp_path / "run") as store:
        assert store.source == "the file"
        assert store.stamp["command"] == "the command"
        assert store.stamp["versions"].keys() >= {"itnet-nas", "torch", "ray"}


def test_a_run_with_nothing_left_to_do_is_resumed_without_workers(tmp_path: Path) -> None:
    run_search(space(), tmp_path, backend="local")

    summary = resume_run(tmp_path)  # on Ray, which is not started

    assert summary.ended == "done"
    assert summary.trials == 2


def test_more_trials_can_be_had_on_resume(tmp_path: Path) -> None:
    run_search(space(), tmp_path, backend="local")

    summary = resume_run(tmp_path, trials=3, backend="local")

    assert summary.trials == 3
    with Store.open(tmp_path) as store:
        assert store.space.search.trials == 3
        assert store.stamp["sessions"] == 2


def test_a_family_that_was_installed_meanwhile_joins_by_extend(tmp_path: Path) -> None:
    run_search(space(), tmp_path, backend="local")
    wider = space({"conv": {"radius": [1, 2, 3]}, "gru": {}, "ssm": {"state": [2]}})

    summary = resume_run(tmp_path, extend=wider, trials=5, backend="local")

    assert summary.complete == 5
    with Store.open(tmp_path) as store:
        records = store.records()
        assert store.space.fingerprint == wider.fingerprint
    assert len({record.key for record in records}) == 5
    assert {layer.family for record in records[2:] for layer in record.architecture.layers} >= {
        "gru",
        "ssm",
    }


def test_a_space_whose_records_would_not_compare_is_refused_with_the_difference(
    tmp_path: Path,
) -> None:
    run_search(space(), tmp_path, backend="local")
    other = space(training={"steps": 3, "batch_size": 2})

    with pytest.raises(RunError) as caught:
        resume_run(tmp_path, extend=other, backend="local")

    assert str(caught.value).startswith(
        "this run cannot be extended by a space that differs in recipe: its records would not be "
        "comparable; start another run with `itnet-nas search`\n~ recipe: steps=2"
    )


def test_constraints_that_nothing_meets_are_refused_before_a_folder_is_made(
    tmp_path: Path,
) -> None:
    with pytest.raises(InfeasibleError, match="cheapest"):
        run_search(space(constraints=["flops <= 10"]), tmp_path / "run", backend="local")

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("ended", "complete", "code"),
    [
        ("done", 3, 0),
        ("budget", 1, 0),
        ("exhausted", 1, 0),
        ("done", 0, 1),
        ("interrupted", 3, 130),
        ("failures", 1, 4),
    ],
)
def test_how_a_search_ended_is_its_exit_code(ended: Any, complete: int, code: int) -> None:
    assert Summary(ended, Path("run"), 3, complete, 0).exit_code == code


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("45s", 45), ("10m", 600), ("1.5h", 5400), ("2d", 172_800)]
)
def test_a_duration_is_read_in_its_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
