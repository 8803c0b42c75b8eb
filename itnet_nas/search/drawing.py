"""New architectures by chance: feasible samples, and what is left where samples run out.

Where samples keep being known or infeasible, a small space (`ENUMERABLE` answers) is written out
and what is left of it drawn from, to its last architecture; in a large one edits lead from samples
to what is feasible, and from there to what is new.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from itnet_nas.arch.count import ENUMERABLE, enumerate_all, raw_count
from itnet_nas.arch.feasible import feasible, sample_feasible
from itnet_nas.arch.mutate import neighbours
from itnet_nas.arch.sample import sample
from itnet_nas.search.priors import is_result

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

SAMPLES = 300  # that are known or infeasible before anything else is tried
WALKS = 3  # to what is feasible and rare
LOOKS = 3000  # around the end of a walk


def known_keys(
    space: Space, records: Sequence[TrialRecord], pending: Sequence[Architecture]
) -> set[str]:
    """Keys that were proposed already, whatever came of them; those of priors are free."""
    tried = {record.key for record in records if is_result(space, record)}
    return tried | {architecture.key for architecture in pending}


def draw_new(space: Space, known: Collection[str], rng: Random) -> Architecture | None:
    """A feasible architecture whose key is not known; None where none was found."""
    return next(new_samples(space, known, rng), None) or draw_rest(space, known, rng)


def new_samples(space: Space, known: Collection[str], rng: Random) -> Iterator[Architecture]:
    """Those of 300 samples that are feasible and whose key is not known; each key once."""
    seen: set[str] = set()
    for _ in range(SAMPLES):
        architecture = sample(space, rng)
        key = architecture.key
        if key not in known and key not in seen and feasible(space, architecture):
            seen.add(key)
            yield architecture


def draw_rest(space: Space, known: Collection[str], rng: Random) -> Architecture | None:
    """The same where samples find none any more; None where nothing is left, or none was found."""
    if raw_count(space) <= ENUMERABLE:
        rest = [a for a in enumerate_all(space) if a.key not in known and feasible(space, a)]
        return rng.choice(rest) if rest else None
    for _ in range(WALKS):
        found = sample_feasible(space, rng, tries=1)
        if found is None:
            return None
        near = _spread(space, found, known, rng)
        if near is not None:
            return near
    return None


def _spread(
    space: Space, start: Architecture, known: Collection[str], rng: Random
) -> Architecture | None:
    """The first new architecture from `start` on, edit by edit through what is feasible."""
    if start.key not in known:
        return start
    seen, waiting, looks = {start.key}, deque([start]), 0
    while waiting:
        for near in neighbours(space, waiting.popleft(), rng):
            looks += 1
            if looks > LOOKS:
                return None
            if not feasible(space, near) or near.key in seen:
                continue
            if near.key not in known:
                return near
            seen.add(near.key)
            waiting.append(near)
    return None
