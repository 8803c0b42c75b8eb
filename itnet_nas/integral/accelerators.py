"""Kernels of other packages, used where they are installed and the device is theirs.

None of them is ever needed: every family has an evaluation in plain torch, to which the tests hold
the accelerated one. An accelerator is named by its path, "fla.ops.simple_gla:chunk_simple_gla".
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Accelerator(NamedTuple):
    """A function of another package, or None; and the reason either way."""

    function: Callable[..., Any] | None
    reason: str


def accelerator(path: str, device: str, package: str) -> Accelerator:
    """The function at `path` for tensors on `device` ("cpu", "cuda"); `package` is what to install.

    Never raises: a package that fails on import is refused with its own words.
    """
    if device != "cuda":
        return Accelerator(None, f"{package} runs on CUDA alone, this is {device}")
    return _load(path, package)


@cache
def _load(path: str, package: str) -> Accelerator:
    module, _, name = path.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except Exception as error:
        # A compiled package may fail in any way where its build does not fit this torch, and an
        # installed one may lack a module of its own, or one that it needs.
        if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
            return Accelerator(None, f"{package} is not installed")
        return Accelerator(None, f"{package} does not load: {type(error).__name__}: {error}")
    return Accelerator(function, f"{package} is installed")
