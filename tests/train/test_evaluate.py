"""A job in, an outcome out."""

from __future__ import annotations

import gc
import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_builders import BRANCHES, architecture, job, on_clouds

from itnet_nas.nn.network import load_network
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import CurvePoint, TrialState
from itnet_nas.space.space import Objective
from itnet_nas.train.checkpoint import Checkpoint
from itnet_nas.train.evaluate import evaluate

PLUGINS = Path(__file__).parents[1] / "nn" / "plugins"


def alone(family: str, **changes: Any) -> TrialJob:
    return job(architecture({"mix": (family, {})}), **changes)


def test_a_trial_ends_complete_with_every_objective() -> None:
    record = evaluate(job(BRANCHES, steps=120)).record

    assert record.state is TrialState.COMPLETE
    assert record.steps == 120
    assert record.objectives["flops"] == 1000.0
    assert record.objectives["error"] < 0.05
    assert record.error is None


def test_every_other_figure_is_kept_beside_the_objectives() -> None:
    record = evaluate(job(BRANCHES, steps=3)).record

    assert set(record.objectives) == {"error", "flops"}
    assert set(record.figures) == {"bits", "params", "train_loss", "train_seconds"}


def test_the_record_says_what_was_trained_and_where() -> None:
    here = job(BRANCHES, steps=2, attempt=2)

    record = evaluate(here).record

    assert record.key == here.architecture.key
    assert (record.number, record.attempt, record.proposed_by) == (3, 2, "tests")
    assert record.bias == here.bias
    assert record.kernel_origins == here.kernel_origins
    assert record.device.startswith(("cpu: ", "cuda: "))
    assert record.started > 1e9
    assert record.seconds > 0


def test_measured_costs_come_with_their_spread() -> None:
    objectives = (
        Objective(name="error", direction="min"),
        Objective(name="latency_ms", direction="min"),
    )

    record = evaluate(job(steps=2, measure=("latency_ms",), objectives=objectives)).record

    assert record.objectives["latency_ms"] > 0
    assert record.figures["latency_iqr_ms"] >= 0


def test_a_network_over_points_is_trained_and_measured_with_their_places() -> None:
    objectives = (
        Objective(name="error", direction="min"),
        Objective(name="latency_ms", direction="min"),
    )
    here = alone("near", steps=80, measure=("latency_ms",), objectives=objectives)

    record = evaluate(on_clouds(here)).record

    assert record.error is None
    assert record.objectives["error"] < 0.2
    assert record.objectives["latency_ms"] > 0


def test_packed_examples_are_trained_the_same_way_twice() -> None:
    here = job(BRANCHES, {"packed": True, "padded": True}, steps=20)

    first, again = evaluate(here), evaluate(here)

    assert first.record.error is None
    assert first.weights == again.weights


def test_the_time_of_training_can_be_an_objective() -> None:
    objectives = (
        Objective(name="bits", direction="min"),
        Objective(name="train_seconds", direction="min"),
    )

    record = evaluate(job(steps=2, measure=("train_seconds",), objectives=objectives)).record

    assert record.objectives["train_seconds"] > 0


def test_points_of_the_curve_are_reported_as_they_come() -> None:
    seen: list[CurvePoint] = []

    record = evaluate(job(steps=25), lambda point: seen.append(point) or True).record

    assert [point.step for point in seen] == [10, 20, 25]
    assert record.curve == tuple(seen)


def test_a_false_answer_gives_a_stopped_record_with_what_is_known() -> None:
    record = evaluate(job(steps=30), lambda point: point.step < 20).record

    assert record.state is TrialState.STOPPED
    assert record.steps == 20
    assert record.objectives == {"error": record.curve[-1].metrics["error"], "flops": 1000.0}


def test_the_weights_are_the_state_of_the_network() -> None:
    outcome = evaluate(job(steps=2))

    assert outcome.weights is not None
    state = torch.load(io.BytesIO(outcome.weights), weights_only=True)
    assert state["layer_mix.mixer.w_DR"].shape == (8, 3)


def test_weights_are_kept_only_where_they_are_wanted() -> None:
    assert evaluate(job(steps=1, keep_weights=False)).weights is None


def test_the_same_job_gives_the_same_record_and_weights() -> None:
    member = architecture({"a": ("shift", {"radius": 1}), "b": ("noisy", {})})
    first = evaluate(job(member, steps=12))
    random.random()
    torch.rand(3)

    again = evaluate(job(member, steps=12))

    assert again.record.reproducible() == first.record.reproducible()
    assert again.weights == first.weights


def test_another_seed_gives_other_figures() -> None:
    first, other = (evaluate(job(steps=5, seed=seed)).record for seed in (0, 1))

    assert first.figures["bits"] != other.figures["bits"]


