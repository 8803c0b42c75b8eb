"""What goes to the terminal: data to stdout, talk to stderr, colour only where it is welcome.

A table is aligned on a terminal and tab-separated in a pipe, where nothing is cut off, rounded or
decorated: what follows a pipe is a program.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def talk(text: str) -> None:
    """One or more lines for a person."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """A line that a person should not miss."""
    talk(f"{bold('warning', err=True)}: {text}")


def emit_json(verb: str, data: Mapping[str, Any], version: int = 1) -> None:
    """One object on stdout, its schema first. NaN and infinities have no JSON: they are errors."""
    document = {"schema": f"itnet-nas/{verb}/v{version}", **data}
    click.echo(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False))


def emit_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Aligned on a terminal, else TSV with a header."""
    if is_terminal():
        click.echo(aligned(columns, rows))
        return
    for row in [columns, *rows]:
        click.echo("\t".join(_exact(cell) for cell in row))


def aligned(columns: Sequence[str], rows: Sequence[Sequence[Any]], indent: str = "") -> str:
    """A table for people: numbers to the right, the last column not padded."""
    body = [[short(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(columns), *body]) for i in range(len(columns))]
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(columns))
    ]
    lines = []
    for number, line in enumerate([list(columns), *body]):
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        text = indent + "  ".join(cells).rstrip()
        lines.append(bold(text) if number == 0 else text)
    return "\n".join(lines)


def short(value: Any) -> str:
    """A figure in four digits, a large one with its SI prefix; None as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) and abs(value) < 10_000:
        return str(value)
    if not math.isfinite(value):
        return str(value)
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= max(factor, 10_000):
            return f"{value / factor:.4g} {prefix}"
    return f"{value:.4g}"


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def bold(text: str, err: bool = False) -> str:
    """Bold where the stream is a terminal and nobody said NO_COLOR."""
    stream = sys.stderr if err else sys.stdout
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return click.style(text, bold=True)


def is_terminal() -> bool:
    """Whether stdout is looked at by a person."""
    return sys.stdout.isatty()


def terminal_width(err: bool = False) -> int:
    """Columns of the terminal; 100 where there is none."""
    stream = sys.stderr if err else sys.stdout
    if not stream.isatty():
        return 100
    return shutil.get_terminal_size((100, 24)).columns


def _exact(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return repr(cell)
    return str(cell).replace("\t", " ").replace("\n", " ")
