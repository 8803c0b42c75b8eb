"""Which global names a piece of Python reads, where, and when: the scoping rules of the language.

Names bound in a function, a comprehension or the body of a class hide the global one; names in the
body of a class are not seen by its methods. Annotations are told apart, since they are never
evaluated under `from __future__ import annotations`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Imported:
    """What an import binds: `attribute` of a module, or the module itself. `module` is absolute."""

    module: str
    attribute: str | None


@dataclass(frozen=True)
class Reference:
    """A global name with the attributes read from it: `nodes[i]` is the text up to attribute i.

    immediate    evaluated where the piece is defined, not when a function is called
    annotation   the whole annotation it is part of, else None
    imported     what an import inside the function binds the name to, else None
    """

    name: str
    attributes: tuple[str, ...]
    nodes: tuple[ast.expr, ...]
    immediate: bool
    annotation: ast.expr | None
    imported: Imported | None


@dataclass
class _Scope:
    bound: set[str]
    is_class: bool = False
    imports: dict[str, Imported] = field(default_factory=dict)


def imported_names(node: ast.Import | ast.ImportFrom, package: str) -> dict[str, Imported]:
    """Local name -> what it stands for. `package` is what relative imports start from."""
    if isinstance(node, ast.Import):
        return {
            alias.asname or alias.name.split(".")[0]: Imported(
                alias.name if alias.asname else alias.name.split(".")[0], None
            )
            for alias in node.names
        }
    module = node.module or ""
    if node.level:
        parents = package.split(".")
        base = ".".join(parents[: len(parents) - (node.level - 1)])
        module = f"{base}.{module}" if module else base
    return {alias.asname or alias.name: Imported(module, alias.name) for alias in node.names}


@final
class Scan(ast.NodeVisitor):
    """Global references of a piece of a module, in the order of the text.

    `bundled(module)` says whether imports of a module must go; where such an import stands inside a
    function it is listed in `dropped`, and its names count as global. `bound` holds every name that
    some scope of the piece binds: putting it in place of a global name could hide that.
    """

    def __init__(self, package: str, bundled: Callable[[str], bool]) -> None:
        self.package = package
        self.bundled = bundled
        self.references: list[Reference] = []
        self.dropped: list[ast.stmt] = []
        self.bound: set[str] = set()
        self._scopes: list[_Scope] = []
        self._functions = 0
        self._annotation: ast.expr | None = None

    def visit_Name(self, node: ast.Name) -> None:
        self._chain(node, [], [node])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        nodes: list[ast.expr] = [node]
        attributes = [node.attr]
        base = node.value
        while isinstance(base, ast.Attribute):
            nodes.insert(0, base)
            attributes.insert(0, base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            self._chain(base, attributes, [base, *nodes])
        else:
            self.visit(base)

    def _chain(self, base: ast.Name, attributes: list[str], nodes: list[ast.expr]) -> None:
        imported = None
        for place, scope in enumerate(reversed(self._scopes)):
            if scope.is_class and place > 0:
                continue
            if base.id in scope.bound:
                return
            if base.id in scope.imports:
                imported = scope.imports[base.id]
                break
        self.references.append(
            Reference(
                name=base.id,
                attributes=tuple(attributes),
                nodes=tuple(nodes),
                immediate=self._functions == 0,
                annotation=self._annotation,
                imported=imported,
            )
        )

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: Function) -> None:
        self._visit_all(node.decorator_list)
        self._arguments(node.args)
        self._annotated(node.returns)
        self._enter(node.body, _argument_names(node.args), is_class=False)
        self._functions += 1
        self._visit_all(node.body)
        self._functions -= 1
        self._scopes.pop()

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._arguments(node.args)
        self._push(_Scope(_argument_names(node.args)))
        self.visit(node.body)
        self._scopes.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all(node.decorator_list)
        self._visit_all(node.bases)
        self._visit_all(node.keywords)
        self._enter(node.body, set(), is_class=True)
        self._visit_all(node.body)
        self._scopes.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._annotated(node.annotation)
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, _COMPREHENSIONS):
            targets = [part.target for part in node.generators]
            self._push(_Scope({name for target in targets for name in _stored(target)}))
            super().generic_visit(node)
            self._scopes.pop()
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            if self._scopes and self._is_bundled(node):
                self.dropped.append(node)
        else:
            super().generic_visit(node)

    def _arguments(self, args: ast.arguments) -> None:
        self._visit_all([*args.defaults, *(item for item in args.kw_defaults if item)])
        several = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        for item in several:
            if item is not None:
                self._annotated(item.annotation)

    def _annotated(self, annotation: ast.expr | None) -> None:
        if annotation is None:
            return
        before, self._annotation = self._annotation, annotation
        self.visit(annotation)
        self._annotation = before

    def _enter(self, body: list[ast.stmt], arguments: set[str], is_class: bool) -> None:
        scope = _Scope(set(arguments), is_class)
        released: set[str] = set()
        for node in _own_nodes(body):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = imported_names(node, self.package)
                if self._is_bundled(node):
                    scope.imports |= names
                else:
                    scope.bound |= set(names)
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                released |= set(node.names)
            else:
                scope.bound |= set(_bound_by(node))
        scope.bound -= released
        self._push(scope)

    def _push(self, scope: _Scope) -> None:
        self.bound |= scope.bound
        self._scopes.append(scope)

    def _is_bundled(self, node: ast.Import | ast.ImportFrom) -> bool:
        return all(self.bundled(it.module) for it in imported_names(node, self.package).values())

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


def _own_nodes(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Every node of a scope, without what belongs to the scopes inside it."""
    for node in body:
        yield node
        if isinstance(node, _COMPREHENSIONS):
            # Of all that stands in a comprehension only `:=` binds outside of it.
            for inner in ast.walk(node):
                if isinstance(inner, ast.NamedExpr):
                    yield inner.target
        elif not isinstance(node, _SCOPES):
            yield from _own_nodes(ast.iter_child_nodes(node))


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or (
        isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name
    ):
        yield str(node.name)
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _stored(target: ast.AST) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id


def _argument_names(args: ast.arguments) -> set[str]:
    several = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return {item.arg for item in several if item is not None}
