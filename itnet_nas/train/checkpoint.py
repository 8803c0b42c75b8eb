"""`Checkpoint`: a half-done training on disk. Whole or absent, never torn.

A file that cannot be read, or that belongs to something else, is ignored with a note in the log:
the trial starts over and gives the same result, later.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, final

import torch

from itnet_nas.space.space import digest

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from itnet_nas.results.job import TrialJob

log = logging.getLogger(__name__)

FORMAT = 1


def identity_of(job: TrialJob, network: nn.Module) -> str:
    """What must agree for a training to be taken up: the job's content and the weights' shapes.

    The shapes catch a plugin that was edited without a new version.
    """
    fields = {"architecture", "task", "task_origin", "kernel_origins", "recipe", "seed", "threads"}
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    return digest({"job": job.model_dump(mode="json", include=fields), "shapes": shapes})


@final
class Checkpoint:
    """The file `trial_<number>.pt` in a folder that survives the worker; one writer at a time."""

    def __init__(self, folder: Path, number: int, identity: str) -> None:
        self.path = folder / f"trial_{number}.pt"
        self.identity = identity

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file. On return the new one is on disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            torch.save({"format": FORMAT, "identity": self.identity, "state": state}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def load(self) -> dict[str, Any] | None:
        """The state that was saved last; None where there is none, or none of this training."""
        if not self.path.exists():
            return None
        try:
            found = torch.load(self.path, map_location="cpu", weights_only=True)
            known = found["format"] == FORMAT and found["identity"] == self.identity
            state: dict[str, Any] = found["state"]
        except Exception as error:  # whatever a damaged file makes of the reader
            log.warning(
                "%s cannot be read (%s); the trial starts over", self.path, type(error).__name__
            )
            return None
        if not known:
            log.warning("%s belongs to another training; the trial starts over", self.path)
            return None
        return state

    def remove(self) -> None:
        """Forget the training: its trial has ended."""
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".tmp").unlink(missing_ok=True)
