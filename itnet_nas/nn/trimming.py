"""What is cut out of code, and put into it, before it stands in a bundle."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING

from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from itnet_nas.nn.source import ModuleSource, Unit

    Edit = tuple[int, int, str]  # first byte, byte behind the last, new text


# What tests hold an operator's `forward` to.
SLOW_FORMS = frozenset({"reference", "dense_kernel"})


def rewrite_class(unit: Unit, source: ModuleSource, node: ast.stmt, init: str | None) -> list[Edit]:
    """Take the slow forms out of an operator, and put `init` in place of an `__init__`."""
    if not isinstance(node, ast.ClassDef):
        return []
    edits: list[Edit] = []
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    found = getattr(source.module, unit.name)
    if isinstance(found, type) and issubclass(found, Operator):
        gone = _unneeded(node, methods, getattr(found, "__final__", False))
        edits += [(*source.whole_lines(run, node), "") for run in _runs(node, gone)]
    if init is not None:
        indent = " " * node.body[0].col_offset
        indented = textwrap.indent(init, indent).strip()
        old = methods.get("__init__")
        if old is not None:
            edits.append((source.start(old), source.end(old), indented))
        else:
            edits.append((source.end(node), source.end(node), f"\n\n{indent}{indented}"))
    return edits


def _unneeded(node: ast.ClassDef, methods: Mapping[str, ast.FunctionDef], final: bool) -> list[str]:
    """The slow forms that nothing else calls, with the private methods that they alone call.

    Only in a final class can no other class call a private method.
    """
    gone = [name for name in methods if name in SLOW_FORMS]
    while called := [name for name in gone if name in _attributes(node, without=gone)]:
        gone = [name for name in gone if name not in called]
    if not final:
        return gone
    while True:
        theirs = {part for name in gone for part in _attributes_of(methods[name])}
        needed = _attributes(node, without=gone)
        more = [
            name
            for name in methods
            if name not in gone
            and name.startswith("_")
            and not name.startswith("__")
            and name in theirs
            and name not in needed
        ]
        if not more:
            return gone
        gone += more


def _runs(node: ast.ClassDef, names: Container[str]) -> Iterator[list[ast.FunctionDef]]:
    """The methods of these names, those in a list that follow on one another."""
    run: list[ast.FunctionDef] = []
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name in names:
            run.append(item)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _attributes(node: ast.ClassDef, without: Container[str]) -> set[str]:
    """Every attribute that the class reads, some of its methods left out."""
    return {
        name
        for item in node.body
        if not (isinstance(item, ast.FunctionDef) and item.name in without)
        for name in _attributes_of(item)
    }


def _attributes_of(item: ast.AST) -> set[str]:
    return {part.attr for part in ast.walk(item) if isinstance(part, ast.Attribute)}


def drop_imports(
    statement: ast.stmt, dropped: list[ast.stmt], source: ModuleSource
) -> Iterator[Edit]:
    """Edits that take imports out of bodies; `pass` where nothing else would be left."""
    for node in ast.walk(statement):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if not isinstance(body, list):
                continue
            for place, item in enumerate(body):
                if item not in dropped:
                    continue
                if place + 1 < len(body):
                    yield source.start(item), source.start(body[place + 1]), ""
                else:
                    yield source.start(item), source.end(item), "pass"
