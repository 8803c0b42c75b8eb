"""`Progress`: how a search stands, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """A snapshot. Times in seconds; `eta` is None until a trial has ended."""

    done: int
    running: int
    failed: int
    total: int
    workers: int
    front_size: int
    elapsed: float
    eta: float | None = None
    best: dict[str, float] = field(default_factory=dict)  # objectives of the best trial so far
    paused: int = 0  # trials that may go on later
    note: str = ""  # something that a person should read once
    phase: str = ""  # what is being done beside the search itself
