"""How the repository holds together: floors, rooms for heavy packages, the public surface."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "itnet_nas"

# Ground floor first: a file imports from floors before its own, and from its own.
FLOORS = [
    "errors",
    "axes",
    "registry",
    "integral",
    "kernels",
    "tasks",
    "space",
    "arch",
    "results",
    "surrogate",
    "nn",
    "analysis",
    "train",
    "testing",
    "search",
    "explanation",
    "api",
    "cli",
]
# `itnet_nas` itself hands on names from `api`, and so does the package `itnet_nas.search`, which
# is callable because the function of that name would otherwise disappear behind it.
DOORS = {"itnet_nas/__init__.py", "itnet_nas/search/__init__.py"}

# What a plugin may rely on.
PROMISED = {"axes", "errors", "kernels", "tasks", "integral", "testing"}

FILES = sorted(path.relative_to(ROOT) for path in PACKAGE.rglob("*.py"))
PLUGIN_FILES = sorted(path.relative_to(ROOT) for path in (ROOT / "plugins").rglob("*.py"))
ALL_FILES = [*FILES, *PLUGIN_FILES]
NO_TORCH = ("space", "arch", "results", "surrogate", "analysis", "cli")


def imports(path: Path, *, late: bool = True) -> set[str]:
    """Full names of what a file imports at run time; what only a type checker reads is left out.

    `from a import b` counts as `a.b` where that is a module, else as `a`.
    """
    found: set[str] = set()
    _collect(ast.parse((ROOT / path).read_text(encoding="utf-8")), found, late)
    return found


def _collect(node: ast.AST, found: set[str], late: bool) -> None:
    if isinstance(node, ast.If) and _is_type_checking(node.test):
        for child in node.orelse:
            _collect(child, found, late)
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not late:
        return
    if isinstance(node, ast.Import):
        found.update(alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: relative imports hide floors"
        for alias in node.names:
            name = f"{node.module}.{alias.name}"
            found.add(name if _is_module(name) else str(node.module))
    for child in ast.iter_child_nodes(node):
        _collect(child, found, late)


def _is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


def floor_of(name: str) -> str:
    """`space` for itnet_nas.space.check; empty for the package itself."""
    return [*name.split("."), ""][1]


def own_floor(path: Path) -> str:
    """The floor on which a file of the package stands."""
    return path.parts[1].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_from_its_own_floor_and_those_below(path: Path) -> None:
    if path.as_posix() in DOORS:
        return
    ours = {name for name in imports(path) if name.startswith("itnet_nas.")}
    own = FLOORS.index(own_floor(path))

    above = {name for name in ours if FLOORS.index(floor_of(name)) > own}

    assert not above


def test_every_package_stands_on_a_floor() -> None:
    there = {own_floor(path) for path in FILES} - {"__init__"}

    assert there == set(FLOORS)


def test_planted_breaks_are_seen(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    import pandas\n"
        "from itnet_nas.space import spec\n"
        "def late():\n"
        "    import torch.nn\n"
    )

    assert imports(planted) == {"typing", "itnet_nas.space.spec", "torch.nn"}
    assert imports(planted, late=False) == {"typing", "itnet_nas.space.spec"}


def test_one_file_imports_ray() -> None:
    found = [
        path.as_posix()
        for path in ALL_FILES
        if any(name.split(".")[0] == "ray" for name in imports(path))
    ]

    assert found == ["itnet_nas/search/ray_backend.py"]


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[1] in NO_TORCH], ids=str)
def test_planning_keeping_and_reading_need_no_torch(path: Path) -> None:
    assert not any(name.split(".")[0] == "torch" for name in imports(path))


@pytest.mark.parametrize("path", ALL_FILES, ids=str)
def test_nothing_is_imported_under_two_names(path: Path) -> None:
    assert not any(name.split(".")[0] == "plugins" for name in imports(path))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_the_package_imports_no_plugin_by_name(path: Path) -> None:
    packages = {name.split(".")[0] for name in imports(path)}

    assert not packages & {"itnet_kernels", "itnet_tasks"}


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=str)
def test_our_own_plugins_use_only_what_is_promised_to_everyone(path: Path) -> None:
    used = {floor_of(name) for name in imports(path) if name.startswith("itnet_nas.")}

    assert used <= PROMISED


@pytest.mark.parametrize("path", ALL_FILES, ids=str)
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import itnet_nas", {"torch", "ray", "networkx", "pandas", "numpy", "pydantic"}),
        ("import itnet_nas.cli.main", {"torch", "ray", "networkx", "pandas", "numpy", "pydantic"}),
        ("import itnet_nas.api", {"torch", "ray", "pandas"}),
        ("from itnet_nas.registry import KERNELS; KERNELS.names()", {"torch", "ray"}),
        ("import itnet_nas.space.space", {"torch", "ray", "pandas"}),
        ("import itnet_nas.results.record", {"torch", "ray", "pandas"}),
        ("import itnet_nas.results.store", {"torch", "ray", "pandas"}),
        ("import itnet_nas.search.run_search", {"torch", "ray", "pandas"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_light_imports_stay_light(statement: str, forbidden: set[str]) -> None:
    code = f"import sys; {statement}; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not forbidden & set(done.stdout.split())


@pytest.mark.parametrize("group", ["itnet_nas.kernels", "itnet_nas.tasks"])
def test_what_is_installed_is_what_the_project_declares(group: str) -> None:
    """A stale editable install would test the plugins of another day."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        declared = tomllib.load(file)["project"]["entry-points"][group]

    installed = {
        point.name: point.value
        for point in metadata.entry_points(group=group)
        if point.dist is not None and point.dist.name == "itnet-nas"
    }

    assert installed == declared, "run `pip install -e .` again"


