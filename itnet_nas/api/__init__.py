"""The Python door: search a space, open a run, walk its front, take a network out.

    run = itnet_nas.search("space.yaml", trials=40)
    best = run.pareto().pick("knee")
    model = best.module()

Reading a run starts nothing and needs neither Ray nor a plugin; `Trial.module` and `Trial.export`
import torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from itnet_nas.api.front import Front, Trial
from itnet_nas.api.run import Run
from itnet_nas.errors import SearchEnded, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import networkx as nx

    from itnet_nas.space.space import Space

__all__ = ["Front", "Run", "Trial", "open_run", "search"]

Backend = Literal["ray", "local"]


def search(
    space: str | Path | Mapping[str, Any] | nx.DiGraph | Space,
    *,
    run: str | Path | None = None,
    trials: int | None = None,
    time: str | None = None,
    workers: int | None = None,
    strategy: str | None = None,
    seed: int | None = None,
    cpus_per_trial: int | None = None,
    gpus_per_trial: float | None = None,
    keep_weights: str | None = None,
    from_run: str | Path | None = None,
    halving: bool | None = None,
    baseline: bool | None = None,
    address: str | None = None,
    backend: Backend = "ray",
) -> Run:
    """Search a space and return the run.

    space    a file, the same as a dict, a networkx.DiGraph with the same attributes, or a Space
    run      the run's folder; runs/<name of the space> unless given
    from_run the folder of another run: what it trained and is a member here is taken over
    time     stop after this long: "90s", "10m", "2h"
    baseline then as many trials of random search, to compare with
    address  a running Ray cluster; without it Ray starts on this machine
    halving  pause trials early, and go on with the better ones
    backend  "local" trains in this process, one trial after the other

    The other arguments override the figures of the space. A report is written into the folder.

    Raises SpaceError for a space that cannot be used, InfeasibleError when nothing meets its
    constraints, RunError when the folder holds another run or nothing of `from_run` can be used,
    and SearchEnded when most trials failed; the records are kept, and `open_run` reads them.
    """
    from itnet_nas.search.run_search import run_search
    from itnet_nas.space import load_space
    from itnet_nas.space.space import Space

    loaded = space if isinstance(space, Space) else load_space(space)
    try:
        settings = loaded.search.changed(
            trials=trials,
            time=time,
            workers=workers,
            strategy=strategy,
            seed=seed,
            cpus_per_trial=cpus_per_trial,
            gpus_per_trial=gpus_per_trial,
            keep_weights=keep_weights,
            warm_start=None if from_run is None else str(from_run),
            halving=halving,
            baseline=baseline,
        )
    except ValueError as error:
        raise UsageError(f"the search cannot be set up like this: {error}") from error
    loaded = loaded.model_copy(update={"search": settings})
    text = Path(space).read_text(encoding="utf-8-sig") if isinstance(space, str | Path) else ""
    summary = run_search(
        loaded,
        Path(run) if run is not None else Path("runs") / loaded.name,
        source_text=text,
        command="itnet_nas.search",
        address=address,
        backend=backend,
    )
    opened = Run(summary.folder)
    if summary.complete or summary.imported:
        opened.report()
    if summary.ended == "interrupted":
        raise KeyboardInterrupt
    if summary.ended == "failures":
        raise SearchEnded(
            f"{summary.failed} of {summary.trials} trials failed, so the search was ended; "
            f"itnet_nas.open_run({str(summary.folder)!r}) has the errors"
        )
    return opened


def open_run(folder: str | Path) -> Run:
    """Open a run to read it. Raises RunError when there is none."""
    return Run(Path(folder))
