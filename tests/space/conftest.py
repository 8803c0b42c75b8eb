"""Registries of fakes, and a way from a text to a space or to everything that is wrong with it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from itnet_nas.errors import SpaceError
from itnet_nas.registry import KERNEL_GROUP, TASK_GROUP, Registry
from itnet_nas.space.check import check
from itnet_nas.space.source import parse_text
from itnet_nas.space.space import Space

MODULE = "itnet_nas_space_fakes"  # entry points import by name


def _fakes() -> ModuleType:
    if MODULE not in sys.modules:
        spec = importlib.util.spec_from_file_location(MODULE, Path(__file__).parent / "fakes.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[MODULE] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[MODULE]


def _registry(group: str, kind: str, **objects: str) -> Registry:
    _fakes()
    # name__2 offers the name once more
    points = [EntryPoint(n.split("__")[0], f"{MODULE}:{o}", group) for n, o in objects.items()]
    return Registry(group, kind, points)


GOOD = {"attention": "ATTENTION", "conv": "CONV", "gru": "GRU", "spline": "SPLINE"}


@pytest.fixture(scope="session")
def kernels() -> Registry:
    return _registry(KERNEL_GROUP, "kernel family", **GOOD)


@pytest.fixture(scope="session")
def more_kernels() -> Registry:
    """With families that have something wrong with them."""
    bad = {
        "broken": "NOT_THERE",
        "crash": "CRASH",
        "grid_only": "GRID_ONLY",
        "huge": "HUGE",
        "number": "NO_FAMILY",
        "silent": "SILENT",
        "twice": "CONV",
        "twice__2": "GRU",
    }
    return _registry(KERNEL_GROUP, "kernel family", **GOOD, **bad)


@pytest.fixture(scope="session")
def tasks() -> Registry:
    return _registry(TASK_GROUP, "task", symbols="Symbols", number="NO_FAMILY")


@pytest.fixture(scope="session")
def space_of(more_kernels: Registry, tasks: Registry) -> Callable[..., Space]:
    """Text -> space."""

    def made(text: str, **options: Any) -> Space:
        source = parse_text(dedent(text).lstrip("\n"), "a.yaml")
        return check(source, kernels=more_kernels, tasks=tasks, **options)

    return made


@pytest.fixture(scope="session")
def wrong_with(space_of: Callable[..., Space]) -> Callable[..., str]:
    """Text -> the whole text of its SpaceError."""

    def found(text: str) -> str:
        with pytest.raises(SpaceError) as raised:
            space_of(text)
        return str(raised.value)

    return found


@pytest.fixture(scope="session")
def wrong_in(wrong_with: Callable[..., str]) -> Callable[..., str]:
    """The lines of a file after its head -> what is wrong, without the first two lines."""

    def found(text: str, head: str = "version: 1\ntask: {name: symbols}\n") -> str:
        return wrong_with(head + dedent(text).lstrip("\n")).split("\n\n", 1)[1]

    return found
