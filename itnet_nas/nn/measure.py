"""Costs that only a measurement gives: latency and memory of one forward pass of one example.

torch is imported when something is measured, so that `refuses_measure` is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

MIN_RUN_SECONDS = 0.2
WARM_UP_CALLS = 3


@dataclass(frozen=True)
class Latency:
    """Median and interquartile range over repeated calls, both in milliseconds."""

    median_ms: float
    iqr_ms: float


def refuses_measure(name: str, device: str) -> str:
    """Why the figure `name` cannot be measured on a device of type `device` ("cpu", "cuda").

    An empty text means it can. Peak memory on the CPU is refused: torch does not count it there,
    and the resident size of a process tells mostly of the libraries it has loaded.
    """
    if name == "memory_mb" and device != "cuda":
        return (
            f'"memory_mb" cannot be measured on {device}: torch counts peak memory on CUDA devices '
            f'alone; take "params" or "state_bytes" as the cost, or search on a machine with CUDA'
        )
    return ""


def latency(forward: Callable[[], object], threads: int) -> Latency:
    """Time of `forward()`, on as many threads of the CPU as a trial has.

    Blocks of calls are timed until they make up MIN_RUN_SECONDS, after WARM_UP_CALLS calls that do
    not count. On CUDA the timer waits for the device.
    """
    from torch.utils import benchmark

    for _ in range(WARM_UP_CALLS):
        forward()
    timer = benchmark.Timer("forward()", globals={"forward": forward}, num_threads=threads)
    found = timer.blocked_autorange(min_run_time=MIN_RUN_SECONDS)
    return Latency(median_ms=found.median * 1e3, iqr_ms=found.iqr * 1e3)


def peak_memory_mb(forward: Callable[[], object], device: torch.device) -> float:
    """Peak of allocated memory during `forward()`, weights included, in 10⁶ bytes. CUDA alone."""
    import torch

    if device.type != "cuda":
        raise ValueError(refuses_measure("memory_mb", device.type))
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    forward()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) / 1e6
