"""Where a trial runs: a CUDA device if the process can see one, else the CPU."""

from __future__ import annotations

import platform
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import torch

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_CPUINFO = Path("/proc/cpuinfo")


@final
@dataclass(frozen=True)
class Device:
    """A device, its description for the record, and whether matrices are multiplied in bfloat16."""

    torch_device: torch.device
    description: str
    bf16: bool = False

    @property
    def is_cuda(self) -> bool:
        """Whether calls return before their work is done."""
        return self.torch_device.type == "cuda"

    def autocast(self) -> AbstractContextManager[Any]:
        """bfloat16 where the device computes it itself; float32 everywhere else."""
        if self.bf16:
            return torch.autocast(self.torch_device.type, dtype=torch.bfloat16)
        return nullcontext()

    def release(self) -> None:
        """Give cached memory back, so that the next trial can have it."""
        if self.is_cuda:
            torch.cuda.empty_cache()


def pick_device() -> Device:
    """The first CUDA device that this process may see; without one, the CPU."""
    if torch.cuda.is_available():
        device = torch.device("cuda", 0)
        return Device(
            device,
            f"cuda: {torch.cuda.get_device_name(device)}",
            bf16=torch.cuda.is_bf16_supported(including_emulation=False),
        )
    return Device(torch.device("cpu"), f"cpu: {cpu_model()}")


def cpu_model(cpuinfo: Path = _CPUINFO) -> str:
    """The model of the processor as the system names it, else its architecture."""
    try:
        text = cpuinfo.read_text(errors="replace")
    except OSError:
        text = ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"
