"""YAML 1.2 in meaning: which scalars are numbers or booleans, and nodes as plain values.

PyYAML parses; what words mean is said here, because PyYAML holds to YAML 1.1, where `no` is false,
12:30 is 750 and 1e-3 is text.
"""

from __future__ import annotations

import re
from typing import Any, final

import yaml

from itnet_nas.errors import Problem, SpaceError
from itnet_nas.space.values import Place, ValuePath, path_text

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # PyYAML built without libyaml: the same, twenty times slower
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

MOST_VALUES = 100_000  # aliases of aliases can stand for more values than memory holds
DEEPEST = 100
_MERGE = "<<"
_TAG = "tag:yaml.org,2002:"


class Loader(_Base):
    """Composes nodes; scalars get the tags of the YAML 1.2 core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  the base class declares it so


for _kind, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    (
        "float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+.0123456789"),
    ),
):
    Loader.add_implicit_resolver(_TAG + _kind, re.compile(_pattern), _first)


@final
class Build:
    """Nodes -> plain values, keeping places and collecting problems."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[ValuePath, Place] = {}
        self.keys: dict[ValuePath, Place] = {}
        self.problems: list[Problem] = []
        self.seen = 0

    def value(self, node: yaml.Node, path: ValuePath, above: tuple[int, ...]) -> Any:
        """`above` holds the nodes around this one: an alias to one of them has no end."""
        self.seen += 1
        line, column = self._place(node)
        if self.seen > MOST_VALUES:
            raise SpaceError(
                self.name,
                [
                    Problem(
                        path_text(path),
                        f"the file stands for more than {MOST_VALUES} values",
                        "use fewer aliases",
                        line,
                        column,
                    )
                ],
            )
        if id(node) in above or len(above) > DEEPEST:
            reason = "an alias stands for a value that contains it"
            if id(node) not in above:
                reason = f"lists and mappings are nested more than {DEEPEST} deep"
            raise SpaceError(self.name, [Problem(path_text(path), reason, "", line, column)])
        self.places[path] = (line, column)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        wanted = "map" if isinstance(node, yaml.MappingNode) else "seq"
        if node.tag != _TAG + wanted:
            self._tag(node, path)
        above = (*above, id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i), above) for i, item in enumerate(node.value)]
        return self._mapping(node, path, above)

    def _mapping(self, node: yaml.Node, path: ValuePath, above: tuple[int, ...]) -> dict[str, Any]:
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == _MERGE and not key.style:
                self._merge(value, path, merged, above)
                continue
            name = self._key(key, path)
            if name is None:
                continue
            if name in own:
                first = own[name][0].start_mark.line + 1
                line, column = self._place(key)
                self.problems.append(
                    Problem(
                        path_text((*path, name)),
                        f'the key "{name}" is given twice, at line {first} and at line {line}',
                        "keep one of them",
                        line,
                        column,
                    )
                )
                continue
            own[name] = (key, value)
        found: dict[str, Any] = {}
        for name, (key, value) in {**merged, **own}.items():
            inner = (*path, name)
            self.keys[inner] = self._place(key)
            found[name] = self.value(value, inner, above)
        return found

    def _merge(
        self,
        node: yaml.Node,
        path: ValuePath,
        merged: dict[str, tuple[yaml.Node, yaml.Node]],
        above: tuple[int, ...],
    ) -> None:
        """The first of several merged mappings wins, as in YAML 1.1."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for part in parts:
            line, column = self._place(part)
            if not isinstance(part, yaml.MappingNode) or id(part) in above:
                self.problems.append(
                    Problem(
                        path_text((*path, _MERGE)),
                        "only another mapping can be merged",
                        "write <<: *anchor, with an anchor before a mapping",
                        line,
                        column,
                    )
                )
                continue
            for key, value in part.value:
                if isinstance(key, yaml.ScalarNode) and key.value == _MERGE:
                    self._merge(value, path, merged, (*above, id(part)))
                    continue
                name = self._key(key, path)
                if name is not None:
                    merged.setdefault(name, (key, value))

    def _key(self, key: yaml.Node, path: ValuePath) -> str | None:
        if isinstance(key, yaml.ScalarNode) and key.tag == _TAG + "str":
            return str(key.value)
        shown = f"{key.value}" if isinstance(key, yaml.ScalarNode) else "a list or a mapping"
        line, column = self._place(key)
        remedy = f'write "{shown}": in quotes' if isinstance(key, yaml.ScalarNode) else ""
        self.problems.append(
            Problem(path_text(path), f"a key must be text, got {shown}", remedy, line, column)
        )
        return None

    def _scalar(self, node: yaml.ScalarNode, path: ValuePath) -> Any:
        text = str(node.value)
        kind = node.tag.removeprefix(_TAG)
        try:
            match kind:
                case "str":
                    return text
                case "null":
                    return None
                case "bool":
                    return {"true": True, "false": False}[text.lower()]
                case "int":
                    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
                    return int(text, base)
                case "float":
                    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except (KeyError, ValueError):
            line, column = self._place(node)
            self.problems.append(
                Problem(path_text(path), f"{text[:40]} is no {kind}", "", line, column)
            )
            return text
        self._tag(node, path)
        return text

    def _tag(self, node: yaml.Node, path: ValuePath) -> None:
        line, column = self._place(node)
        tag = node.tag.replace(_TAG, "!!")
        self.problems.append(
            Problem(
                path_text(path),
                f"the tag {tag} has no meaning in a search space",
                "remove it",
                line,
                column,
            )
        )

    @staticmethod
    def _place(node: yaml.Node) -> Place:
        return node.start_mark.line + 1, node.start_mark.column + 1
