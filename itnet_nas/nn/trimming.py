"""What is cut out of code, and put into it, before it stands in a bundle."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING

from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itnet_nas.nn.source import ModuleSource, Unit

    Edit = tuple[int, int, str]  # first byte, byte behind the last, new text


def rewrite_class(unit: Unit, source: ModuleSource, node: ast.stmt, init: str | None) -> list[Edit]:
    """Take `reference` out of an operator, and put `init` in place of an `__init__`."""
    if not isinstance(node, ast.ClassDef):
        return []
    edits: list[Edit] = []
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    found = getattr(source.module, unit.name)
    reference = methods.get("reference")
    is_operator = isinstance(found, type) and issubclass(found, Operator)
    if is_operator and reference is not None and not _calls_reference(node):
        edits.append((*source.whole_lines(reference, node), ""))
    if init is not None:
        indent = " " * node.body[0].col_offset
        indented = textwrap.indent(init, indent).strip()
        old = methods.get("__init__")
        if old is not None:
            edits.append((source.start(old), source.end(old), indented))
        else:
            edits.append((source.end(node), source.end(node), f"\n\n{indent}{indented}"))
    return edits


def _calls_reference(node: ast.ClassDef) -> bool:
    others = [
        item
        for item in node.body
        if not (isinstance(item, ast.FunctionDef) and item.name == "reference")
    ]
    return any(
        isinstance(part, ast.Attribute) and part.attr == "reference"
        for item in others
        for part in ast.walk(item)
    )


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
