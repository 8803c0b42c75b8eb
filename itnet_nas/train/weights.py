"""Trained weights as bytes, which travel beside a record."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn


def pack_weights(network: nn.Module) -> bytes:
    """The state dict on the CPU, as `torch.save` writes it; read it with weights_only=True."""
    state = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()
