"""Trials and layers of a run as text for a person. Pure functions of their arguments.

How wide the terminal is, and whether it takes colour and Unicode, is for the caller to say. Without
colour every fact still stands in words. `trial_rows` is the same for a program: nothing rounded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from itnet_nas.analysis.bias_table import bias_table, member
from itnet_nas.analysis.confirmed_words import cells, columns
from itnet_nas.analysis.numbers import column, short
from itnet_nas.analysis.palette import palette

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itnet_nas.analysis.bias_table import Kernel
    from itnet_nas.analysis.confirmed import Confirmation
    from itnet_nas.analysis.palette import Colour
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

RESET = "\x1b[0m"
# Dots of a braille cell, bit by column and row: U+2800 plus the sum of those that are set.
BRAILLE = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
ROWS = 14


def trial_rows(
    space: Space, records: Sequence[TrialRecord], confirmation: Confirmation | None = None
) -> tuple[list[str], list[list[int | float | str | None]]]:
    """Columns and rows: trial, objectives, one column per layer; None for what is not there.

    With a confirmation, its exact figures come after the objectives.
    """
    extra, beside = columns(confirmation) if confirmation is not None else ([], {})
    nothing = [None] * len(extra)
    rows = [member(space, record).kernels for record in records]
    layers = _layers(space, rows)
    names = [objective.name for objective in space.objectives]
    body = [
        [
            record.number,
            *(record.objectives.get(name) for name in names),
            *beside.get(record.number, nothing),
            *(_label(kernels.get(layer)) for layer in layers),
        ]
        for record, kernels in zip(records, rows, strict=True)
    ]
    return ["trial", *names, *extra, *layers], body


def trial_table(
    space: Space,
    records: Sequence[TrialRecord],
    confirmation: Confirmation | None = None,
    *,
    width: int = 100,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """Trials in the order given: number, state unless all are complete, objectives, layers.

    With a confirmation, what fresh seeds gave stands after the objectives.

    Where the table is wider than `width`, the layers of each trial go on lines of their own.
    """
    absent = "–" if unicode else "-"
    colours = palette(space, records) if color else {}
    kernels = [member(space, record).kernels for record in records]
    layers = _layers(space, kernels)
    head, shown = ["trial"], [[str(record.number) for record in records]]
    if not all(record.complete for record in records):
        head.append("state")
        shown.append([str(record.state) for record in records])
    for name in (objective.name for objective in space.objectives):
        texts = iter(column([r.objectives[name] for r in records if name in r.objectives]))
        head.append(name)
        shown.append([next(texts) if name in r.objectives else absent for r in records])
    extra, beside = cells(confirmation, absent) if confirmation is not None else ([], {})
    for place, name in enumerate(extra):
        head.append(name)
        texts_of = (beside.get(record.number) for record in records)
        shown.append([absent if row is None else row[place] for row in texts_of])
    figures = len(head)
    head += layers
    shown += [[_label(row.get(name)) or absent for row in kernels] for name in layers]
    widths = [max(map(len, [name, *texts])) for name, texts in zip(head, shown, strict=True)]
    rows = [list(row) for row in zip(*shown, strict=True)]
    families = [
        ["" if (k := row.get(name)) is None else k.family for name in layers] for row in kernels
    ]
    if sum(widths) + 2 * (len(widths) - 1) <= width:
        lines = [_aligned(head, widths, figures, [], {})]
        lines += [
            _aligned(row, widths, figures, kinds, colours)
            for row, kinds in zip(rows, families, strict=True)
        ]
        return _joined(lines)
    lines = [_aligned(head[:figures], widths[:figures], figures, [], {})]
    longest = max(map(len, layers))
    for row, kinds in zip(rows, families, strict=True):
        lines.append(_aligned(row[:figures], widths[:figures], figures, [], {}))
        lines += [
            f"    {name.ljust(longest)}  {_painted(cell, family, colours)}"
            for name, cell, family in zip(layers, row[figures:], kinds, strict=True)
        ]
    return _joined(lines)


def layer_table(
    space: Space,
    records: Sequence[TrialRecord],
    *,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """Per layer and family: its share of the best trials and of the front, beside chance."""
    table = bias_table(space, records)
    colours = palette(space, records) if color else {}
    head = ["layer", "family", f"best {table.best}", "front", "chance", "complete", "failed"]
    rows, families = [], []
    for layer in table.layers:
        for place, share in enumerate(layer.shares):
            rows.append(
                [
                    "" if place else layer.layer,
                    share.family,
                    _percent(share.in_best, unicode),
                    _percent(share.on_front, unicode),
                    _percent(share.chance, unicode),
                    str(share.complete) if share.complete else "not tested",
                    str(share.failed),
                ]
            )
            families.append(share.family)
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row, family in zip([head, *rows], ["", *families], strict=True):
        cells = [row[0].ljust(widths[0]), _painted(row[1].ljust(widths[1]), family, colours)]
        cells += [cell.rjust(wide) for cell, wide in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join(cells))
    return _joined(lines)


def scatter(
    space: Space,
    records: Sequence[TrialRecord],
    front: Sequence[TrialRecord],
    *,
    width: int = 80,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """Quality against the first cost, at most 20 lines; empty without a front.

    Dominated trials are braille dots (without Unicode, full stops), members of the front stand out
    as "o". Cut to the range of the front.
    """
    if not front:
        return ""
    quality, cost = space.objectives[0].name, space.objectives[1].name
    y = _limits([record.objectives[quality] for record in front], log=False)
    x = _limits([record.objectives[cost] for record in front], log=True)
    top, bottom = short(y[1], 3), short(y[0], 3)
    edge = max(len(top), len(bottom))
    columns = max(10, min(width, 100) - edge - 3)
    marks = [[0] * columns for _ in range(ROWS)]
    numbers = {record.number for record in front}
    for record in records:
        if record.complete and record.number not in numbers:
            place = _place(record.objectives[cost], record.objectives[quality], x, y)
            if place is not None:
                column, row = int(place[0] * columns * 2), int(place[1] * ROWS * 4)
                column, row = min(column, columns * 2 - 1), min(row, ROWS * 4 - 1)
                marks[row // 4][column // 2] |= BRAILLE[column % 2][row % 4]
    cells = [[_mark(bits, unicode) for bits in row] for row in marks]
    for record in front:
        place = _place(record.objectives[cost], record.objectives[quality], x, y)
        if place is not None:
            row = min(int(place[1] * ROWS), ROWS - 1)
            column = min(int(place[0] * columns), columns - 1)
            cells[row][column] = "\x1b[1;36mo" + RESET if color else "o"
    bar, corner, floor = ("│", "└", "─") if unicode else ("|", "+", "-")
    lines = [quality]
    for number, row_cells in enumerate(cells):
        label = top if number == 0 else bottom if number == ROWS - 1 else ""
        lines.append(f"{label.rjust(edge)} {bar}{''.join(row_cells)}".rstrip())
    lines.append(f"{' ' * edge} {corner}{floor * columns}")
    low, high = short(x[0], 3), short(x[1], 3)
    middle = f"{cost} (log)" if x[0] > 0 else cost
    room = max(2, columns - len(low) - len(high))
    lines.append(f"{' ' * edge}  {low}{middle.center(room)}{high}")
    lines.append(f"o on the front, {'⠂' if unicode else '.'} dominated")
    return _joined(lines)


def _layers(space: Space, rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Of the space, then those that only records have: the space may have changed since."""
    return list(
        dict.fromkeys([*(layer.name for layer in space.layers), *(n for r in rows for n in r)])
    )


