"""`itnet-nas check`: whether a space file can be searched, and how large the space is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from itnet_nas.cli.beginning import seed_labels, seed_rows
from itnet_nas.cli.options import common, require_file, space_argument
from itnet_nas.cli.output import command, emit_json, emit_table, talk

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@space_argument
@common
def check(file: Path, as_json: bool) -> None:
    """Say whether a space file can be searched.

    Prints how large the space is and what its members cost. Every problem is reported at once, with
    its line; exit code 1 when there is any.
    """
    from itnet_nas.arch.feasible import require_feasible
    from itnet_nas.cli.size import size_of
    from itnet_nas.space import load_space

    require_file(file)
    notes: list[str] = []
    space = load_space(file, notes=notes)
    require_feasible(space)
    seeds = seed_labels(space, file.read_text(encoding="utf-8-sig"))
    size = size_of(space)
    if as_json:
        emit_json(
            "check",
            {
                "file": str(file),
                "name": space.name,
                "fingerprint": space.fingerprint,
                "layers": len(space.layers),
                **size.as_json(),
                "seeds": seeds,
                "notes": notes,
            },
        )
        return
    domain = space.facts.domain
    rows: list[list[str]] = [
        ["space", space.name],
        ["task", f"{space.task.name}: {domain}"],
        ["layers", f"{len(space.layers)} of width {space.width}"],
        ["objectives", ", ".join(f"{one.name} {one.direction}" for one in space.objectives)],
        *size.rows(),
        *seed_rows(seeds),
    ]
    emit_table(["what", "is"], rows)
    for note in notes:
        talk(f"note: {note}")
    talk(f"{file} can be searched; next: {command('search', file, '--dry-run')}")
