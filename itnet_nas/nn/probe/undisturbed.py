"""An operator as the probe runs it: evaluated, in full precision, and left as it was found."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itnet_nas.nn.probe.rows import Run

_HALF = (torch.float16, torch.bfloat16)


@contextmanager
def undisturbed(op: Run, seed: int, device: torch.device) -> Iterator[Run]:
    """The operator in evaluation mode, without autocast, TF32 or gradients of its parameters.

    Modes, flags and the global random state are put back; `.grad` is never touched, and a mode of
    inference around the call does not reach in. Where parameters are kept in half precision, a copy
    in float32 is run. An operator that draws at random draws from a stream fixed by `seed`.
    """
    if isinstance(op, nn.Module) and any(p.dtype in _HALF for p in op.parameters()):
        op = copy.deepcopy(op).float()
    modules = list(op.modules()) if isinstance(op, nn.Module) else []
    parameters = list(op.parameters()) if isinstance(op, nn.Module) else []
    training = [module.training for module in modules]
    wanted = [parameter.requires_grad for parameter in parameters]
    tf32 = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    devices = [device] if device.type == "cuda" else []
    with (
        torch.inference_mode(False),
        torch.autocast(device.type, enabled=False),
        torch.random.fork_rng(devices=devices),
    ):
        torch.manual_seed(seed)
        try:
            for module in modules:
                # cuDNN takes the gradient of its loops in training mode alone; without dropout
                # between layers that is the same function.
                module.training = isinstance(module, nn.RNNBase) and module.dropout == 0
            for parameter in parameters:
                parameter.requires_grad_(False)
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
            yield op
        finally:
            torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = tf32
            for parameter, flag in zip(parameters, wanted, strict=True):
                parameter.requires_grad_(flag)
            for module, mode in zip(modules, training, strict=True):
                module.training = mode