@pytest.mark.slow
def test_another_process_gives_the_same_record() -> None:
    here = job(BRANCHES, steps=12)
    code = (
        "import sys; from itnet_nas.results.job import TrialJob; "
        "from itnet_nas.train.evaluate import evaluate; "
        "job = TrialJob.model_validate_json(sys.stdin.read()); "
        "print(evaluate(job).record.model_dump_json())"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        input=here.model_dump_json(),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(PLUGINS), "PYTHONHASHSEED": "77"},
    )

    record = evaluate(here).record
    theirs = type(record).model_validate(json.loads(done.stdout))
    assert theirs.reproducible() == record.reproducible()


def test_a_loss_that_is_no_number_is_a_failed_record_with_its_step() -> None:
    outcome = evaluate(alone("diverging"))

    record = outcome.record
    assert record.state is TrialState.FAILED
    assert record.steps == 3
    assert record.error is not None
    assert record.error.kind == "non_finite"
    assert record.error.message == (
        "the loss is nan at step 3; a lower learning rate or a longer warm-up may help"
    )
    assert outcome.weights is None


def test_an_exception_of_a_plugin_is_a_failed_record_with_its_traceback() -> None:
    error = evaluate(alone("raising")).record.error

    assert error is not None
    assert (error.kind, error.message) == ("LookupError", "this family cannot")
    assert "tiny_plugins.py" in error.traceback


def test_a_lack_of_memory_is_told_apart() -> None:
    error = evaluate(alone("greedy")).record.error

    assert error is not None
    assert error.kind == "out_of_memory"


def test_a_plugin_that_cannot_be_imported_is_a_failed_record() -> None:
    here = job()
    missing = {"shift": here.kernel_origins["shift"].model_copy(update={"path": "nowhere:F"})}

    error = evaluate(here.model_copy(update={"kernel_origins": missing})).record.error

    assert error is not None
    assert error.kind == "BrokenPlugin"


def test_a_node_with_other_data_fails_its_trials() -> None:
    here = job()
    outcome = evaluate(here.model_copy(update={"data": "the driver's"}))

    error = outcome.record.error
    assert error is not None
    assert error.kind == "other_data"
    assert error.message == (
        f'the data of task "echo" on this node ({here.data}) are not the driver\'s '
        f"(the driver's): use the same files, and the same Python, on every node"
    )
    assert outcome.record.steps == 0


def test_an_objective_that_nothing_gives_is_a_failed_record() -> None:
    objectives = (
        Objective(name="error", direction="min"),
        Objective(name="beauty", direction="max"),
    )

    error = evaluate(job(steps=1, objectives=objectives)).record.error

    assert error is not None
    assert error.message == (
        'the objective "beauty" is no figure of this trial; '
        "its figures: bits, error, flops, params, train_loss, train_seconds"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="memory can be measured here")
def test_a_measure_that_the_device_refuses_fails_before_training() -> None:
    record = evaluate(job(measure=("memory_mb",))).record

    assert record.error is not None
    assert record.error.message.startswith('"memory_mb" cannot be measured on cpu')
    assert record.steps == 0


def test_an_interrupt_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(alone("interrupting"))


@pytest.mark.parametrize("family", ["shift", "raising"])
def test_a_trial_leaves_no_global_state(family: str) -> None:
    torch.manual_seed(5)
    before = (torch.get_rng_state().tolist(), random.getstate(), torch.get_num_threads())

    evaluate(alone(family, steps=2, threads=torch.get_num_threads() + 1))

    assert (torch.get_rng_state().tolist(), random.getstate(), torch.get_num_threads()) == before
    assert not torch.are_deterministic_algorithms_enabled()


class Killed(BaseException):
    """Stands for the end of a worker: no exception that a trial may catch."""


def test_a_trial_whose_worker_was_lost_goes_on_to_the_same_result(tmp_path: Path) -> None:
    member = architecture({"a": ("shift", {"radius": 1}), "b": ("noisy", {})})
    whole = evaluate(job(member, steps=20))
    here = job(member, steps=20, checkpoint=str(tmp_path), checkpoint_every=6)

    def die(point: CurvePoint) -> bool:
        raise Killed

    with pytest.raises(Killed):
        evaluate(here, die)
    assert [path.name for path in tmp_path.iterdir()] == ["trial_3.pt"]
    seen: list[int] = []
    again = evaluate(
        here.model_copy(update={"attempt": 2}), lambda point: seen.append(point.step) or True
    )

    assert again.record.reproducible() == whole.record.reproducible()
    assert again.weights == whole.weights
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_trial_does_not_train_the_saved_steps_again(tmp_path: Path) -> None:
    here = job(steps=30, checkpoint=str(tmp_path), checkpoint_every=15)

    def die(point: CurvePoint) -> bool:
        if point.step == 20:
            raise Killed
        return True

    with pytest.raises(Killed):
        evaluate(here, die)
    seen: list[int] = []
    record = evaluate(here, lambda point: seen.append(point.step) or True).record

    assert seen == [20, 30]
    assert [point.step for point in record.curve] == [10, 20, 30]


