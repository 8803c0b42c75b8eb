"""The benchmarks still run: every row builds, and ours and its rival give a field of one shape."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


rivals = _module("rivals")


@pytest.mark.parametrize("row", rivals.ROWS, ids=lambda row: row.name)
def test_a_row_of_the_operators_has_two_sides(row: "rivals.Row") -> None:  # type: ignore[name-defined]
    inputs = row.inputs(48)

    ours, rival = row.ours(48)(*inputs), row.rival(48)(*inputs)

    assert ours.shape == rival.shape == inputs[0].shape


def test_the_rows_of_the_operators_have_names_of_their_own() -> None:
    names = [row.name for row in rivals.ROWS]

    assert len(set(names)) == len(names)
    assert not any(";" in name for name in names)
