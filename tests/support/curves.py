"""Trials whose whole learning curve is known beforehand: halving can be judged without training.

A curve falls from chance to the planted error of its architecture. Where curves do not cross, all
fall alike, so the order is the final one from the first step on, up to some noise; where they
cross, the early order is the opposite of the final one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from support.landscape import planted_error, planted_space

from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import CurvePoint, Outcome, TrialState
from itnet_nas.results.store import Store
from itnet_nas.search.controller import Controller

if TYPE_CHECKING:
    from pathlib import Path

    from itnet_nas.search.searcher import Searcher
    from itnet_nas.space.space import Space

Curve = Callable[[TrialJob, int], float]

STEPS = 100
CHANCE = 0.9


def halving_space(
    layers: int = 8, halving: bool = True, keep: float = 0.5, rungs: int = 1, **search: object
) -> Space:
    """The planted space with trainings of 100 steps; `search` changes the other settings."""
    space = planted_space(layers)
    figures = {"keep": keep, "rungs": rungs} if halving else False
    settings = {"strategy": "random", **search, "halving": figures}
    return space.model_copy(
        update={
            "search": space.search.changed(**settings),
            "recipe": space.recipe.model_copy(update={"steps": STEPS}),
        }
    )


def alike(job: TrialJob, step: int, noise: float = 0.01) -> float:
    """Falls to the planted error, all at one rate, with a little noise that step and key decide."""
    final = planted_error(job.architecture, seed=0)
    left = math.exp(-4 * step / STEPS) - math.exp(-4)
    jitter = Random(f"{job.architecture.key}:{step}").gauss(0, noise)
    return final + (CHANCE - final) * left + jitter


def crossing(job: TrialJob, step: int) -> float:
    """The better it will be, the worse it looks before the last step."""
    final = planted_error(job.architecture, seed=0)
    return final if step == STEPS else CHANCE - final


def train(job: TrialJob, curve: Curve, now: float) -> Outcome:
    """What a trial of this job leaves; it takes a second, and began at `now`."""
    last = STEPS if job.stop_at is None else job.stop_at
    steps = sorted({*job.measure_at, last})
    points = tuple(CurvePoint(step=s, metrics={"error": curve(job, s)}) for s in steps)
    complete = last == STEPS
    record = job.record(
        state=TrialState.COMPLETE if complete else TrialState.STOPPED,
        steps=last,
        objectives={"error": curve(job, last), "flops": job.costs["flops"]},
        figures={name: figure for name, figure in job.costs.items() if name != "flops"},
        curve=points,
        started=now,
        seconds=1.0,
    )
    weights = f"{job.number}".encode() if job.keep_weights and complete else None
    return Outcome(record=record, weights=weights)


def go_on(
    store: Store,
    searcher: Searcher,
    curve: Curve = alike,
    workers: int = 1,
    jobs: int | None = None,
) -> Controller:
    """A session on the store until it is over, or until it has handed out `jobs`.

    Workers end in turn. Time is counted in jobs of the whole run, so a resumed one goes on with it.
    """
    store._db.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug of a test
    controller = Controller(store.space, store, searcher, store.space.search)
    running: list[TrialJob] = []
    given = 0
    now = len(store.records()) + len(store.rungs.records())
    while jobs is None or given < jobs:
        job = controller.next_job() if len(running) < workers else None
        if job is not None:
            running.append(job)
            given += 1
            continue
        if not running:
            break
        controller.tell(train(running.pop(0), curve, float(now)))
        now += 1
    return controller


def whole_run(
    folder: Path, space: Space, searcher: Searcher, curve: Curve = alike, workers: int = 1
) -> Controller:
    """A run from its beginning to its end."""
    with Store.create(folder, space) as store:
        return go_on(store, searcher, curve, workers)
