"""`docs/bias.md`: what the probe reads of layers whose bias is known.

`pytest tests/test_bias_page.py --write-docs` measures every layer and writes the page. The words
above the tables are `probe_page.md`. Otherwise the page is compared with its figures left out, and
a few layers are read again.

Shapes  B examples, N positions, D channels, A coordinates
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from support.probe_layers import WIDTH, Layer, drawn
from support.probe_rows import TABLES, layers
from torch import Tensor

from itnet_nas.nn.probe import FULL, Reading, probe_operator
from itnet_nas.results.measured import Estimate, Scores

INTRODUCTION = Path(__file__).with_name("probe_page.md")
# A state of 0 is to be told from one of 0.02, so more rows are read for it than a trial would pay.
BUDGET = replace(FULL, memory_rows=48)
SETTINGS = (
    f"{BUDGET.inputs} inputs, {BUDGET.positions} positions, {BUDGET.channels} channels, and "
    f"{BUDGET.memory_rows} cotangents at each of {BUDGET.memory_cuts} cuts"
)
COLUMNS = {
    "self_share": "self",
    "extent": "extent",
    "r90": "r90",
    "causality": "causality",
    "sharing": "sharing",
    "content": "content",
    "pattern": "pattern",
    "routing": "routing",
    "state": "state",
    "horizon": "horizon",
    "beyond_pairwise": "beyond",
}
MOVES = {"sequence": "1 · 3 · 7", "grid": "0,1 · 3,0 · 0,3", "points": "move · turn"}
FIGURE = re.compile(r"(?<=\| )[–+−.·\d ]*[–\d](?= \|)")


def read(layer: Layer, seed: int = 0) -> Reading:
    """Probe a layer on white noise; points stand at random in a square."""
    u_BND = drawn(BUDGET.inputs, layer.domain.length, WIDTH, seed=seed + 100)
    return probe_operator(
        layer.make(),
        u_BND,
        None,
        _places(layer, seed),
        domain=layer.domain,
        budget=BUDGET,
        seed=seed,
    )


def _places(layer: Layer, seed: int) -> Tensor | None:
    if not layer.domain.coordinates:
        return None
    shape = (BUDGET.inputs, layer.domain.length, layer.domain.coordinates)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def bias_page(measure: Callable[[Layer], Reading | None] = read) -> str:
    """The page. `measure` may leave the layers unmeasured, by None."""
    found = {str(layer): measure(layer) for layer in layers()}
    parts = [INTRODUCTION.read_text(encoding="utf-8").replace("SETTINGS", SETTINGS).rstrip()]
    for domain in TABLES:
        here = [layer for layer in layers() if layer.domain == domain]
        parts.append(f"### {_title(here[0])}")
        moves = "swap" if domain.kind == "points" and not domain.coordinates else MOVES[domain.kind]
        head = ["layer", *COLUMNS.values(), f"sharing at {moves}"]
        parts.append(_table(head, [_cells(layer, found[str(layer)]) for layer in here]))
    parts.append("### How wide the intervals are")
    parts.append(
        "Half of the width of the 95 % interval, over all layers above that have the score."
    )
    parts.append(_widths([reading.scores for reading in found.values() if reading is not None]))
    return "\n\n".join(parts) + "\n"


def figures(page: str, layer: Layer) -> list[float | None]:
    """The cells of a layer but for those of the moves; None where a score is not there."""
    title = f"### {_title(layer)}\n"
    (line,) = (
        line
        for line in page.split(title)[1].split("###")[0].splitlines()
        if line.startswith(f"| {layer.name} |")
    )
    cells = [cell.strip() for cell in line.strip("| ").split(" | ")][1:-1]
    return [None if cell == "–" else float(cell.replace("−", "-")) for cell in cells]


def without_figures(page: str) -> str:
    """The page with every cell that is a figure, or figures, blotted out."""
    return FIGURE.sub("·", page)


def _title(layer: Layer) -> str:
    domain = str(layer.domain)
    return f"{domain[0].upper()}{domain[1:]}, {WIDTH} channels"


def _cells(layer: Layer, reading: Reading | None) -> list[str]:
    scores = None if reading is None else reading.scores
    shown = [_figure(name, None if scores is None else getattr(scores, name)) for name in COLUMNS]
    by_move = [] if scores is None else list(scores.sharing_by_shift.values())
    return [layer.name, *shown, " · ".join(f"{one.value:.2f}" for one in by_move) or "–"]


def _figure(name: str, one: Estimate | None) -> str:
    if one is None:
        return "–"
    if name == "causality":
        return f"{one.value:+.2f}".replace("-", "−")
    return f"{one.value:.{ {'r90': 0, 'horizon': 1}.get(name, 2) }f}"


def _widths(found: list[Scores]) -> str:
    names = [name for name in COLUMNS if name not in ("r90", "horizon")]
    halves = {
        name: [(one.high - one.low) / 2 for scores in found if (one := getattr(scores, name))]
        for name in names
    }
    cells = [
        ["median", *(f"{median(halves[name]):.2f}" if halves[name] else "–" for name in names)],
        ["largest", *(f"{max(halves[name]):.2f}" if halves[name] else "–" for name in names)],
    ]
    return _table(["half-width", *(COLUMNS[name] for name in names)], cells)


def _table(head: list[str], cells: list[list[str]]) -> str:
    """Markdown; all columns but the first are set to the right."""
    rule = ["---", *("--:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *cells])
