"""Where a search says that its first trials come from: is there a run at all, and what is named?

What a run holds is looked at when the search begins.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from itnet_nas.space.named_seeds import named_choices_of
from itnet_nas.space.spec import SeedsSpec

if TYPE_CHECKING:
    from itnet_nas.space.findings import Findings
    from itnet_nas.space.parse import Part
    from itnet_nas.space.space import Space
    from itnet_nas.space.spec import SpaceSpec
    from itnet_nas.space.values import ValuePath

FROM: ValuePath = ("search", "seeds", "from")
WARM_START: ValuePath = ("search", "warm_start")


def check_seeds(top: Part[SpaceSpec], findings: Findings) -> None:
    """Every folder that is named must hold a run."""
    if not top.whole("search"):
        return
    search = top.spec.search
    named = []
    if isinstance(search.seeds, SeedsSpec):
        named.append((FROM, search.seeds.source, "search.seeds"))
    if search.warm_start is not None:
        named.append((WARM_START, search.warm_start, "search.warm_start"))
    for path, folder, setting in named:
        missing = no_run(Path(folder), setting)
        if missing is not None:
            findings.add(path, *missing)


def check_named_seeds(space: Space, findings: Findings) -> None:
    """Every architecture that is named must be one of the space. Raises SpaceError."""
    named_choices_of(space, findings)
    findings.raise_if_any()


def no_run(folder: Path, setting: str = "search.seeds") -> tuple[str, str] | None:
    """That there is no run in a folder, and what to do; None where there is one."""
    if (folder / "run.sqlite").exists():
        return None
    return (
        f'there is no run in "{folder}": it has no run.sqlite',
        f"name the folder of a run, as seen from {Path.cwd()}, or leave {setting} out",
    )
