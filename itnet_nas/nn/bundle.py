"""`Bundle`: classes and functions as one text that needs torch and the standard library alone.

From each class on, every global name that its text reads is followed. What this package or a plugin
defines is copied, comments included; what torch or the standard library define becomes an import.
Two things of one name are told apart by a prefix. In an annotation a name that is not in the bundle
turns the annotation into `Any`.

Operators lose `reference` and `dense_kernel`, the slow forms that tests hold `forward` to, unless
something else calls them; and their base class is replaced by OPERATOR, which asks for nothing.
"""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from itnet_nas.errors import BrokenPlugin
from itnet_nas.nn.naming import Names
from itnet_nas.nn.ordering import definition_order
from itnet_nas.nn.scopes import Imported, Reference, Scan
from itnet_nas.nn.source import (
    External,
    ModuleSource,
    Package,
    Target,
    Unit,
    is_external,
    module_source,
    resolve_import,
    unit_of,
)
from itnet_nas.nn.trimming import drop_imports, rewrite_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

BASE = Unit("itnet_nas.kernels.operator", "Operator")
OPERATOR = '''\
class Operator(nn.Module):
    """y(x) = ∫ K(x, x', u(x), u(x')) v(x') dμ(x'): (u_BND, mask_BN, x_BNA) -> y_BND."""

    @property
    def decodes(self) -> bool:
        """Whether `start` and `step` produce y one position at a time."""
        return False
'''


@dataclass
class _Piece:
    """One unit: its text with the places that have to be changed, and what it needs."""

    source: ModuleSource
    statements: list[ast.stmt]
    scan: Scan
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    needs: list[tuple[Unit, bool]] = field(default_factory=list)


