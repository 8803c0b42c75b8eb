"""`evaluate`: a job in, an outcome out, the same in any process. Knows no scheduler.

The figures depend on architecture, task, recipe, seed and thread count alone; times and memory, the
device and the wall clock are the exceptions that `TrialRecord.reproducible` leaves out.
"""

from __future__ import annotations

import gc
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from itnet_nas.nn.measure import latency, peak_memory_mb, refuses_measure
from itnet_nas.nn.network import build_network, load_families, load_task
from itnet_nas.results.confirm_ledger import TEST
from itnet_nas.results.record import (
    CurvePoint,
    Outcome,
    TrialError,
    TrialState,
)
from itnet_nas.space.space import MEASURED_COSTS
from itnet_nas.train.checkpoint import Checkpoint, identity_of
from itnet_nas.train.device import Device, pick_device
from itnet_nas.train.evaluate_seeds import evaluate_seeds
from itnet_nas.train.finite import NonFiniteLoss
from itnet_nas.train.loop import Training
from itnet_nas.train.probing import Probing
from itnet_nas.train.seeds import reproducible
from itnet_nas.train.validate import holds, validate
from itnet_nas.train.weights import pack_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.nn.network import ITNet
    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.measured import LayerProbe
    from itnet_nas.tasks.task import Task


class OtherData(Exception):
    """This node's data are not those that the search was planned with."""


@dataclass
class _Found:
    """What is known of a trial so far; kept outside of it, so that a failure does not lose it."""

    state: TrialState = TrialState.FAILED
    steps: int = 0
    curve: list[CurvePoint] = field(default_factory=list)
    objectives: dict[str, float] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    probe: dict[str, LayerProbe] = field(default_factory=dict)
    probe_error: str = ""
    weights: bytes | None = None
    error: TrialError | None = None


def evaluate(job: TrialJob, report: Callable[[CurvePoint], bool] | None = None) -> Outcome:
    """Train the architecture of `job` once and say how it went.

    `report` gets every point of the learning curve; its answer False ends the trial as STOPPED. So
    does `stop_at`, which leaves a checkpoint to go on from in the place of weights. A trial that
    raises is a FAILED record with the reason; only KeyboardInterrupt and SystemExit pass through.
    Nothing is left behind in the process: not the seed, not the number of threads, not the network.
    Folders are written only where the job asks for a checkpoint. The test split is scored where the
    job asks for it, into figures named `test_<metric>`. A job of several seeds has one record:
    `evaluate_seeds`.
    """
    if job.seeds:
        return evaluate_seeds(job, report, evaluate)
    started, clock = time.time(), time.perf_counter()
    found = _Found()
    device: Device | None = None
    with warnings.catch_warnings():
        # A warning of torch is talk, whatever the process makes of warnings.
        warnings.simplefilter("default")
        try:
            device = pick_device()
            with reproducible(job.seed, job.threads, device.torch_device):
                _run(job, report, device, found)
        except Exception as error:
            found.state, found.weights = TrialState.FAILED, None
            if isinstance(error, NonFiniteLoss) and error.step is not None:
                found.steps = error.step
            found.error = TrialError(
                kind=failure_kind(error),
                message=str(error) or type(error).__name__,
                traceback=traceback.format_exc(),
            )
        # Frames of a traceback and hooks of modules form cycles that hold tensors.
        gc.collect()
        if device is not None:
            device.release()
    record = job.record(
        state=found.state,
        steps=found.steps,
        objectives=found.objectives,
        figures=found.figures,
        curve=tuple(found.curve),
        probe=found.probe,
        probe_error=found.probe_error,
        device="" if device is None else device.description,
        started=started,
        seconds=time.perf_counter() - clock,
        error=found.error,
    )
    return Outcome(record=record, weights=found.weights)


def failure_kind(error: Exception) -> str:
    """`non_finite`, `out_of_memory`, `other_data`, or the name of the exception's class."""
    if isinstance(error, OtherData):
        return "other_data"
    if isinstance(error, NonFiniteLoss):
        return "non_finite"
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return "out_of_memory"
    # The allocator of the CPU raises a plain RuntimeError.
    if isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error):
        return "out_of_memory"
    return type(error).__name__


