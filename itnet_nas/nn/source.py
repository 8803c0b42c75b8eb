"""`ModuleSource`: the text of an imported module, what its top level defines and imports."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, final

from itnet_nas.errors import BrokenPlugin
from itnet_nas.nn.scopes import Imported, imported_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Unit:
    """A name that the top level of a module defines: a class, a function or a constant."""

    module: str
    name: str


@dataclass(frozen=True)
class External:
    """Something of torch or of the standard library: an attribute, or the module itself."""

    module: str
    attribute: str | None


@dataclass(frozen=True)
class Package:
    """A module whose parts are bundled one by one."""

    module: str


Target = Unit | External | Package


def is_external(module: str) -> bool:
    """Whether an exported network may import it: torch and the standard library."""
    root = module.partition(".")[0]
    return root == "torch" or root in sys.stdlib_module_names


@final
class ModuleSource:
    """A module as text. Positions are byte offsets, as the parser counts columns in bytes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module: ModuleType = importlib.import_module(name)
        try:
            text = inspect.getsource(self.module)
        except (OSError, TypeError) as error:
            raise BrokenPlugin(
                f"the source of the module {name} cannot be read ({error}), so a network that "
                f"uses it cannot be exported; install its package with its .py files"
            ) from error
        self.text = text.encode()
        self.starts = [0]
        for line in self.text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        is_package = "__path__" in vars(self.module)
        self.package = name if is_package else name.rpartition(".")[0]
        self.statements: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, Imported] = {}
        self.submodules: dict[str, set[str]] = {}  # a -> what `import a.b.c` loads
        self._read(ast.parse(text).body)

    def _read(self, body: Iterable[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.imports |= imported_names(node, self.package)
                for alias in node.names if isinstance(node, ast.Import) else ():
                    if "." in alias.name and alias.asname is None:
                        root = alias.name.partition(".")[0]
                        self.submodules.setdefault(root, set()).add(alias.name)
            elif isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                self.statements.setdefault(node.name, []).append(node)
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    for part in ast.walk(target):
                        if isinstance(part, ast.Name):
                            self.statements.setdefault(part.id, []).append(node)
            elif isinstance(node, ast.If):
                self._read([*node.body, *node.orelse])
            elif isinstance(node, ast.Try):
                self._read([*node.body, *node.orelse, *node.finalbody])
            elif isinstance(node, ast.With):
                self._read(node.body)

    def start(self, node: ast.stmt | ast.expr) -> int:
        """Offset of the first byte of a node; of its first decorator's line, where it has one."""
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        if decorators:
            return self.starts[decorators[0].lineno - 1] + node.col_offset
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.stmt | ast.expr) -> int:
        """Offset behind the last byte of a node."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def whole_lines(self, methods: list[ast.FunctionDef], owner: ast.ClassDef) -> tuple[int, int]:
        """The lines of methods that follow on one another, to be cut out of a class.

        With comments above the first one, and blank lines around.
        """
        first = self.start(methods[0]) - methods[0].col_offset
        above = self.text.rfind(b"\n", 0, first - 1) + 1
        while self.text[above:first].lstrip().startswith(b"#"):
            first, above = above, self.text.rfind(b"\n", 0, above - 1) + 1
        end = self.text.find(b"\n", self.end(methods[-1])) + 1 or len(self.text)
        if end >= self.end(owner):
            # Nothing follows: the blank lines before it go, and the last newline stays.
            first = len(self.text[:first].rstrip())
            return first, self.end(owner)
        while self.text[end : end + 1] == b"\n":
            end += 1
        return first, end

    def resolve(self, name: str) -> Target | None:
        """What a global name of this module stands for; None for builtins and for nothing."""
        # An import with a fallback for its failure binds a name twice; the import succeeded.
        if name in self.imports:
            return resolve_import(self.imports[name])
        if name in self.statements:
            return Unit(self.name, name)
        if name in vars(builtins) or name.startswith("__"):
            return None
        # A star import, or a name that was set in a way that the text does not show.
        return _home(self.module, name) if name in vars(self.module) else None


@lru_cache(maxsize=256)
def module_source(name: str) -> ModuleSource:
    """The source of a module, read once. Raises BrokenPlugin where there is none."""
    return ModuleSource(name)


def resolve_import(imported: Imported) -> Target:
    """What an import stands for, followed through modules that only hand it on."""
    module, attribute = imported.module, imported.attribute
    if is_external(module):
        if attribute is not None and isinstance(
            getattr(importlib.import_module(module), attribute, None), ModuleType
        ):
            return External(f"{module}.{attribute}", None)
        return External(module, attribute)
    if attribute is None:
        return Package(module)
    source = module_source(module)
    if attribute in source.statements:
        return Unit(module, attribute)
    if attribute in source.imports:
        return resolve_import(source.imports[attribute])
    if importlib.util.find_spec(module) is not None and isinstance(
        getattr(source.module, attribute, None), ModuleType
    ):
        return Package(f"{module}.{attribute}")
    return _home(source.module, attribute)


def _home(module: ModuleType, name: str) -> Target:
    """Where the class or function that a module offers under a name was defined."""
    found = getattr(module, name, None)
    if isinstance(found, ModuleType):
        name = found.__name__
        return External(name, None) if is_external(name) else Package(name)
    if not isinstance(found, (type, FunctionType)):
        raise BrokenPlugin(
            f"{module.__name__}.{name} cannot be exported: it is neither a class nor a function, "
            f"and no assignment at the top level of its module makes it; assign it there"
        )
    if is_external(found.__module__):
        return External(found.__module__, found.__qualname__)
    return unit_of(found)


def unit_of(found: type | Callable[..., object]) -> Unit:
    """The top-level name of a class or a function. Raises BrokenPlugin for a local one."""
    if "<locals>" in found.__qualname__:
        raise BrokenPlugin(
            f"{found.__module__}.{found.__qualname__} is defined inside a function, so it cannot "
            f"be exported; move it to the top level of its module"
        )
    return Unit(found.__module__, found.__qualname__.partition(".")[0])
