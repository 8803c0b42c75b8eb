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


replacement = _module("replacement")


def _lost(task: str, **lost: float | None) -> dict[str, object]:
    row = {"task": task, "seed": 0, "objective": "error", "score": 0.1, "layer": "mix"}
    roles = dict.fromkeys(replacement.ROLES) | lost
    by = {f"by_{role}": role if loss is not None else None for role, loss in roles.items()}
    return {**row, "kernel": "conv(radius=2)", "acts_like": "short window", **roles, **by}


def test_what_matches_lose_is_set_against_what_mismatches_lose() -> None:
    layers = [_lost("a", match=0.1, mismatch=0.2), _lost("b", match=0.0, mismatch=0.3)]

    assert replacement.share(layers, "match") == "0.20 (0.25; 1 of 2)"


def test_a_layer_without_a_mismatch_is_not_compared() -> None:
    layers = [_lost("a", match=0.1, mismatch=0.2), _lost("b", match=5.0)]

    assert replacement.share(layers, "match") == "0.50 (0.50; 0 of 1)"


def test_the_table_of_replacements_has_a_line_for_each_layer() -> None:
    text = replacement.table([_lost("quickstart", match=0.1, mismatch=0.2, own=0.0)])

    assert (
        "| quickstart, 0 | 0.100 error | mix: conv | short window | match +0.100 | – | – "
        "| mismatch +0.200 | +0.000 |" in text.splitlines()
    )


def test_the_replaced_network_is_a_member_of_its_space() -> None:
    space, member = replacement.network("quickstart")

    assert [layer.family for layer in member.layers] == ["conv", "gru"]
    assert replacement.REAL["quickstart"][0] == space.recipe.steps
