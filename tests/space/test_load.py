"""The one door: files, dicts and graphs, and what it costs to import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from itnet_nas.errors import SpaceError
from itnet_nas.registry import Registry
from itnet_nas.space import load_space

FILE = {
    "version": 1,
    "task": {"name": "symbols"},
    "layers": [{"name": "a", "kernels": {"conv": {"radius": [1, 2]}}}],
}


def test_a_path_and_a_dict_give_the_same_space(
    tmp_path: Path, kernels: Registry, tasks: Registry
) -> None:
    path = tmp_path / "my.first.yaml"
    path.write_text(json.dumps(FILE))

    by_path = load_space(path, kernels=kernels, tasks=tasks)
    by_text = load_space(str(path), kernels=kernels, tasks=tasks)
    by_dict = load_space(FILE, kernels=kernels, tasks=tasks)

    assert by_path == by_text
    assert (by_path.name, by_dict.name) == ("my.first", "space")
    assert by_path.fingerprint == by_dict.fingerprint


def test_tuples_of_a_dict_are_lists(kernels: Registry, tasks: Registry) -> None:
    tuples = {**FILE, "layers": ({"name": "a", "kernels": {"conv": {"radius": (1, 2)}}},)}

    space = load_space(tuples, kernels=kernels, tasks=tasks)

    assert space.fingerprint == load_space(FILE, kernels=kernels, tasks=tasks).fingerprint


def test_a_wrong_dict_is_said_without_lines(kernels: Registry, tasks: Registry) -> None:
    with pytest.raises(SpaceError) as raised:
        load_space({**FILE, "layers": []}, kernels=kernels, tasks=tasks)

    assert str(raised.value) == (
        "space: 1 problem\n\nspace: layers\n  must have at least 1 entry, got []"
    )


def test_notes_say_which_families_any_left_out(more_kernels: Registry, tasks: Registry) -> None:
    notes: list[str] = []

    load_space(
        {**FILE, "layers": [{"name": n, "kernels": "any"} for n in "ab"]},
        kernels=more_kernels,
        tasks=tasks,
        notes=notes,
    )

    left_out = [note.removeprefix("kernels: any leaves out ").split(":")[0] for note in notes]
    assert [name.strip('"') for name in left_out] == [
        "broken",
        "crash",
        "huge",
        "number",
        "silent",
        "twice",
        "grid_only",
    ]


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("itnet_nas.space.space", {"torch", "ray", "networkx", "yaml", "pandas"}),
        ("itnet_nas.space.constraint", {"torch", "ray", "networkx", "yaml", "pandas"}),
        ("itnet_nas.space.load", {"torch", "ray", "pandas"}),
        ("itnet_nas.space.schema", {"torch", "ray", "networkx", "pandas"}),
    ],
)
def test_reading_a_space_loads_nothing_heavy(module: str, forbidden: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not forbidden & set(done.stdout.split())
