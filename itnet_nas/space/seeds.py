"""Where a search says that its first trials come from: is there a run at all?

What that run holds is looked at when the search begins.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itnet_nas.space.findings import Findings
    from itnet_nas.space.parse import Part
    from itnet_nas.space.spec import SpaceSpec
    from itnet_nas.space.values import ValuePath

FROM: ValuePath = ("search", "seeds", "from")


def check_seeds(top: Part[SpaceSpec], findings: Findings) -> None:
    """The folder must hold a run."""
    seeds = top.spec.search.seeds if top.whole("search") else None
    missing = no_run(Path(seeds.source)) if seeds is not None else None
    if missing is not None:
        findings.add(FROM, *missing)


def no_run(folder: Path) -> tuple[str, str] | None:
    """That there is no run in a folder, and what to do; None where there is one."""
    if (folder / "run.sqlite").exists():
        return None
    return (
        f'there is no run in "{folder}": it has no run.sqlite',
        f"name the folder of a run, as seen from {Path.cwd()}, or leave search.seeds out",
    )
