"""The engine under faults, on a real Ray that each test starts and stops.

Trials are stand-ins that say nothing about training, so that a fault can be placed exactly.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from support.tiny import FAMILIES, tiny_space

from itnet_nas.errors import EnvironmentProblem, SearchEnded
from itnet_nas.registry import Origin
from itnet_nas.results.record import TrialState
from itnet_nas.results.store import Store
from itnet_nas.search import environment, ray_backend
from itnet_nas.search.controller import Controller
from itnet_nas.search.memory import share_of_memory
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.ray_backend import run_ray
from itnet_nas.space.space import Space
from itnet_nas.space.spec import SearchSpec

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    # Ray's own notices of coming changes and its unclosed pipes are not ours to mend.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

REAL = Origin(name="identity", path="itnet_nas.axes:Bias", package="itnet-nas", version="0.1.0")


def space(trials: int, **changes: object) -> Space:
    """Three layers of three families: 27 architectures, whose origins every worker can import."""
    return tiny_space(
        layers=3,
        search=SearchSpec(strategy="random", trials=trials, workers=2),
        kernel_origins={family: REAL for family in FAMILIES},
        task_origin=REAL,
        **changes,
    )


def search(
    folder: Path, trials: int, evaluator: str, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.1
) -> Controller:
    marks = folder / "marks"
    marks.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("STAND_IN", str(marks))
    monkeypatch.setenv("STAND_IN_SECONDS", str(seconds))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    with Store.create(folder / "run", space(trials)) as store:
        controller = Controller(store.space, store, RandomSearcher(), store.search)
        run_ray(controller, lambda: None, evaluator=f"support.trials:{evaluator}")
    return controller


def test_every_trial_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = search(tmp_path, 20, "nothing", monkeypatch)

    assert [record.number for record in controller.records()] == list(range(20))
    assert len({record.key for record in controller.records()}) == 20
    assert controller.ended == "done"


def test_two_workers_work_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search(tmp_path, 12, "sleep", monkeypatch, seconds=0.5)

    spans = [
        (float(began), float(ended))
        for file in (tmp_path / "marks").iterdir()
        for _, began, ended in [file.read_text().split()]
    ]
    processes = {file.read_text().split()[0] for file in (tmp_path / "marks").iterdir()}
    overlapping = sum(
        any(other != span and other[0] < span[1] and span[0] < other[1] for other in spans)
        for span in spans
    )
    assert len(processes) == 2
    assert overlapping >= 8


def test_a_killed_worker_costs_one_attempt_and_its_slot_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = search(tmp_path, 16, "kill_once", monkeypatch, seconds=1.0)

    records = controller.records()
    assert [record.state for record in records] == [TrialState.COMPLETE] * 16
    assert [record.attempt for record in records if record.attempt > 1] == [2]
    first_lines = {file.name: file.read_text().split() for file in (tmp_path / "marks").iterdir()}
    (killed,) = [line for line in first_lines["1"][:1]]
    workers = {words[-3] for words in first_lines.values()}
    # One of the two was killed and another took its place: two live ones at the end, three in all.
    assert len(workers | {killed}) == 3


def test_a_trial_that_always_kills_its_worker_fails_and_the_search_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = search(tmp_path, 8, "kill_always", monkeypatch)

    failed = [record for record in controller.records() if record.error is not None]
    assert [record.number for record in failed] == [1]
    assert failed[0].error is not None
    assert failed[0].error.kind == "lost_worker"
    assert len(controller.records()) == 8


def test_a_greedy_trial_is_out_of_memory_and_the_others_never_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Workers take their limit from the machine; this many of them may hold about 1 GB each.
    machine = share_of_memory(1)
    assert machine is not None
    neighbours = machine // 1_000_000_000
    monkeypatch.setattr(environment, "neighbours", lambda workers, rooms: neighbours)

    controller = search(tmp_path, 10, "greedy_always", monkeypatch)

    (failure,) = [record for record in controller.records() if record.error is not None]
    assert failure.number == 1
    assert failure.error is not None
    assert failure.error.kind == "out_of_memory"
    assert f"more than one of {neighbours} workers may" in failure.error.message
    assert [record.attempt for record in controller.records() if record.number != 1] == [1] * 9


def test_tune_giving_up_costs_a_restart_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ray_backend._Engine._tuner
    calls = []

    def first_gives_up(engine: ray_backend._Engine, folder: str) -> object:
        calls.append(folder)
        if len(calls) == 1:
            raise RuntimeError("1 worker(s) were killed due to the node running low on memory")
        return real(engine, folder)

    monkeypatch.setattr(ray_backend._Engine, "_tuner", first_gives_up)

    controller = search(tmp_path, 6, "nothing", monkeypatch)

    assert len(calls) == 2
    assert len(controller.records()) == 6


def test_tune_giving_up_for_ever_ends_the_search_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gives_up(engine: ray_backend._Engine, folder: str) -> object:
        raise RuntimeError("no luck")

    monkeypatch.setattr(ray_backend._Engine, "_tuner", gives_up)

    with pytest.raises(SearchEnded) as caught:
        search(tmp_path, 6, "nothing", monkeypatch)

    assert str(caught.value) == (
        "Ray Tune ended 6 times without one trial finished in between; the last time with: "
        "RuntimeError: no luck; every finished trial is safe, continue with "
        f"`itnet-nas resume {tmp_path / 'run'}`"
    )


def test_a_package_that_a_node_lacks_is_named_with_the_way_to_install_it(tmp_path: Path) -> None:
    lacking = Origin(name="x", path="not_there:FAMILY", package="itnet-lacking", version="2.0")
    made = space(4).model_copy(update={"task_origin": lacking})
    with Store.create(tmp_path, made) as store:
        controller = Controller(store.space, store, RandomSearcher(), store.search)

        with pytest.raises(EnvironmentProblem) as caught:
            run_ray(controller, lambda: None)

    text = str(caught.value)
    assert "itnet-lacking 2.0 did not load: importing not_there:FAMILY" in text
    assert text.splitlines()[-1] == (
        "on every node: pip install itnet-lacking==2.0 itnet-nas==0.1.0"
    )
    assert store.folder.exists()


def test_a_trial_that_fits_no_node_is_refused_at_once(tmp_path: Path) -> None:
    made = space(4).model_copy(
        update={"search": SearchSpec(trials=4, cpus_per_trial=1, gpus_per_trial=64)}
    )
    with Store.create(tmp_path, made) as store:
        controller = Controller(store.space, store, RandomSearcher(), store.search)

        with pytest.raises(EnvironmentProblem, match="no node has room for a trial of 1 CPUs and"):
            run_ray(controller, lambda: None)


def test_nothing_is_left_behind_in_the_environment_the_home_or_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "t"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with tempfile.TemporaryDirectory(prefix="i-") as short:  # sockets have short paths
        monkeypatch.setenv("TMPDIR", short)
        monkeypatch.setattr(tempfile, "tempdir", None)
        before = {name for name in os.environ if name.startswith(("RAY_", "TUNE_"))}

        search(temporary, 2, "nothing", monkeypatch)

        assert list(Path(short).iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert list(home.iterdir()) == []
    after = {name for name in os.environ if name.startswith(("RAY_", "TUNE_"))}
    assert after - before <= {"RAY_AUTH_MODE"}  # Ray's own doing
    assert sorted(path.name for path in (temporary / "run").iterdir()) == [
        "lock",
        "run.sqlite",
        "weights",
    ]