def test_a_checkpoint_of_another_trial_is_not_taken_up(tmp_path: Path) -> None:
    other = Checkpoint(tmp_path, 3, "another")
    other.save({"step": 29})
    here = job(steps=5, checkpoint=str(tmp_path), checkpoint_every=2)

    record = evaluate(here).record

    assert record.reproducible() == evaluate(job(steps=5)).record.reproducible()


def test_a_trial_that_pauses_and_goes_on_is_the_trial_that_did_not(tmp_path: Path) -> None:
    member = architecture({"a": ("shift", {"radius": 1}), "b": ("noisy", {})})
    whole = evaluate(job(member, steps=20, measure_at=(7,)))
    here = job(member, steps=20, checkpoint=str(tmp_path))

    paused = evaluate(here.model_copy(update={"stop_at": 7}))
    after = evaluate(here)

    assert after.record.reproducible() == whole.record.reproducible()
    assert after.weights == whole.weights
    assert paused.record.curve == whole.record.curve[:1]
    assert list(tmp_path.iterdir()) == []


def test_a_paused_trial_is_stopped_with_what_it_knows_and_a_checkpoint(tmp_path: Path) -> None:
    outcome = evaluate(job(steps=20, checkpoint=str(tmp_path), stop_at=7))

    record = outcome.record
    assert (record.state, record.steps) == (TrialState.STOPPED, 7)
    assert [point.step for point in record.curve] == [7]
    assert record.objectives["error"] == record.curve[0].metrics["error"]
    assert record.probe == {}
    assert outcome.weights is None
    assert [path.name for path in tmp_path.iterdir()] == ["trial_3.pt"]


def test_a_paused_trial_whose_outcome_was_lost_gives_it_again(tmp_path: Path) -> None:
    here = job(steps=20, checkpoint=str(tmp_path), stop_at=7)
    first = evaluate(here)
    reports: list[CurvePoint] = []

    again = evaluate(here, lambda point: reports.append(point) or True)

    assert again.record.reproducible() == first.record.reproducible()
    assert reports == []


def test_a_paused_trial_without_its_checkpoint_starts_over(tmp_path: Path) -> None:
    here = job(steps=20, checkpoint=str(tmp_path), measure_at=(7,))
    evaluate(here.model_copy(update={"stop_at": 7}))
    (tmp_path / "trial_3.pt").unlink()

    record = evaluate(here).record

    assert record.reproducible() == evaluate(job(steps=20, measure_at=(7,))).record.reproducible()


def test_a_look_on_the_way_changes_nothing_of_the_training() -> None:
    member = architecture({"a": ("shift", {"radius": 1}), "b": ("noisy", {})})
    plain = evaluate(job(member, steps=20))

    watched = evaluate(job(member, steps=20, measure_at=(7,)))

    assert watched.weights == plain.weights
    assert [p for p in watched.record.curve if p.step != 7] == list(plain.record.curve)


@pytest.mark.slow
def test_a_worker_that_is_used_again_does_not_grow() -> None:
    def count() -> tuple[int, int]:
        gc.collect()
        objects = gc.get_objects()
        tensors = sum(issubclass(type(item), torch.Tensor) for item in objects)
        return tensors, len(objects)

    for _ in range(3):
        evaluate(job(BRANCHES, steps=2))
        evaluate(alone("raising"))
    tensors, objects = count()
    for _ in range(20):
        evaluate(job(BRANCHES, steps=2))
        evaluate(alone("raising"))

    after_tensors, after_objects = count()
    assert after_tensors == tensors
    # Caches of the interpreter may gain a few entries; a leaked trial has thousands of objects.
    assert after_objects - objects < 400


@pytest.mark.slow
def test_a_compiled_trial_learns_the_same() -> None:
    compiled = evaluate(job(BRANCHES, steps=10, compile=True)).record

    assert compiled.error is None
    plain = evaluate(job(BRANCHES, steps=10)).record
    assert compiled.figures["bits"] == pytest.approx(plain.figures["bits"], rel=1e-4)


@pytest.mark.slow
def test_a_compiled_trial_has_weights_that_a_plain_network_loads() -> None:
    outcome = evaluate(job(BRANCHES, steps=2, compile=True))

    assert outcome.weights is not None
    assert load_network(outcome.record, outcome.weights).blocks.keys() == {"half", "left", "right"}
