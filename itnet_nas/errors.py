"""Everything this package raises on purpose, and the exit code that each becomes.

    ItnetError
    ├── SpaceError          1   a search-space file is wrong; carries every problem found
    ├── InfeasibleError     1   the file is right, but no architecture meets its constraints
    ├── RunError            1   a run's folder cannot be used as asked
    ├── UsageError          2   the request contradicts itself
    ├── PluginError         3
    │   ├── UnknownPlugin   3   no installed package offers that name
    │   ├── DuplicatePlugin 3   two installed packages offer the same name
    │   └── BrokenPlugin    3   the package is installed, but what it offers does not load
    ├── DataUnavailable     3   a task's data is not on this machine; says how to get it
    ├── EnvironmentProblem  3   a worker lacks a package, a device or the memory that was asked for
    └── SearchEnded         4   the search stopped before its budget was spent

`assert` is for our own mistakes; a user never sees an AssertionError.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class ItnetError(Exception):
    """The root. `str(error)` is the whole text that a user sees."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file: where, what, and what to do about it.

    `line` and `column` count from 1; both are None where the value has no place in a text
    (a space that came from Python).
    """

    path: str
    message: str
    remedy: str = ""
    line: int | None = None
    column: int | None = None


class SpaceError(ItnetError):
    """A search-space file cannot be used. Every problem is in it, in the order of the file."""

    shown: ClassVar[int] = 20

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.name = name
        self.problems = tuple(sorted(problems, key=lambda p: (p.line or 0, p.column or 0)))
        super().__init__(self._text())

    def _text(self) -> str:
        count = len(self.problems)
        lines = [f"{self.name}: {count} problem{'s' if count != 1 else ''}"]
        for problem in self.problems[: self.shown]:
            place = self.name
            if problem.line is not None:
                place += f":{problem.line}:{problem.column or 1}"
            lines += ["", f"{place}: {problem.path or 'the file'}", f"  {problem.message}"]
            if problem.remedy:
                lines.append(f"  {problem.remedy}")
        if count > self.shown:
            lines += ["", f"… and {count - self.shown} more"]
        return "\n".join(lines)


class InfeasibleError(ItnetError):
    """No architecture of the space meets its constraints."""


class RunError(ItnetError):
    """A run's folder is missing, taken, locked, or belongs to another space."""


class UsageError(ItnetError):
    """The request contradicts itself or names something that does not exist."""

    exit_code = 2


class PluginError(ItnetError):
    """Something offered under an entry point cannot be used."""

    exit_code = 3


class UnknownPlugin(PluginError):
    """No installed package offers that name."""


class DuplicatePlugin(PluginError):
    """Two installed packages offer the same name."""


class BrokenPlugin(PluginError):
    """The package is installed, but what it offers does not load or breaks its contract."""


class DataUnavailable(ItnetError):
    """A task's data is not on this machine. The text says how to get it."""

    exit_code = 3


class EnvironmentProblem(ItnetError):
    """A worker or this machine lacks what the search needs."""

    exit_code = 3


class SearchEnded(ItnetError):
    """The search stopped before its budget was spent: too many failures, or no more room."""

    exit_code = 4


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "attention"?`, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""
