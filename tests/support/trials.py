"""Stand-ins for training, called by workers by import path: the engine's tests and benchmarks.

Each has the signature of `evaluate`. What a trial does is decided by its number or its seed, so
that a test knows what must happen. `STAND_IN` names a folder for marks and for the time to sleep.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from support.tiny import record_of

from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import CurvePoint, Outcome

Report = Callable[[CurvePoint], bool]


def error_of(job: TrialJob) -> float:
    """A made-up figure that depends on the architecture and the seed alone."""
    return (job.seed % 1000) / 1000


def nothing(job: TrialJob, report: Report) -> Outcome:
    """Ends at once."""
    return Outcome(record=record_of(job, error=error_of(job)), weights=b"w")


def sleep(job: TrialJob, report: Report) -> Outcome:
    """Sleeps for STAND_IN_SECONDS and leaves a mark with its process and its times."""
    began = time.time()
    time.sleep(float(os.environ["STAND_IN_SECONDS"]))
    mark(job, f"{os.getpid()} {began} {time.time()}")
    return Outcome(record=record_of(job, error=error_of(job)))


def kill_once(job: TrialJob, report: Report) -> Outcome:
    """Trial 1 kills its worker the first time; the others sleep."""
    if job.number == 1 and job.attempt == 1:
        mark(job, str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return sleep(job, report)


def kill_always(job: TrialJob, report: Report) -> Outcome:
    """Trial 1 kills its worker every time; the others end at once."""
    if job.number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return nothing(job, report)


def mark(job: TrialJob, text: str) -> None:
    """Append a line to the file of this trial."""
    with (Path(os.environ["STAND_IN"]) / str(job.number)).open("a") as file:
        file.write(text + "\n")


def greedy_always(job: TrialJob, report: Report) -> Outcome:
    """Trial 1 takes memory until it is killed; the others end at once."""
    if job.number == 1:
        hoard = []
        while True:
            hoard.append(bytearray(100_000_000))
            hoard[-1][::4096] = b"x" * len(hoard[-1][::4096])  # touched, so that it counts
            time.sleep(0.05)
    return nothing(job, report)


def visible_devices(job: TrialJob, report: Report) -> Outcome:
    """Leaves its process and the CUDA devices that it may see."""
    mark(job, f"{os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES', 'unset')}")
    time.sleep(0.5)
    return nothing(job, report)


def pauses(job: TrialJob, report: Report) -> Outcome:
    """A known curve up to where the job stops, from a checkpoint; leaves its process and the steps.

    Nobody goes on before a second worker is there, and half a trial takes a while, so that both
    have some.
    """
    from support.curves import STEPS, alike, train

    saved = None if job.checkpoint is None else Path(job.checkpoint) / "step"
    begin = saved.read_text() if saved is not None and saved.exists() else "0"
    end = STEPS if job.stop_at is None else job.stop_at
    _wait_for_two_workers()
    time.sleep(0.05 + 0.1 * error_of(job))
    mark(job, f"{os.getpid()} {begin} {end}")
    if saved is not None and job.stop_at is not None:
        saved.parent.mkdir(parents=True, exist_ok=True)
        saved.write_text(str(end))
    return train(job, alike, time.time())


def _wait_for_two_workers(seconds: float = 60.0) -> None:
    here = Path(os.environ["STAND_IN"]) / "workers"
    here.mkdir(exist_ok=True)
    (here / str(os.getpid())).touch()
    end = time.monotonic() + seconds
    while len(list(here.iterdir())) < 2 and time.monotonic() < end:
        time.sleep(0.02)
