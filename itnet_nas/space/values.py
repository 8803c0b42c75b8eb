"""Plain values of a file: how a path to one is written, how one is shown, which are the same."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from itnet_nas.errors import did_you_mean

ValuePath = tuple[str | int, ...]
Place = tuple[int, int]  # line and column, from 1

_PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")


def path_text(path: ValuePath) -> str:
    """`layers[0].kernels.conv.radius[1]`; a key that is no plain word stands in brackets."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.match(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def show(value: Any) -> str:
    """A value as a file would say it, cut to 60 characters."""
    if value is None:
        return "nothing"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def listed(words: Mapping[str, Any] | list[str] | tuple[str, ...]) -> str:
    """`a, b, c`, or `none`."""
    return ", ".join(words) or "none"


def choose(word: str, label: str, words: Iterable[str]) -> str:
    """What to write in place of a word that is not known: `did you mean "conv"? installed: …`."""
    known = list(words)
    hint = did_you_mean(word, known)
    return f"{hint + ' ' if hint else ''}{label} {listed(known)}"


def plain(value: Any) -> Any:
    """A copy with tuples as lists, as a file would have them."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def canonical(value: Any) -> str:
    """Equal exactly when two values are the same JSON; 1, 1.0 and true are three values."""
    return json.dumps(value, sort_keys=True, default=str)


def not_finite(value: Any, path: ValuePath = ()) -> Iterator[tuple[ValuePath, float]]:
    """Every infinite or undefined number inside plain data, with its path."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from not_finite(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from not_finite(inner, (*path, index))


def changed_kind(given: Any, read: Any, path: ValuePath = ()) -> Iterator[tuple[ValuePath, Any]]:
    """Where validation quietly made a value of another kind: "3" a number, 1 or "yes" a boolean.

    `read` is what was understood, as JSON. Yields the path, and what was understood there.
    """
    if isinstance(given, Mapping) and isinstance(read, Mapping):
        for key, inner in given.items():
            if key in read:
                yield from changed_kind(inner, read[key], (*path, key))
    elif isinstance(given, list | tuple) and isinstance(read, list | tuple):
        for index, (inner, other) in enumerate(zip(given, read, strict=False)):
            yield from changed_kind(inner, other, (*path, index))
    elif _kind(given) != _kind(read):
        yield path, read


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    # Lists, mappings and null may rightly stand for something else; only words may not.
    return "text" if isinstance(value, str) else "other"
