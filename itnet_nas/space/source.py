"""The text of a search-space file, with line and column of every value and key.

The text is YAML 1.2 in meaning, JSON included:

    true, false           the only booleans; yes, no, on, off are words
    1e-3, 1e6, 010, 0o10  numbers (0.001, 1000000.0, 10, 8); 12:30 is a word
    null, ~, nothing      null
    a key given twice     an error that names both lines
    &anchor, *alias       the aliased value, as if written again; its place is where it is anchored
    <<: *alias            a merge, as YAML 1.1 has it: keys written beside it win
    !tag                  an error: a file is data, never code

A text that cannot be read at all raises SpaceError. Whatever leaves the rest readable (a duplicate
key, a tag) is kept in `problems`, so that it is reported together with everything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import yaml

from itnet_nas.errors import Problem, SpaceError
from itnet_nas.space.values import path_text
from itnet_nas.space.yaml12 import Build, Loader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itnet_nas.space.values import Place, ValuePath


_NO_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")  # JSON allows them in strings


@final
@dataclass(frozen=True)
class Source:
    """A text and what it says.

    `data` is plain Python: dicts with text keys, lists, texts, numbers, booleans, None. `places`
    and `keys` give (line, column), from 1, of values and of keys by path; both are empty for data
    that came from Python. `called` says what a path is called where the data was written in another
    form: a layer that came from a graph is `nodes["mix1"]` to its author, not `layers[0]`.
    """

    name: str
    text: str
    data: Any
    places: Mapping[ValuePath, Place] = field(default_factory=dict)
    keys: Mapping[ValuePath, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    called: Mapping[ValuePath, str] = field(default_factory=dict)

    def path_text(self, path: ValuePath) -> str:
        """The path as the author of the text would write it."""
        for length in range(len(path), 0, -1):
            known = self.called.get(path[:length])
            if known is not None:
                rest = path_text(path[length:])
                return known + ("." if rest and not rest.startswith("[") else "") + rest
        return path_text(path)

    def place(self, path: ValuePath, *, key: bool = False) -> tuple[int | None, int | None]:
        """Where the value (or its key) stands; for what is not there, where its parent stands."""
        if not self.places:
            return None, None
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))


def from_data(data: Any, name: str) -> Source:
    """Plain Python data as a source without places."""
    return Source(name=name, text="", data=data)


def read(path: str | Path) -> Source:
    """Read a file. Raises SpaceError when it is not there, no text, or not YAML."""
    path = Path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise _unreadable(
            path, "there is no such file", f"the folder of the command is {Path.cwd()}"
        ) from None
    except IsADirectoryError:
        raise _unreadable(
            path, "this is a folder, not a file", "name a .yaml or .json file in it"
        ) from None
    except OSError as error:
        raise _unreadable(
            path, f"the file cannot be read: {error.strerror}", "see to its permissions"
        ) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        raise SpaceError(
            str(path),
            [
                Problem(
                    "",
                    f"the text is not UTF-8: byte 0x{raw[error.start]:02x} has no meaning here",
                    "save the file as UTF-8",
                    line,
                    column,
                )
            ],
        ) from None
    return parse_text(text, str(path))


def parse_text(text: str, name: str) -> Source:
    """Read YAML or JSON text. Raises SpaceError with line and column where it is neither."""
    if name.endswith(".json"):
        text = _json_for_yaml(text)
    try:
        root = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        raise SpaceError(name, [_syntax(error, text)]) from None
    except yaml.reader.ReaderError as error:
        raise SpaceError(
            name, [Problem("", f"not text that YAML allows: {error.reason}", "remove it")]
        ) from None
    except RecursionError:
        raise SpaceError(name, [Problem("", "lists and mappings are nested too deeply")]) from None
    if root is None:
        raise SpaceError(
            name,
            [Problem("", "the file is empty", "`itnet-nas init` writes one to start from")],
        )
    build = Build(name)
    data = build.value(root, (), ())
    return Source(name, text, data, build.places, build.keys, tuple(build.problems))


def _unreadable(path: Path, message: str, remedy: str) -> SpaceError:
    return SpaceError(str(path), [Problem("", message, remedy)])


def _json_for_yaml(text: str) -> str:
    """JSON that YAML reads as well.

    No tabs between tokens, no escaped surrogate pairs, no characters that YAML takes for the end of
    a line or does not allow at all. The places of later values in such a line move a little.
    """

    def character(match: re.Match[str]) -> str:
        high, low = int(match[1], 16), int(match[2], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    # A tab inside a string of JSON is always written \t, so these are all between tokens.
    spaced = text.replace("\t", " ")
    plain = _NO_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", spaced)
    return re.sub(r"\\u([dD][89abAB]\w\w)\\u([dD][c-fC-F]\w\w)", character, plain)


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    what = error.problem or error.context or "it cannot be read"
    if "single document" in (error.context or ""):
        return Problem(
            "",
            "the file holds a second document",
            "a search space is one document: remove the line ---",
            mark.line + 1 if mark else None,
            mark.column + 1 if mark else None,
        )
    remedy = "see to colons, quotes, brackets and indentation here or just above"
    lines = text.split("\n")
    if mark and lines[mark.line : mark.line + 1] and "\t" in lines[mark.line][: mark.column + 1]:
        remedy = "indent with spaces, not with tabs"
    return Problem(
        "",
        f"the text is not YAML: {what}",
        remedy,
        mark.line + 1 if mark else None,
        mark.column + 1 if mark else None,
    )
