"""Constraints on cost figures: `params <= 1e6`, `flops / params < 100`.

Grammar   constraint := sum (<= | < | >= | >) sum
          sum        := product ((+ | -) product)*
          product    := factor ((* | /) factor)*
          factor     := number | name | (+ | -) factor | "(" sum ")"

Names     flops, params, state_bytes, depth (layers on the longest way) are computed beforehand;
          latency_ms, memory_mb, train_seconds are measured when a trial ends.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import final

from itnet_nas.space.space import COMPUTED_COSTS, MEASURED_COSTS
from itnet_nas.space.values import choose

COMPUTED = (*COMPUTED_COSTS, "depth")
NAMES = (*COMPUTED, *MEASURED_COSTS)

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![A-Za-z0-9_.])"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign><=|>=|==|!=|[-+*/()<>=])"
    r"|(?P<end>$)|(?P<other>\S))"
)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}
_DEEPEST = 50

Term = Callable[[Mapping[str, float]], float]


class ConstraintError(ValueError):
    """A constraint that cannot be read. `column` counts from 0 within its text."""

    def __init__(self, message: str, remedy: str, column: int) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.column = column


@final
@dataclass(frozen=True)
class Constraint:
    """A condition on the figures of an architecture."""

    text: str
    names: tuple[str, ...]
    _left: Term
    _right: Term
    _sign: str

    @classmethod
    def parse(cls, text: str, names: Collection[str] = NAMES) -> Constraint:
        """Read a constraint on these figures.

        Raises ConstraintError with the column of the first thing wrong.
        """
        return _Parser(text, names).constraint()

    @cached_property
    def computed(self) -> bool:
        """Whether it can be checked before anything is trained."""
        return all(name in COMPUTED for name in self.names)

    def holds(self, figures: Mapping[str, float]) -> bool:
        """Whether the figures meet it. A division by zero does not; KeyError for one left out."""
        try:
            left, right = self._left(figures), self._right(figures)
        except (ZeroDivisionError, OverflowError):
            return False
        return _COMPARE[self._sign](left, right)

    def __str__(self) -> str:
        return self.text


class _Parser:
    """Recursive descent, one function per rule of the grammar."""

    def __init__(self, text: str, known: Collection[str]) -> None:
        self.text = text
        self.known = known
        self.noun = "cost" if known is NAMES else "figure"
        self.at = 0
        self.depth = 0
        self.names: dict[str, None] = {}
        self._advance()

    def _advance(self) -> None:
        match = _TOKEN.match(self.text, self.at)
        assert match is not None  # every character is some token
        self.kind = match.lastgroup or "end"
        self.word = match[self.kind]
        self.column = match.start(self.kind)
        self.at = match.end()

    def constraint(self) -> Constraint:
        left = self._sum()
        sign = self.word
        if sign not in _COMPARE:
            remedy = "write <=, <, >= or > between two sides, such as flops <= 50e6"
            if sign in ("=", "==", "!="):
                raise ConstraintError(
                    f"{sign} compares nothing that is searched", remedy, self.column
                )
            raise self._unexpected("<=, <, >= or >", remedy)
        self._advance()
        right = self._sum()
        if self.kind != "end":
            raise self._unexpected("the end", "a constraint compares two sides once")
        if not self.names:
            raise ConstraintError(
                "no figure is named", f"the figures are {', '.join(self.known)}", 0
            )
        return Constraint(self.text, tuple(self.names), left, right, sign)

    def _sum(self) -> Term:
        term = self._product()
        while self.word in ("+", "-"):
            act = operator.add if self.word == "+" else operator.sub
            self._advance()
            term = _joined(act, term, self._product())
        return term

    def _product(self) -> Term:
        term = self._factor()
        while self.word in ("*", "/"):
            act = operator.mul if self.word == "*" else operator.truediv
            self._advance()
            term = _joined(act, term, self._factor())
        return term

    def _factor(self) -> Term:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ConstraintError("nested too deeply", "write a shorter constraint", self.column)
        term = self._inner_factor()
        self.depth -= 1
        return term

    def _inner_factor(self) -> Term:
        kind, word, column = self.kind, self.word, self.column
        if kind == "number":
            number = float(word)
            if not math.isfinite(number):
                raise ConstraintError(f"{word} is too large", "write a smaller number", column)
            self._advance()
            return lambda figures: number
        if kind == "name":
            if word not in self.known:
                raise ConstraintError(
                    f'no {self.noun} is called "{word}"',
                    choose(word, "the figures are", self.known),
                    column,
                )
            self.names[word] = None
            self._advance()
            return lambda figures: figures[word]
        if word in ("+", "-"):
            self._advance()
            inner = self._factor()
            return (lambda figures: -inner(figures)) if word == "-" else inner
        if word == "(":
            self._advance()
            inside = self._sum()
            if self.word != ")":
                raise self._unexpected(")", f"the bracket at character {column + 1} is left open")
            self._advance()
            return inside
        raise self._unexpected(f"a number or the name of a {self.noun}", "such as flops <= 50e6")

    def _unexpected(self, wanted: str, remedy: str) -> ConstraintError:
        # A number that runs into letters (50e6x) ends up as its first character alone.
        found = "the end" if self.kind == "end" else self.text[self.column :].split()[0]
        return ConstraintError(f"expected {wanted}, found {found}", remedy, self.column)


def _joined(act: Callable[[float, float], float], left: Term, right: Term) -> Term:
    return lambda figures: act(left(figures), right(figures))
