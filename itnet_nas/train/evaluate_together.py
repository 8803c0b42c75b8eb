"""A job of several seeds, trained together: one record for each seed, as if it had been alone."""

from __future__ import annotations

import gc
import traceback
import warnings
from typing import TYPE_CHECKING

from itnet_nas.axes import State
from itnet_nas.nn.network import build_network, load_families, load_task
from itnet_nas.results.confirm_ledger import TEST
from itnet_nas.results.record import TrialError, TrialState
from itnet_nas.train.device import Device, pick_device
from itnet_nas.train.seeds import reproducible
from itnet_nas.train.stacked import Apart, first_line
from itnet_nas.train.together import SeedFailed, Together
from itnet_nas.train.validate import holds
from itnet_nas.train.weights import pack_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from itnet_nas.nn.network import ITNet
    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.record import CurvePoint, TrialRecord
    from itnet_nas.tasks.task import Task

    Report = Callable[[CurvePoint], bool] | None

# Numbers of a batch's field, examples x positions x channels, up to which together was faster on a
# CPU, by 1.1 to 2.6 times; at twice as many it was no longer, and at three times as many slower.
# On CUDA nothing was measured, and all is trained together that can be. `benchmarks/together.py`
MOST = 1 << 15


def alone(job: TrialJob, seed: int) -> TrialJob:
    """The job of one of the seeds."""
    changes = {
        "seed": seed,
        "seeds": (),
        "probe": False,
        "keep_weights": job.keep_weights and seed == job.seeds[0],
        "checkpoint": None,
    }
    return job.model_copy(update=changes)


def refuses_together(job: TrialJob) -> str:
    """Why the seeds of a job are not even tried together; an empty text where they are."""
    if len(job.seeds) < 2:
        return "there is one seed"
    if job.measure:
        return f"{' and '.join(job.measure)} can be measured of one network at a time"
    if job.stop_at is not None or job.measure_at:
        return "early figures are of one training at a time"
    if job.recipe.compile:
        return "the recipe asks for torch.compile"
    return ""


def _does_not_pay(job: TrialJob, task: Task[Any], device: Device) -> str:
    """Why one after the other is as fast; an empty text where together is faster, as measured.

    A memory whose transition reads itself takes its steps one by one, in which little is done, so
    that its step for all seeds together is faster at every size that was measured.
    """
    if device.is_cuda or any(bias.state is State.FEEDBACK for bias in job.bias.values()):
        return ""
    numbers = job.recipe.batch_size * task.facts().domain.length * job.architecture.width
    if numbers <= MOST:
        return ""
    return (
        f"{numbers:,} numbers in a batch are more than the {MOST:,} up to which together is faster"
    )


def train_together(job: TrialJob, report: Report) -> tuple[list[TrialRecord], bytes | None]:
    """A record of every seed, and the weights of the first if the job wants them.

    Raises SeedFailed, and Apart for every other thing that goes wrong: it is for the seeds one by
    one to say what it is. Leaves the process as it was.
    """
    device: Device | None = None
    with warnings.catch_warnings():
        # A warning of torch is talk, whatever the process makes of warnings.
        warnings.simplefilter("default")
        try:
            device = pick_device()
            return _train(job, report, device)
        except (SeedFailed, Apart):
            raise
        except Exception as error:
            raise Apart(first_line(error)) from error
        finally:
            gc.collect()
            if device is not None:
                device.release()


def _train(job: TrialJob, report: Report, device: Device) -> tuple[list[TrialRecord], bytes | None]:
    built = [_build(job, seed, device) for seed in job.seeds]
    task, networks = built[0][0], [network for _, network in built]
    reason = _does_not_pay(job, task, device)
    if reason:
        raise Apart(reason)
    # Before the training: a test split that cannot be read must not cost one.
    scored = job.test and holds(task, "test")
    with reproducible(job.seed, job.threads, device.torch_device):
        training = Together(networks, task, job.recipe, job.seeds, device)
        complete = training.run(report if report is not None else lambda _: True)
        test = training.score("test") if scored and complete else [{} for _ in job.seeds]
    records = [
        _record(job, k, training, {TEST + name: value for name, value in test[k].items()}, device)
        for k in range(len(job.seeds))
    ]
    return records, pack_weights(networks[0]) if job.keep_weights else None


def _build(job: TrialJob, seed: int, device: Device) -> tuple[Task[Any], ITNet]:
    """Task and network, with the random numbers that the seed alone would draw."""
    with reproducible(seed, job.threads, device.torch_device):
        task = load_task(job.task_origin, job.task)
        if task.facts().data != job.data:
            raise Apart("this node's data are not the driver's")
        network = build_network(job.architecture, load_families(job.kernel_origins), task)
        return task, network.to(device.torch_device)


def _record(
    job: TrialJob, k: int, training: Together, test: dict[str, float], device: Device
) -> TrialRecord:
    complete = training.step == job.recipe.steps
    last = training.curves[k][-1]
    figures = {**job.costs, **last.metrics, **test}
    figures["train_seconds"] = training.seconds / len(job.seeds)
    if last.train_loss is not None:
        figures["train_loss"] = last.train_loss
    objectives = {
        objective.name: figures.pop(objective.name)
        for objective in job.objectives
        if objective.name in figures
    }
    if complete and len(objectives) < len(job.objectives):
        raise Apart("an objective is no figure of this trial")
    return alone(job, job.seeds[k]).record(
        state=TrialState.COMPLETE if complete else TrialState.STOPPED,
        steps=training.step,
        objectives=objectives,
        figures=figures,
        curve=tuple(training.curves[k]),
        device=device.description,
    )


def failed_record(job: TrialJob, failure: SeedFailed) -> TrialRecord:
    """The record of the seed that could not go on."""
    error = failure.error
    return alone(job, failure.seed).record(
        state=TrialState.FAILED,
        steps=failure.step,
        device=pick_device().description,
        error=TrialError(
            kind="non_finite",
            message=str(error),
            traceback="".join(traceback.format_exception(failure)),
        ),
    )