@pytest.mark.parametrize("group", ["itnet_nas.kernels", "itnet_nas.tasks"])
def test_every_plugin_file_is_declared(group: str) -> None:
    folder = {"itnet_nas.kernels": "itnet_kernels", "itnet_nas.tasks": "itnet_tasks"}[group]
    with (ROOT / "pyproject.toml").open("rb") as file:
        declared = tomllib.load(file)["project"]["entry-points"][group]

    offered = {
        ".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts)
        for path in (ROOT / "plugins" / folder).rglob("*.py")
        if _offers_something(path, group)
    }

    assert {value.split(":")[0] for value in declared.values()} == offered


def _offers_something(path: Path, group: str) -> bool:
    """Whether a plugin file defines FAMILY, or a final class named …Task."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    if group == "itnet_nas.kernels":
        targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
        return any(isinstance(t, ast.Name) and t.id == "FAMILY" for t in targets)
    return any(
        isinstance(node, ast.ClassDef)
        and node.name.endswith("Task")
        and any(isinstance(one, ast.Name) and one.id == "final" for one in node.decorator_list)
        for node in body
    )


@pytest.mark.parametrize(
    "package",
    [
        "itnet_nas",
        "itnet_nas.kernels",
        "itnet_nas.tasks",
        "itnet_nas.integral",
        "itnet_nas.testing",
        "itnet_nas.space",
    ],
)
def test_a_public_package_lists_its_public_names(package: str) -> None:
    module = importlib.import_module(package)
    listed = set(module.__all__)

    assert all(getattr(module, name) is not None for name in listed)
    assert _defined(Path(str(module.__file__))) <= listed


def _defined(path: Path) -> set[str]:
    """Public names that a module binds by itself: imports, definitions, assignments."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module not in ("__future__", "typing"):
            found.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return {name for name in found if not name.startswith("_")}


def test_the_surface_is_three_names() -> None:
    import itnet_nas

    assert itnet_nas.__all__ == ["__version__", "open_run", "search"]


def test_search_stays_callable_when_the_package_of_that_name_is_imported() -> None:
    code = (
        "import itnet_nas\n"
        "assert callable(itnet_nas.search)\n"
        "import itnet_nas.search.searcher as module\n"
        "assert module.Searcher.__name__ == 'Searcher'\n"
        "try:\n"
        "    itnet_nas.search('nowhere.yaml')\n"
        "except Exception as error:\n"
        "    print(error)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "nowhere.yaml" in done.stdout


def test_every_dependency_is_pinned_for_the_tests() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    pinned = {line.split("==")[0] for line in text.splitlines() if "==" in line}

    assert {re.split(r"[\[>=<]", item)[0].lower() for item in wanted} <= pinned


def test_the_version_is_said_once() -> None:
    import itnet_nas

    with (ROOT / "pyproject.toml").open("rb") as file:
        declared = tomllib.load(file)["project"]["version"]

    assert itnet_nas.__version__ == declared
    assert f"## {declared}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
