"""Published tables: read as plain values alone, and turned into problems that know their truth."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from tables import nas_bench_201, nas_bench_graph
from tables.plain_pickle import UnsafePickle, load
from tables.table_problem import Entry, TableProblem, installed

from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.genotype import Genotype, realise
from itnet_nas.arch.sample import sample
from itnet_nas.results.record import TrialState
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.testing.simulated import run


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def pickled(value: object, folder: Path, protocol: int = 4) -> Path:
    """A file with the value."""
    path = folder / "table.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_a_hostile_pickle_is_refused_before_it_does_anything(tmp_path: Path, protocol: int) -> None:
    path = pickled({"000000": Hostile(tmp_path / "made")}, tmp_path, protocol)

    with pytest.raises(UnsafePickle, match="mkdir, which a table of figures does not need"):
        load(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n.",
        b"Psomewhere\n.",
    ],
    ids=["eval", "numpy.load", "an array", "something outside"],
)
def test_only_numbers_of_numpy_are_known(tmp_path: Path, code: bytes) -> None:
    path = tmp_path / "table.pkl"
    path.write_bytes(code)

    with pytest.raises(UnsafePickle):
        load(path)


@pytest.mark.parametrize("protocol", range(3, 6))
def test_plain_values_and_numbers_of_numpy_come_back(tmp_path: Path, protocol: int) -> None:
    value = {"a": [1, 2.5, None], 3: {"b": np.float64(0.1), "c": ("d", True)}}

    found = load(pickled(value, tmp_path, protocol))

    assert found == value
    assert type(found[3]["b"]) is float


def test_a_number_of_another_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafePickle, match="another type than f8: 'i8'"):
        load(pickled({"a": np.int64(3)}, tmp_path))


def test_what_is_not_installed_is_named_with_the_remedy() -> None:
    with pytest.raises(ModuleNotFoundError, match="pip install some-table"):
        installed("no_such_package", "table.pkl", "some-table")


# A table of our own, with the nodes of NAS-Bench-201.


def small(*, single: bool = False) -> TableProblem:
    """Cells that are all convolutions but for one edge; the others are not in the table."""
    entries = {
        "333333": Entry((10.0, 12.0), 8.0),
        "033333": Entry((20.0, 20.0, 23.0), 4.0),
        "133333": Entry((50.0,), 2.0),
        "233333": Entry((60.0,), 5.0),
    }
    return TableProblem(
        "small", nas_bench_201.nodes(), entries, nas_bench_201.code_of, single=single
    )


def cell(problem: TableProblem, code: str) -> Architecture:
    """The member of the space with that code."""
    return realise(problem.space(1), Genotype(tuple(int(digit) for digit in code), (), ()))


def test_a_trial_shows_one_training_and_the_score_is_the_mean_of_all() -> None:
    problem = small()
    architecture = cell(problem, "033333")

    records = [problem.record(0, architecture, "test", seed) for seed in range(40)]

    assert {record.objectives["error"] for record in records} == {20.0, 23.0}
    assert {record.objectives["latency_ms"] for record in records} == {4.0}
    entry = problem.entry(architecture)
    assert entry is not None
    assert entry.error == 21.0
    assert records[3] == problem.record(0, architecture, "test", 3)


def test_what_is_not_in_the_table_fails_and_is_as_dear_as_the_dearest() -> None:
    problem = small()
    architecture = cell(problem, "444444")

    record = problem.record(0, architecture, "test", 0)

    assert record.state is TrialState.FAILED
    assert problem.costs(problem.space(1), architecture)["latency_ms"] == 8.0


def test_the_reference_lies_a_tenth_of_the_range_beyond_the_front() -> None:
    problem = small()

    assert len(problem.front) == 3
    error, place = problem.reference
    assert error == pytest.approx(50 + 0.1 * 39)
    assert 10**place == pytest.approx(8 * 4**0.1)


def test_the_share_is_1_with_the_whole_front_and_0_with_nothing_in_the_table() -> None:
    problem = small()
    front = [cell(problem, code) for code in ("333333", "033333", "133333")]

    assert problem.share(front) == pytest.approx(1.0)
    assert 0.0 < problem.share(front[:1]) < 1.0
    assert problem.share([cell(problem, "444444")]) == 0.0


def test_with_one_objective_the_cost_is_the_same_for_all() -> None:
    problem = small(single=True)
    space = problem.space(1)

    records = [problem.record(0, cell(problem, c), "test", 0) for c in ("333333", "133333")]

    assert [objective.name for objective in space.objectives] == ["error", "flops"]
    assert len({record.objectives["flops"] for record in records}) == 1


def published(name: str) -> TableProblem:
    """A published table; the test is skipped where it is not installed."""
    try:
        if name == "graph":
            return nas_bench_graph.nas_bench_graph("arxiv")
        return nas_bench_201.nas_bench_201("cifar100")
    except ModuleNotFoundError as error:
        pytest.skip(str(error))


def test_nas_bench_201_is_whole() -> None:
    problem = published("201")
    rng = Random(0)

    drawn = [problem.entry(sample(problem.space(1), rng)) for _ in range(500)]

    assert None not in drawn
    assert len(problem) == 5**6
    assert problem.best == pytest.approx(26.507, abs=1e-3)
    assert len(problem.front) == 28


def test_nas_bench_graph_has_every_answer_but_nine() -> None:
    problem = published("graph")
    rng = Random(0)
    members = [sample(problem.space(1), rng) for _ in range(1_000)]

    missing = [a for a in members if problem.entry(a) is None]

    assert all({layer.family for layer in a.layers[1:]} == {"skip"} for a in missing)
    assert problem.best == pytest.approx(26.333, abs=1e-3)
    assert len(problem) == 26_206
    assert len(problem.front) == 27


def test_answers_that_are_the_same_network_have_the_same_entry() -> None:
    problem = published("graph")
    kinds = list(nas_bench_graph.OPERATIONS)
    one, other = (
        realise(problem.space(1), Genotype((0, *map(kinds.index, operations)), (), ()))
        for operations in (("gcn", "fc", "gat", "skip"), ("skip", "gat", "fc", "gcn"))
    )

    assert one.key != other.key
    assert problem.entry(one) is problem.entry(other) is not None


def test_random_search_finds_three_quarters_of_the_front_of_nas_bench_201() -> None:
    problem = published("201")

    shares = [
        problem.share(
            [
                record.architecture
                for record in run(RandomSearcher(), problem.space(100), problem.record, seed)
            ]
        )
        for seed in range(3)
    ]

    assert 0.65 < sum(shares) / 3 < 0.85
