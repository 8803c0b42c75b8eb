"""Start or continue a search: the store, the strategy, the controller and a backend, joined."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar

from itnet_nas.analysis.imported import own
from itnet_nas.arch.feasible import require_feasible
from itnet_nas.errors import RunError
from itnet_nas.results.store import Store
from itnet_nas.search.baseline import BaselineSession
from itnet_nas.search.controller import Controller
from itnet_nas.search.run_session import Backend, run_session
from itnet_nas.search.searcher import RANDOM
from itnet_nas.search.seeding import seed_jobs
from itnet_nas.search.strategies import strategy
from itnet_nas.search.warm_start import warm_start
from itnet_nas.space.difference import difference, incomparable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itnet_nas.search.progress import Progress
    from itnet_nas.search.session import Ended, Session
    from itnet_nas.space.space import Space

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class Summary:
    """How a session ended. `trials` were trained here; what was `imported` is counted apart."""

    ended: Ended
    folder: Path
    trials: int
    complete: int
    failed: int
    imported: int = 0

    CODES: ClassVar[dict[str, int]] = {
        "done": 0,
        "budget": 0,
        "exhausted": 0,
        "interrupted": 130,
        "failures": 4,
    }

    @property
    def exit_code(self) -> int:
        """0 when the search did what was asked, if only one trial is complete; else see errors."""
        code = self.CODES[self.ended]
        return 1 if code == 0 and not self.complete + self.imported else code


def run_search(
    space: Space,
    folder: Path,
    *,
    source_text: str = "",
    command: str = "",
    address: str | None = None,
    backend: Backend = "ray",
    progress: Callable[[Progress], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Summary:
    """Search a space into a new folder; `space.search` holds the settings.

    tell   hears what was taken over from another run, before anything is trained

    Raises InfeasibleError before anything is trained, SpaceError when another run cannot give the
    first trials that were asked for, RunError when the folder is taken or nothing can be taken
    over, EnvironmentProblem when the strategy needs a package that is missing, and what the backend
    raises.
    """
    strategy(space.search.strategy)  # before there is a folder: it may need a package
    require_feasible(space)
    taken = warm_start(space, source_text)
    known = {record.key for record in taken.results}
    first = seed_jobs(space, folder, source_text, first=len(taken.results), known=known)
    with Store.create(folder, space, source_text, _stamp(command), first, taken) as store:
        for note in taken.notes:
            if tell is not None:
                tell(note)
        return _search(store, space, backend, address, progress)


def resume_run(
    folder: Path,
    *,
    extend: Space | None = None,
    extend_text: str = "",
    command: str = "",
    trials: int | None = None,
    workers: int | None = None,
    time: str | None = None,
    halving: bool | None = None,
    baseline: bool | None = None,
    address: str | None = None,
    backend: Backend = "ray",
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Continue a run: what was interrupted first, then what its budget still allows.

    extend    a changed space to go on with; old records stay valid where they are members of it
    halving   whether trials pause early from now on; those that pause without it go on in full
    baseline  then as many trials of random search, to compare with

    Raises RunError when there is no such run, or somebody else is writing to it.
    """
    with Store.open(folder, write=True) as store:
        space = store.space
        search = store.search.changed(
            trials=trials, workers=workers, time=time, halving=halving, baseline=baseline
        )
        if extend is not None and extend.fingerprint != space.fingerprint:
            _require_extension(space, extend)
            require_feasible(extend)
            store.extend(extend, extend_text)
        store.add_session(search, _stamp(command))
        return _search(store, store.space, backend, address, progress)


def _search(
    store: Store,
    space: Space,
    backend: Backend,
    address: str | None,
    progress: Callable[[Progress], None] | None,
) -> Summary:
    search = space.search
    seconds = None if search.time is None else parse_duration(search.time)
    controller = Controller(space, store, strategy(search.strategy), search, seconds=seconds)
    run_session(controller, backend, address, progress)
    summary = summary_of(controller)
    if not search.baseline or search.strategy == RANDOM or summary.exit_code:
        return summary
    baseline = BaselineSession(space, store.baseline, search, store.records(), seconds=seconds)
    baseline.take_over()
    run_session(baseline, backend, address, progress)
    return replace(summary, ended="interrupted") if baseline.interrupted else summary


def summary_of(session: Session) -> Summary:
    """How a session that is over ended."""
    records = session.records()
    trained = own(records)
    complete = sum(record.complete for record in trained)
    return Summary(
        ended=session.ended or "interrupted",
        folder=session.ledger.folder,
        trials=len(trained),
        complete=complete,
        failed=session.failures,
        imported=sum(record.complete for record in records) - complete,
    )


def parse_duration(text: str) -> float:
    """`90`, `90s`, `10m`, `1.5h` or `2d` in seconds."""
    digits = text.rstrip("smhd")
    return float(digits) * UNITS[text[len(digits) :]]


def _require_extension(old: Space, new: Space) -> None:
    """Records stay comparable only while the task, the recipe and the objectives are the same."""
    changed = incomparable(old, new)
    if changed:
        raise RunError(
            f"this run cannot be extended by a space that differs in {', '.join(changed)}: its "
            f"records would not be comparable; start another run with `itnet-nas search`\n"
            + "\n".join(difference(old, new))
        )


def _stamp(command: str) -> dict[str, Any]:
    """What somebody needs to repeat this."""
    packages = ("itnet-nas", "torch", "ray", "networkx", "pydantic", "numpy")
    return {
        "command": command or shlex.join(sys.argv),
        "started": time.time(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.node(),
        "versions": {name: metadata.version(name) for name in packages},
        "git": _git_commit(),
    }


def _git_commit() -> str:
    """Commit of the directory that the search was started in; "" outside a repository."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
