"""Which device is taken, and how it is described."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from itnet_nas.train.device import Device, cpu_model, pick_device


def pretend_cuda(monkeypatch: pytest.MonkeyPatch, bf16: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA Pretended 1")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)


def test_without_cuda_the_cpu_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    found = pick_device()

    assert found.torch_device == torch.device("cpu")
    assert found.description == f"cpu: {cpu_model()}"
    assert not found.is_cuda


def test_a_visible_cuda_device_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_cuda(monkeypatch, bf16=True)

    found = pick_device()

    assert found == Device(torch.device("cuda", 0), "cuda: NVIDIA Pretended 1", bf16=True)
    assert found.is_cuda


def test_a_cuda_device_that_only_emulates_bfloat16_computes_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend_cuda(monkeypatch, bf16=False)

    assert not pick_device().bf16


@pytest.mark.parametrize(("bf16", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_matrices_are_multiplied_in_bfloat16_only_where_the_device_says_so(
    bf16: bool, dtype: torch.dtype
) -> None:
    a = torch.ones(2, 2)

    with Device(torch.device("cpu"), "cpu: pretended", bf16=bf16).autocast():
        product = a @ a

    assert product.dtype == dtype


def test_the_model_of_the_cpu_is_the_systems(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some Chip @ 2GHz\nmodel name\t: Another\n")

    assert cpu_model(cpuinfo) == "Some Chip @ 2GHz"


def test_a_system_that_does_not_name_its_cpu_names_its_architecture(tmp_path: Path) -> None:
    assert cpu_model(tmp_path / "absent") != ""