@final
class Bundle:
    """Collects units; `text()` writes them down, each after what its definition needs."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._names = Names(reserved)
        self._pieces: dict[Unit, _Piece | None] = {}
        self._roots = {"itnet_nas"}
        self._inits: dict[Unit, str] = {}

    def add(self, found: type | Callable[..., object], init: str | None = None) -> str:
        """Take in a class or function with all that it needs; its name in the bundle.

        `init` replaces the `__init__` of a class: its text, not indented. Raises BrokenPlugin where
        something cannot be copied.
        """
        unit = unit_of(found)
        self._roots.add(unit.module.partition(".")[0])
        if unit in self._pieces and self._inits.get(unit) != init:
            raise BrokenPlugin(
                f"{unit.module}.{unit.name} stands in the network twice, built differently, and is "
                f"no Operator, so it cannot be exported; give each use a class of its own"
            )
        if init is not None:
            self._inits[unit] = init
        self._take(unit)
        return self._names[unit]

    def external(self, module: str, attribute: str | None = None) -> str:
        """The name in the bundle of something of torch or the standard library."""
        last = attribute or module.rpartition(".")[2]
        return self._names.give(External(module, attribute), last)

    def text(self) -> str:
        """Import lines and definitions, ready to stand below a module's docstring."""
        needs = {
            unit: () if piece is None else tuple(piece.needs)
            for unit, piece in self._pieces.items()
        }
        bodies = [self._render(unit) for unit in definition_order(needs, _is_class)]
        # Rendering may need imports of its own, so they come last.
        return "\n\n\n".join(["\n".join(self._names.import_lines()), *bodies]) + "\n"

    def _take(self, unit: Unit) -> None:
        if unit in self._pieces:
            return
        self._names.give(unit, unit.name)
        if unit == BASE:
            self._pieces[unit] = None
            self.external("torch.nn")
            return
        source = module_source(unit.module)
        statements = source.statements.get(unit.name)
        if not statements:
            raise BrokenPlugin(
                f"{unit.module} does not define {unit.name} at its top level, so a network that "
                f"uses it cannot be exported"
            )
        scan = Scan(source.package, lambda module: not is_external(module))
        piece = _Piece(source, statements, scan)
        self._pieces[unit] = piece
        cuts = rewrite_class(unit, source, statements[-1], self._inits.get(unit))
        piece.edits += cuts
        for statement in statements:
            scan.visit(statement)
        scan.references = [
            found
            for found in scan.references
            if not any(a <= source.start(found.nodes[0]) < b for a, b, _ in cuts)
        ]
        piece.edits += [
            edit
            for statement in statements
            for edit in drop_imports(statement, scan.dropped, source)
        ]
        for reference in scan.references:
            if reference.annotation is None:
                self._follow(piece, reference)

    def _follow(self, piece: _Piece, reference: Reference) -> None:
        target, depth = self._resolve(piece, reference)
        if target is None:
            return
        if isinstance(target, Package):
            raise BrokenPlugin(
                f"{piece.source.name} uses the module {target.module} as a value; an exported "
                f"network can only hold named parts of it"
            )
        if isinstance(target, Unit):
            self._allow(piece, target)
            self._take(target)
            piece.needs.append((target, reference.immediate))
        self._replace(piece, reference, target, depth)

    def _resolve(self, piece: _Piece, reference: Reference) -> tuple[Target | None, int]:
        """What a reference stands for, and how many of its attributes that takes."""
        target = (
            piece.source.resolve(reference.name)
            if reference.imported is None
            else resolve_import(reference.imported)
        )
        depth = 0
        while isinstance(target, Package) and depth < len(reference.attributes):
            self._allow(piece, target)
            target = resolve_import(Imported(target.module, reference.attributes[depth]))
            depth += 1
        return target, depth

    def _allow(self, piece: _Piece, target: Unit | Package) -> None:
        root = target.module.partition(".")[0]
        if root not in self._roots:
            raise BrokenPlugin(
                f"{piece.source.name} uses {target.module}, and an exported network may need "
                f"torch alone; write that part with torch"
            )

    def _replace(
        self, piece: _Piece, reference: Reference, target: Unit | External, depth: int
    ) -> None:
        if isinstance(target, External) and depth == 0:
            self._keep_submodules(piece, target)
            name = self._names.give(target, reference.name)
        elif isinstance(target, External):
            name = self.external(target.module, target.attribute)
        else:
            name = self._names[target]
        start = piece.source.start(reference.nodes[0])
        end = piece.source.end(reference.nodes[depth])
        if piece.source.text[start:end].decode() == name:
            return
        if name in piece.scan.bound and reference.annotation is None:
            name = self._names.alias(target, piece.scan.bound)
        piece.edits.append((start, end, name))

    def _keep_submodules(self, piece: _Piece, target: External) -> None:
        # `import torch.utils.checkpoint` binds "torch" and loads a submodule besides.
        if target.attribute is None and "." not in target.module:
            self._names.submodules |= piece.source.submodules.get(target.module, set())

    def _render(self, unit: Unit) -> str:
        piece = self._pieces[unit]
        if piece is None:
            return OPERATOR.replace("nn.Module", f"{self.external('torch.nn')}.Module").rstrip()
        self._rename(unit, piece)
        annotations = self._annotations(piece)
        source = piece.source
        parts: list[str] = []
        for statement in piece.statements:
            start, end = source.start(statement), source.end(statement)
            inside = [edit for edit in (*piece.edits, *annotations) if start <= edit[0] <= end]
            text = source.text
            out, at = b"", start
            # Of edits inside one another the outer one stands; equal ones count once.
            for first, last, new in sorted(set(inside), key=lambda edit: (edit[0], -edit[1])):
                if first < at:
                    continue
                out += text[at:first] + new.encode()
                at = last
            out += text[at:end]
            parts.append(textwrap.dedent(" " * statement.col_offset + out.decode()).rstrip())
        # One statement may bind a name twice; an alias stands where the name is known.
        return "\n".join(dict.fromkeys([*parts, *self._names.alias_lines(unit)]))

    def _rename(self, unit: Unit, piece: _Piece) -> None:
        name = self._names[unit]
        if name == unit.name:
            return
        for statement in piece.statements:
            if isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                line = piece.source.starts[statement.lineno - 1]
                found = re.compile(rf"\b{unit.name}\b".encode()).search(piece.source.text, line)
                assert found is not None
                piece.edits.append((*found.span(), name))

    def _annotations(self, piece: _Piece) -> Iterator[tuple[int, int, str]]:
        """Edits for annotations: renamed parts, or `Any` where a part is not in the bundle."""
        found: dict[ast.expr, list[Reference]] = {}
        for reference in piece.scan.references:
            if reference.annotation is not None:
                found.setdefault(reference.annotation, []).append(reference)
        for annotation, references in found.items():
            targets = [self._known(piece, reference) for reference in references]
            if any(target == "unknown" for target in targets):
                any_name = self.external("typing", "Any")
                yield piece.source.start(annotation), piece.source.end(annotation), any_name
                continue
            for reference, target in zip(references, targets, strict=True):
                if not isinstance(target, str):
                    before = len(piece.edits)
                    self._replace(piece, reference, *target)
                    yield from piece.edits[before:]
                    del piece.edits[before:]

    def _known(self, piece: _Piece, reference: Reference) -> str | tuple[Unit | External, int]:
        try:
            target, depth = self._resolve(piece, reference)
        except BrokenPlugin:
            return "unknown"
        if target is None:
            return "builtin"
        if isinstance(target, Package) or (isinstance(target, Unit) and target not in self._pieces):
            return "unknown"
        return target, depth


def _is_class(unit: Unit) -> bool:
    return unit == BASE or isinstance(
        module_source(unit.module).statements[unit.name][-1], ast.ClassDef
    )
