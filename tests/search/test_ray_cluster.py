"""A cluster of several nodes on this machine: one is lost, another joins."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster
from support.tiny import FAMILIES, tiny_space

from itnet_nas.registry import Origin
from itnet_nas.results.record import TrialState
from itnet_nas.results.store import Store
from itnet_nas.search.controller import Controller
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.ray_backend import run_ray
from itnet_nas.space.spec import SearchSpec

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

REAL = Origin(name="x", path="itnet_nas.axes:Bias", package="itnet-nas", version="0.1.0")


@pytest.fixture
def cluster(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    marks = tmp_path_factory.mktemp("marks")
    monkeypatch.setenv("STAND_IN", str(marks))
    monkeypatch.setenv("STAND_IN_SECONDS", "1.0")
    with tempfile.TemporaryDirectory(prefix="itnet-", ignore_cleanup_errors=True) as folder:
        made = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "include_dashboard": False, "temp_dir": folder},
        )
        yield made
        made.shutdown()


def test_a_lost_node_costs_one_attempt_and_a_new_one_takes_its_place(
    cluster: Any, tmp_path: Path
) -> None:
    doomed = cluster.add_node(num_cpus=1)
    space = tiny_space(
        layers=4,
        search=SearchSpec(strategy="random", trials=36, workers=2),
        kernel_origins={family: REAL for family in FAMILIES},
        task_origin=REAL,
    )
    faults: list[tuple[int, Callable[[], object]]] = [
        (10, lambda: cluster.add_node(num_cpus=1)),
        (6, lambda: cluster.remove_node(doomed, allow_graceful=False)),
    ]

    def show() -> None:
        if faults and len(controller.records()) >= faults[-1][0]:
            faults.pop()[1]()

    with Store.create(tmp_path / "run", space) as store:
        controller = Controller(space, store, RandomSearcher(), space.search)
        run_ray(controller, show, cluster.address, "support.trials:sleep")

    records = controller.records()
    assert [record.state for record in records] == [TrialState.COMPLETE] * 36
    assert [record.attempt for record in records if record.attempt > 1] == [2]
    assert faults == []
    assert busy_at_the_end() == 2


def busy_at_the_end() -> int:
    """How many processes ended one of the last six trials."""
    lines = [
        file.read_text().splitlines()[-1].split() for file in Path(os.environ["STAND_IN"]).iterdir()
    ]
    last = sorted(lines, key=lambda words: float(words[2]))[-6:]
    return len({words[0] for words in last})


def test_two_trials_share_a_gpu_when_each_asks_for_half(cluster: Any, tmp_path: Path) -> None:
    """The GPU is one in Ray's books alone, which is where placement is decided."""
    cluster.add_node(num_cpus=4, num_gpus=1)
    search = SearchSpec(strategy="random", trials=8, gpus_per_trial=0.5)
    space = tiny_space(
        layers=4,
        search=search,
        kernel_origins={family: REAL for family in FAMILIES},
        task_origin=REAL,
    )
    with Store.create(tmp_path / "run", space) as store:
        controller = Controller(space, store, RandomSearcher(), search)
        run_ray(controller, lambda: None, cluster.address, "support.trials:visible_devices")

    assert controller.workers == 2
    lines = [file.read_text().split() for file in Path(os.environ["STAND_IN"]).iterdir()]
    assert len(lines) == 8
    assert {devices for _, devices in lines} == {"0"}
    assert len({process for process, _ in lines}) == 2
