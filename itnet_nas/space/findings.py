"""What is found wrong with a source on the way through all checks, each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from itnet_nas.errors import Problem, SpaceError

if TYPE_CHECKING:
    from itnet_nas.space.source import Source
    from itnet_nas.space.values import ValuePath


@final
class Findings:
    """Collects problems, so that one call tells its user all of them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = list(source.problems)

    def add(
        self, path: ValuePath, message: str, remedy: str = "", *, key: bool = False, offset: int = 0
    ) -> None:
        """A problem with the value at `path`, or with its key; `offset` characters into it."""
        line, column = self.source.place(path, key=key)
        if offset and line is not None and column is not None:
            column += offset + self._quote(line, column)
        problem = Problem(self.source.path_text(path), message, remedy, line, column)
        if problem not in self.problems:
            self.problems.append(problem)

    def _quote(self, line: int, column: int) -> int:
        lines = self.source.text.split("\n")
        inside = lines[line - 1][column - 1 : column] if line <= len(lines) else ""
        return 1 if inside and inside in "'\"" else 0

    def raise_if_any(self) -> None:
        """Raise SpaceError with everything found."""
        if self.problems:
            raise SpaceError(self.source.name, self.problems)
