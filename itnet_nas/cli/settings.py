"""What a person is told of the settings before a search starts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from itnet_nas.cli.output import talk, warn

if TYPE_CHECKING:
    from pathlib import Path

    from itnet_nas.space.spec import SearchSpec

TRIALS_PER_WORKER = 10


def announce(search: SearchSpec, folder: Path, backend: str) -> None:
    """Every setting that decides what happens, defaults included, on stderr."""
    trials = f"{search.trials} trials"
    budget = f"{trials} or {search.time}" if search.time else trials
    if search.baseline and search.strategy != "random":
        budget += ", then as many of random search"
    gpus = "" if search.gpus_per_trial is None else f", {search.gpus_per_trial:g} GPUs"
    where = "this process" if backend == "local" else f"Ray, {_workers(search)} at a time"
    talk(
        f"strategy {search.strategy} · seed {search.seed} · budget {budget} · "
        f"{where} ({search.cpus_per_trial} CPU{gpus} each) · folder {folder}"
    )
    concern = too_few(search, backend)
    if concern:
        warn(concern)


def too_few(search: SearchSpec, backend: str) -> str:
    """What is wrong with few trials for many workers; empty when nothing is."""
    workers = workers_of(search, backend)
    wanted = TRIALS_PER_WORKER * workers
    if search.strategy == "random" or workers == 1 or search.trials >= wanted:
        return ""  # random proposals learn from nothing anyway
    return (
        f"{search.trials} trials for {workers} workers are few: proposals made at the same time "
        f"cannot learn from each other; give at least {wanted} trials, or fewer workers"
    )


def workers_of(search: SearchSpec, backend: str) -> int:
    """Trials at the same time, as far as this machine can tell."""
    if backend == "local":
        return 1
    return search.workers or max(1, (os.cpu_count() or 1) // search.cpus_per_trial)


def _workers(search: SearchSpec) -> str:
    return str(search.workers) if search.workers else "as many as fit"
