"""`itnet-nas search --dry-run`: what would be done and what it could cost; nothing is started."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.numbers import count
from itnet_nas.cli.beginning import show_beginning
from itnet_nas.cli.output import emit_json, emit_table, talk, warn
from itnet_nas.cli.settings import too_few, workers_of

if TYPE_CHECKING:
    from pathlib import Path

    from itnet_nas.space.space import Space
    from itnet_nas.space.spec import SearchSpec

SAMPLES = 1_000


def show_plan(
    space: Space, folder: Path, backend: str, as_json: bool, source_text: str = ""
) -> None:
    """The plan as a table, or as one object."""
    from itnet_nas.arch.feasible import require_feasible
    from itnet_nas.cli.size import size_of

    require_feasible(space)
    before, begins_with = show_beginning(space, source_text)
    size = size_of(space)
    share = feasible_share(space)
    workers = workers_of(space.search, backend)
    examples = space.recipe.steps * space.recipe.batch_size
    if as_json:
        emit_json(
            "search",
            {
                "dry_run": True,
                "name": space.name,
                "run": str(folder),
                "exists": (folder / "run.sqlite").exists(),
                "search": space.search.model_dump(mode="json"),
                "backend": backend,
                "workers": workers,
                "recipe": space.recipe.model_dump(mode="json"),
                **size.as_json(),
                **begins_with,
                "constraints": list(space.constraints),
                "feasible_share": share,
                "samples": SAMPLES,
            },
        )
        return
    search = space.search
    rows: list[list[Any]] = [
        ["space", space.name],
        *size.rows(),
        ["constraints", "; ".join(space.constraints) or "none"],
        ["feasible", _feasible(space, share)],
        ["plan", f"{_trials(search)}, {workers} at a time"],
        [
            "each trial",
            f"{space.recipe.steps} steps of {space.recipe.batch_size} = {examples} examples",
        ],
        *before,
        ["time limit", search.time or "none"],
        ["seed", search.seed],
        ["folder", folder],
    ]
    emit_table(["what", "is"], rows)
    if (folder / "run.sqlite").exists():
        warn(f"{folder} already holds a run, so this search would be refused: name another --run")
    concern = too_few(search, backend)
    if concern:
        warn(concern)
    talk("nothing was started")


def _trials(search: SearchSpec) -> str:
    planned = f"{count(search.trials, 'trial')} by {search.strategy}"
    if not search.baseline or search.strategy == "random":
        return planned
    return f"{planned}, then as many by random"


def _feasible(space: Space, share: float) -> str:
    if not space.constraints:
        return "all"
    return f"{share:.1%} of {SAMPLES} random architectures"


def feasible_share(space: Space) -> float:
    """Share of random architectures that meet the computed constraints; the same every time."""
    from itnet_nas.arch.feasible import feasible
    from itnet_nas.arch.sample import sample

    if not space.constraints:
        return 1.0
    rng = Random(0)
    return sum(feasible(space, sample(space, rng)) for _ in range(SAMPLES)) / SAMPLES