def _label(kernel: Kernel | None) -> str | None:
    return None if kernel is None else kernel.label


def _aligned(
    row: Sequence[str],
    widths: Sequence[int],
    figures: int,
    families: Sequence[str],
    colours: Mapping[str, Colour],
) -> str:
    cells = [
        cell.rjust(wide) if place < figures else cell.ljust(wide)
        for place, (cell, wide) in enumerate(zip(row, widths, strict=True))
    ]
    if not colours:
        return "  ".join(cells).rstrip()
    painted = [
        _painted(cell, family, colours)
        for cell, family in zip(cells[figures:], families, strict=True)
    ]
    return "  ".join([*cells[:figures], *painted])


def _painted(text: str, family: str, colours: Mapping[str, Colour]) -> str:
    if family not in colours:
        return text
    colour = colours[family]
    ink = 15 if colour.text == "#FFFFFF" else 16
    return f"\x1b[48;5;{colour.ansi};38;5;{ink}m{text}{RESET}"


def _percent(share: float | None, unicode: bool) -> str:
    if share is None:
        return "–" if unicode else "-"
    return f"{100 * share:.0f} %"


def _limits(values: Sequence[float], *, log: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    if log and low > 0:
        factor = (high / low) ** 0.05 if high > low else 1.5
        return low / factor, high * factor
    pad = 0.05 * (high - low) or abs(high) * 0.1 or 0.1
    return low - pad, high + pad


def _place(
    cost: float, quality: float, x: tuple[float, float], y: tuple[float, float]
) -> tuple[float, float] | None:
    """Where a trial lies: (0, 0) is top left, (1, 1) bottom right; None when it is outside."""
    if not (x[0] <= cost <= x[1] and y[0] <= quality <= y[1]):
        return None
    down = (y[1] - quality) / (y[1] - y[0])
    if x[0] > 0:
        return math.log(cost / x[0]) / math.log(x[1] / x[0]), down
    return (cost - x[0]) / (x[1] - x[0]), down


def _mark(bits: int, unicode: bool) -> str:
    if not bits:
        return " "
    return chr(0x2800 + bits) if unicode else "."


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(line.rstrip() for line in lines) + "\n"