def _run(
    job: TrialJob, report: Callable[[CurvePoint], bool] | None, device: Device, found: _Found
) -> None:
    for name in job.measure:
        refusal = refuses_measure(name, device.torch_device.type)
        if refusal:
            raise ValueError(refusal)
    task = load_task(job.task_origin, job.task)
    if (here := task.facts().data) != job.data:
        raise OtherData(
            f'the data of task "{job.task.name}" on this node ({here}) are not the driver\'s '
            f"({job.data}): use the same files, and the same Python, on every node"
        )
    # Before the training: a test split that cannot be read must not cost one.
    scored = job.test and holds(task, "test")
    network = build_network(job.architecture, load_families(job.kernel_origins), task)
    network.to(device.torch_device)
    probed = job.probe and job.stop_at is None
    probing = Probing(network, task, job.seed, device.torch_device) if probed else None
    training = Training(network, task, job.recipe, job.seed, device)
    found.curve = training.curve
    checkpoint = None
    if job.checkpoint is not None:
        checkpoint = Checkpoint(Path(job.checkpoint), job.number, identity_of(job, network))
        state = checkpoint.load()
        if state is not None:
            training.restore(state)
    try:
        complete = _train(job, report, training, checkpoint)
    except Exception:
        # Its record will say that it failed; nobody will take it up again.
        if checkpoint is not None:
            checkpoint.remove()
        raise
    finally:
        found.steps = training.step
        if job.recipe.compile:
            torch.compiler.reset()
    found.state = TrialState.COMPLETE if complete else TrialState.STOPPED
    _fill(job, training, found)
    if probing is not None and complete:
        found.probe, found.probe_error = probing.layers(), probing.error
    if complete:
        if scored:
            batch = job.recipe.batch_size
            metrics = validate(network, task, "test", batch, device)
            found.figures |= {f"{TEST}{name}": figure for name, figure in metrics.items()}
        measured = _measure(job, network, task, device)
        found.figures |= measured
        _choose_objectives(job, found)
    else:
        _choose_objectives(job, found, partial=True)
    if training.step == job.stop_at:
        return  # the checkpoint has the weights, and the trial may yet go on from it
    if job.keep_weights:
        found.weights = pack_weights(network)
    if checkpoint is not None:
        checkpoint.remove()


def _train(
    job: TrialJob,
    report: Callable[[CurvePoint], bool] | None,
    training: Training,
    checkpoint: Checkpoint | None,
) -> bool:
    return training.run(
        report if report is not None else lambda _: True,
        checkpoint.save if checkpoint is not None else None,
        job.checkpoint_every,
        job.stop_at,
        job.measure_at,
    )


def _fill(job: TrialJob, training: Training, found: _Found) -> None:
    last = training.curve[-1]
    found.figures = {**job.costs, **last.metrics, "train_seconds": training.seconds}
    if last.train_loss is not None:
        found.figures["train_loss"] = last.train_loss


def _measure(job: TrialJob, network: ITNet, task: Task[Any], device: Device) -> dict[str, float]:
    wanted = set(job.measure) & set(MEASURED_COSTS)
    figures: dict[str, float] = {}
    if not wanted & {"latency_ms", "memory_mb"}:
        return figures
    example = next(iter(task.eval_batches("validation", 1))).to(device.torch_device)

    def forward() -> None:
        with torch.inference_mode(), device.autocast():
            network(*example.inputs, **example.beside)

    network.eval()
    if "latency_ms" in wanted:
        timed = latency(forward, job.threads)
        figures |= {"latency_ms": timed.median_ms, "latency_iqr_ms": timed.iqr_ms}
    if "memory_mb" in wanted:
        figures["memory_mb"] = peak_memory_mb(forward, device.torch_device)
    return figures


def _choose_objectives(job: TrialJob, found: _Found, partial: bool = False) -> None:
    """Move the objectives out of the figures; a complete trial knows each of them."""
    for objective in job.objectives:
        if objective.name in found.figures:
            found.objectives[objective.name] = found.figures.pop(objective.name)
        elif not partial:
            known = ", ".join(sorted(found.figures | found.objectives))
            raise ValueError(
                f'the objective "{objective.name}" is no figure of this trial; its figures: {known}'
            )
