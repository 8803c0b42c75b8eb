"""Which names of a piece of code are global."""

from __future__ import annotations

import ast
import textwrap

import pytest

from itnet_nas.nn.scopes import Imported, Scan, imported_names


def scan(text: str) -> Scan:
    found = Scan("package", lambda module: module.startswith("package"))
    for statement in ast.parse(textwrap.dedent(text)).body:
        found.visit(statement)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "def f(x): return x",
        "def f(*, x=1): return x",
        "def f(*x): return x",
        "def f():\n    x = 1\n    return x",
        "def f():\n    for x in (): x",
        "def f():\n    with open() as x: x",
        "def f():\n    try: pass\n    except OSError as x: x",
        "def f():\n    import x\n    x",
        "def f():\n    def x(): pass\n    x",
        "def f():\n    x: int = 1\n    def g(): return x",
        "def f(v):\n    match v:\n        case [x, *_]: x",
        "def f(v):\n    match v:\n        case {**x}: x",
        "lambda x: x",
        "[x for x in ()]",
        "{x: x for x in ()}",
        "def f():\n    [x := 1 for _ in ()]\n    x",
        "class C:\n    x = 1\n    y = x",
    ],
)
def test_a_name_that_is_bound_inside_is_not_global(text: str) -> None:
    assert "x" not in {reference.name for reference in scan(text).references}


@pytest.mark.parametrize(
    "text",
    [
        "def f(): return x",
        "def f(y=x): return y",
        "def f():\n    global x\n    x = 1",
        "class C(x): pass",
        "class C:\n    x = 1\n    def f(self): return x",
        "@x\ndef f(): pass",
        "def f():\n    [x for x in ()]\n    return x",
        "lambda y=x: y",
        "x.a.b",
        "f(x)[0].a",
    ],
)
def test_a_name_that_nothing_inside_binds_is_global(text: str) -> None:
    assert "x" in {reference.name for reference in scan(text).references}


def test_attributes_are_read_with_their_name() -> None:
    (found,) = scan("def f(): return a.b.c").references

    assert (found.name, found.attributes, found.immediate) == ("a", ("b", "c"), False)


def test_what_a_definition_evaluates_is_immediate() -> None:
    found = scan("""
        @decorator
        class C(Base):
            field = value
            def f(self, default=standard): return later
    """)

    immediate = {item.name: item.immediate for item in found.references}

    assert immediate == {
        "decorator": True,
        "Base": True,
        "value": True,
        "standard": True,
        "later": False,
    }


def test_annotations_are_told_apart() -> None:
    found = scan("def f(a: Shape, *b: Shape) -> Shape:\n    c: Shape = value")

    assert {(item.name, item.annotation is not None) for item in found.references} == {
        ("Shape", True),
        ("value", False),
    }


def test_an_import_inside_a_function_that_must_go_makes_its_names_global() -> None:
    found = scan("def f():\n    from package.part import thing as t\n    return t")

    (reference,) = found.references
    assert reference.imported == Imported("package.part", "thing")
    assert len(found.dropped) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a.b", {"a": Imported("a", None)}),
        ("import a.b as c", {"c": Imported("a.b", None)}),
        ("from a import b as c", {"c": Imported("a", "b")}),
        ("from . import b", {"b": Imported("one.two", "b")}),
        ("from .c import b", {"b": Imported("one.two.c", "b")}),
        ("from ..c import b", {"b": Imported("one.c", "b")}),
    ],
)
def test_imports_bind_absolute_names(text: str, expected: dict[str, Imported]) -> None:
    (node,) = ast.parse(text).body
    assert isinstance(node, (ast.Import, ast.ImportFrom))

    assert imported_names(node, "one.two") == expected
