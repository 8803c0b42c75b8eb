"""Measured costs."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import torch

from itnet_nas.nn.measure import latency, peak_memory_mb, refuses_measure


def test_latency_is_the_time_of_one_call_in_milliseconds() -> None:
    found = latency(lambda: time.sleep(0.01), threads=1)

    assert found.median_ms >= 10
    assert found.iqr_ms >= 0


def test_measuring_leaves_the_number_of_threads() -> None:
    before = torch.get_num_threads()

    latency(lambda: None, threads=before + 1)

    assert torch.get_num_threads() == before


def test_peak_memory_is_refused_on_the_cpu() -> None:
    assert refuses_measure("memory_mb", "cpu") == (
        '"memory_mb" cannot be measured on cpu: torch counts peak memory on CUDA devices alone; '
        'take "params" or "state_bytes" as the cost, or search on a machine with CUDA'
    )


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("memory_mb", "cuda"),
        ("latency_ms", "cpu"),
        ("latency_ms", "cuda"),
        ("train_seconds", "cpu"),
    ],
)
def test_the_others_can_be_measured(name: str, device: str) -> None:
    assert refuses_measure(name, device) == ""


def test_measuring_memory_on_the_cpu_raises_with_the_same_reason() -> None:
    with pytest.raises(ValueError, match=r'^"memory_mb" cannot be measured on cpu'):
        peak_memory_mb(lambda: None, torch.device("cpu"))


@pytest.mark.gpu
def test_peak_memory_counts_what_is_allocated() -> None:
    device = torch.device("cuda", 0)

    found = peak_memory_mb(lambda: torch.zeros(10**7, device=device), device)

    assert found >= 40


def test_asking_what_can_be_measured_does_not_import_torch() -> None:
    code = (
        "import sys; from itnet_nas.nn.measure import refuses_measure; "
        "refuses_measure('memory_mb', 'cpu'); print('torch' in sys.modules)"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout == "False\n"
