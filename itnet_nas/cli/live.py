"""The line that says how a search stands: rewritten in place on a terminal, else one per 30 s."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, final

import click

from itnet_nas.analysis.numbers import duration, short
from itnet_nas.cli.output import terminal_width, warn

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from itnet_nas.search.progress import Progress

EVERY = 30.0  # seconds between lines where nobody watches a terminal
DOTS = 10


@final
class LiveLine:
    """Call it with every snapshot; leave the context to end the line.

    In a pipe the first snapshot that counts and then one each 30 s are printed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._terminal = sys.stderr.isatty()
        self._next = clock() + EVERY
        self._drawn = False
        self._noted: set[str] = set()

    def __enter__(self) -> LiveLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clear()

    def __call__(self, progress: Progress) -> None:
        """Show a snapshot."""
        if progress.note and progress.note not in self._noted:
            self._noted.add(progress.note)
            self._clear()
            warn(progress.note)
        text = line(progress)
        if self._terminal:
            self._clear()
            click.echo(text[: terminal_width(err=True) - 1], err=True, nl=False)
            self._drawn = True
        elif self._clock() >= self._next:
            self._next = self._clock() + EVERY
            click.echo(text, err=True)

    def _clear(self) -> None:
        if self._drawn:
            click.echo("\r" + " " * (terminal_width(err=True) - 1) + "\r", err=True, nl=False)
            self._drawn = False


def line(progress: Progress) -> str:
    """`[●●●○○○○○○○] 12/40 · 2 running · front 5 · error 0.12, flops 4.2 M · 1 min 05 s, …`."""
    full = DOTS * progress.done // max(1, progress.total)
    phase = f"{progress.phase} " if progress.phase else ""
    parts = [
        f"{phase}[{'●' * full}{'○' * (DOTS - full)}] {progress.done}/{progress.total}",
        f"{progress.running} running",
    ]
    if progress.paused:
        parts.append(f"{progress.paused} paused")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.front_size:
        parts.append(f"front {progress.front_size}")
    if progress.best:
        parts.append("best " + figures(progress.best))
    parts.append(duration(progress.elapsed))
    if progress.eta is not None:
        parts.append(f"about {duration(progress.eta)} left")
    return " · ".join(parts)


def figures(objectives: dict[str, float]) -> str:
    """`error 0.12, flops 4.2 M`."""
    return ", ".join(f"{name} {short(value, 4)}" for name, value in objectives.items())
