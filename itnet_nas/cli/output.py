"""What goes to the terminal: data to stdout, talk to stderr, colour only where it is welcome.

A table is aligned on a terminal and tab-separated in a pipe, where nothing is cut off, rounded or
decorated: what follows a pipe is a program.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from itnet_nas.analysis.numbers import column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itnet_nas.analysis.confirmed import Confirmation
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


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
    """A table for people: numbers rounded and to the right, the last column not padded."""
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float | None) for row in rows)
        for i in range(len(columns))
    ]
    texts = [
        _for_people([row[i] for row in rows], right) for i, right in enumerate(numeric)
    ]  # by column
    widths = [max(map(len, [name, *cells])) for name, cells in zip(columns, texts, strict=True)]
    lines = []
    for number, line in enumerate([list(columns), *zip(*texts, strict=True)]):
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        text = indent + "  ".join(cells).rstrip()
        lines.append(bold(text) if number == 0 else text)
    return "\n".join(lines)


def _for_people(cells: Sequence[Any], numeric: bool) -> list[str]:
    """One column as text; None as a dash."""
    if not numeric:
        return ["–" if cell is None else str(cell) for cell in cells]
    figures = iter(column([cell for cell in cells if cell is not None]))
    return ["–" if cell is None else next(figures) for cell in cells]


def colour_wanted(terminal: bool, environment: Mapping[str, str] = os.environ) -> bool:
    """NO_COLOR (not empty) forbids, FORCE_COLOR asks, else a terminal gets colour."""
    if environment.get("NO_COLOR"):
        return False
    return bool(environment.get("FORCE_COLOR")) or terminal


def emit_trials(
    space: Space, records: Sequence[TrialRecord], confirmation: Confirmation | None = None
) -> None:
    """Trials with their layers: in colour on a terminal, else TSV with exact figures."""
    from itnet_nas.analysis.terminal import trial_rows, trial_table

    if not is_terminal():
        emit_table(*trial_rows(space, records, confirmation))
        return
    text = trial_table(space, records, confirmation, **look())
    click.echo(text, nl=False, color=colour_wanted(True))


def look() -> dict[str, Any]:
    """What the terminal at stdout can show: width, color, unicode."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return {
        "width": terminal_width(),
        "color": colour_wanted(is_terminal()),
        "unicode": encoding.startswith("utf"),
    }


def command(*words: object) -> str:
    """A command line as a person can paste it: `itnet-nas resume 'my run'`."""
    return shlex.join(["itnet-nas", *map(str, words)])


def bold(text: str, err: bool = False) -> str:
    """Bold where colour is wanted."""
    stream = sys.stderr if err else sys.stdout
    return click.style(text, bold=True) if colour_wanted(stream.isatty()) else text


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
