"""Room for trials, and packages on nodes."""

from __future__ import annotations

import pytest
from support.tiny import tiny_space

from itnet_nas.errors import EnvironmentProblem
from itnet_nas.registry import Origin
from itnet_nas.search.environment import (
    gpus_per_trial,
    missing,
    neighbours,
    require_complete,
    require_measurable,
    room,
    workers,
)
from itnet_nas.space.space import Objective

HERE = Origin(name="x", path="itnet_nas.axes:Bias", package="itnet-nas", version="0.1.0")


@pytest.mark.parametrize(
    ("cpus", "gpus", "expected"),
    [(1, 0, [8, 2]), (3, 0, [2, 0]), (1, 0.5, [4, 0]), (1, 1 / 3, [6, 0]), (4, 0.5, [2, 0])],
)
def test_room_is_counted_node_by_node(cpus: int, gpus: float, expected: list[int]) -> None:
    assert room(cpus, gpus, [{"CPU": 8, "GPU": 2}, {"CPU": 2}]) == expected


def test_a_trial_that_fits_no_node_is_refused_though_the_cluster_has_enough_in_all() -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        room(6, 0, [{"CPU": 4}, {"CPU": 4}])

    assert str(caught.value) == (
        "no node has room for a trial of 6 CPUs and 0 GPUs; the largest node has 4 CPUs and "
        "0 GPUs; ask for less with --cpus-per-trial or --gpus-per-trial"
    )


def test_every_free_slot_gets_a_worker_unless_the_user_says_otherwise() -> None:
    assert workers(None, [8, 2]) == (10, "")
    assert workers(3, [8, 2]) == (3, "")
    assert workers(12, [8, 2]) == (
        12,
        "10 of 12 workers have room now; the others start when nodes join",
    )


def test_a_node_is_shared_by_as_many_workers_as_it_has_room_for() -> None:
    assert neighbours(3, [8, 2]) == 3
    assert neighbours(10, [8, 2]) == 8


def test_a_gpu_is_taken_where_there_is_one_unless_the_user_says_otherwise() -> None:
    assert gpus_per_trial(None, [{"CPU": 4}, {"GPU": 1}]) == 1
    assert gpus_per_trial(None, [{"CPU": 4}]) == 0
    assert gpus_per_trial(0.25, [{"GPU": 1}]) == 0.25
    assert gpus_per_trial(0, [{"GPU": 1}]) == 0


def test_what_is_installed_is_not_missing() -> None:
    assert missing([HERE.model_dump_json()]) == []


def test_another_version_is_missing() -> None:
    other = HERE.model_copy(update={"version": "9.9"})

    assert missing([other.model_dump_json()]) == ["itnet-nas is 0.1.0, the driver has 9.9"]


def test_every_node_and_every_problem_is_named_with_one_way_out() -> None:
    other = HERE.model_copy(update={"package": "itnet-fourier", "version": "0.2"})

    with pytest.raises(EnvironmentProblem) as caught:
        require_complete({"10.0.0.1": [], "10.0.0.2": ["no a", "no b"]}, [HERE, other, HERE])

    assert str(caught.value) == (
        "node 10.0.0.2: no a\n"
        "node 10.0.0.2: no b\n"
        "on every node: pip install itnet-fourier==0.2 itnet-nas==0.1.0"
    )


def test_memory_on_the_cpu_is_refused_before_anything_is_trained() -> None:
    space = tiny_space(
        objectives=(
            Objective(name="error", direction="min"),
            Objective(name="memory_mb", direction="min"),
        )
    )

    require_measurable(space, "cuda")
    with pytest.raises(EnvironmentProblem, match='"memory_mb" cannot be measured on cpu'):
        require_measurable(space, "cpu")
