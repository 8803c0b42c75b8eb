"""`Confirmer`: the session that trains the finalists of a search again, under fresh seeds.

What the search saw chose the finalists, and a choice among noisy figures favours the lucky ones.
The seed of the search is therefore the one that selects, and the seeds here report: none of them is
a seed of the search or of a certificate. The test split is read here and nowhere else, once in each
round; a round is planned whole before it begins (`results.confirm_ledger`).
"""

from __future__ import annotations

import time as clock_of
from collections import deque
from typing import TYPE_CHECKING, ClassVar, final

from itnet_nas.analysis.finalists import finalists, known_noise, rule
from itnet_nas.analysis.numbers import count
from itnet_nas.arch.genotype import genotype_of
from itnet_nas.errors import InfeasibleError, UsageError
from itnet_nas.results.confirm_ledger import called
from itnet_nas.results.store import Store
from itnet_nas.search.jobs import CHECKPOINT_FROM, make_job
from itnet_nas.search.progress import Progress
from itnet_nas.search.run_search import parse_duration, summary_of
from itnet_nas.search.run_session import run_session
from itnet_nas.search.session import Session, paired_seeds, trial_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from itnet_nas.results.confirm_ledger import ConfirmLedger
    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.run_search import Summary
    from itnet_nas.search.run_session import Backend
    from itnet_nas.space.space import Space
    from itnet_nas.space.spec import SearchSpec

SEEDS = 3
CERTIFIED = 64  # paired seeds of certificates that are kept out, used or not


@final
class Confirmer(Session):
    """One session of a round that is planned; it hands out what has no record yet."""

    checkpoints: ClassVar[str] = "checkpoints/confirm"
    verb: ClassVar[str] = "confirm"

    def __init__(
        self,
        space: Space,
        ledger: ConfirmLedger,
        search: SearchSpec,
        *,
        seconds: float | None = None,
        clock: Callable[[], float] = clock_of.monotonic,
    ) -> None:
        super().__init__(space, ledger, search, seconds=seconds, clock=clock)
        # All of the plan has jobs, so nothing tells a training that was interrupted from one that
        # never began; left in the queue they would be handed out past the deadline.
        self._planned = self._queue
        self._queue = deque()

    def progress(self) -> Progress:
        """A snapshot for the display."""
        done = len(self._records) - self._found_before
        left = len(self._planned) + len(self.wanted)
        return Progress(
            done=done,
            running=len(self._running),
            failed=self.failures,
            total=done + left,
            workers=self.workers,
            front_size=0,
            elapsed=self.elapsed,
            eta=self.eta(left),
            note=self.note,
        )

    @property
    def _full(self) -> bool:
        return not self._planned

    def _ask(self) -> TrialJob | None:
        return self._planned.popleft() if self._planned else None


def plan_round(
    space: Space,
    ledger: ConfirmLedger,
    search: SearchSpec,
    candidates: Sequence[TrialRecord],
    seeds: Sequence[int],
    why: str,
) -> None:
    """Write the jobs of the next round: every candidate under every seed.

    One job holds all seeds of an architecture, so that they can be trained together; of a training
    that is long enough to leave checkpoints there is one job for each seed.
    """
    first = max((job.number for job in ledger.jobs()), default=-1) + 1
    name = called(ledger.rounds() + 1, why)
    alone = space.recipe.steps >= CHECKPOINT_FROM
    groups: list[tuple[int, ...]] = [(seed,) for seed in seeds] if alone else [tuple(seeds)]
    jobs: list[TrialJob] = []
    for candidate in candidates:
        for group in groups:
            number = first + len(jobs)
            job = make_job(
                space,
                search,
                candidate.architecture,
                number=number,
                seed=group[0],
                proposed_by=name,
                checkpoint=ledger.folder / Confirmer.checkpoints / str(number),
                keep_weights=False,
                probe=False,
            )
            jobs.append(job.model_copy(update={"seeds": () if alone else group, "test": True}))
    ledger.plan(jobs)


def reporting_seeds(seed: int, count: int, taken: Collection[int]) -> tuple[int, ...]:
    """`count` seeds of a search's own series for confirmations, without any that is `taken`."""
    found: list[int] = []
    index = 0
    while len(found) < count:
        fresh = trial_seed(seed, f"confirm {index}")
        if fresh not in taken and fresh not in found:
            found.append(fresh)
        index += 1
    return tuple(found)


def taken_seeds(store: Store) -> set[int]:
    """Every seed that selected something, or reported it before."""
    beside = (store.swaps, store.confirmations, store.baseline, store.rungs)
    jobs = [job for ledger in (store, *beside) for job in ledger.jobs()]
    used = {seed for job in jobs for seed in (job.seed, *job.seeds)}
    searched = {record.seed for record in store.records()}  # imported ones have no job here
    return used | searched | set(paired_seeds(store.search.seed, CERTIFIED))


def confirm_run(
    folder: Path,
    *,
    seeds: int | None = None,
    again: bool = False,
    workers: int | None = None,
    time: str | None = None,
    address: str | None = None,
    backend: Backend = "ray",
    progress: Callable[[Progress], None] | None = None,
    planned: Callable[[str], None] | None = None,
) -> Summary:
    """Train the finalists of a run under fresh seeds at full budget, into the run's own ledger.

    seeds     of each candidate, 3 unless given; a round that was interrupted goes on with its own
    again     begin another round although one is finished: the test split is read once more
    planned   hears once, in words, what is about to be trained

    Raises InfeasibleError where no trial is complete, UsageError for a second round that was not
    asked for, RunError when there is no such run or somebody else is writing to it.
    """
    with Store.open(folder, write=True) as store:
        space, search = store.space, store.search.changed(workers=workers, time=time)
        ledger = store.confirmations
        if ledger.pending():
            _require_same(ledger, seeds, folder)
        else:
            if ledger.rounds() and not again:
                raise UsageError(_refusal(ledger, folder))
            _begin(store, seeds or SEEDS)
        if planned is not None:
            planned(plan_in_words(ledger))
        confirmer = Confirmer(
            space, ledger, search, seconds=None if time is None else parse_duration(time)
        )
        run_session(confirmer, backend, address, progress)
        return summary_of(confirmer)


def plan_in_words(ledger: ConfirmLedger) -> str:
    """`round 1: 4 candidates under 3 fresh seeds each, 12 trainings; chosen by …`."""
    jobs = ledger.jobs()
    newest = [job for job in jobs if job.proposed_by == jobs[-1].proposed_by]
    left = {job.number for job in ledger.pending()}
    seeds = {seed for job in newest for seed in job.seeds or (job.seed,)}
    keys = {job.architecture.key for job in newest}
    done = sum(len(job.seeds) or 1 for job in newest if job.number not in left)
    trainings = len(keys) * len(seeds)
    name, _, why = newest[0].proposed_by.partition(": ")
    beyond = f", {done} of them done" if done else ""
    return (
        f"{name}: {count(len(keys), 'candidate')} under {count(len(seeds), 'fresh seed')} each, "
        f"{count(trainings, 'training')}{beyond}; candidates are {why}"
    )


def _begin(store: Store, seeds: int) -> None:
    records = store.records()
    if not any(record.complete for record in records):
        raise InfeasibleError(
            f"no trial of {store.folder} is complete, so there is nothing to confirm; "
            f"`itnet-nas status {store.folder}` says what became of them"
        )
    noise = known_noise(store.space, store.confirmations.records(), store.swaps.records())
    fresh = reporting_seeds(store.search.seed, seeds, taken_seeds(store))
    every = finalists(store.space, records, noise)
    candidates = [one for one in every if genotype_of(store.space, one.architecture) is not None]
    if not candidates:
        raise InfeasibleError(
            f"the space of {store.folder} was changed since and has none of its best architectures "
            f"any more, so there is nothing to confirm; continue the search with "
            f"`itnet-nas resume {store.folder}`"
        )
    plan_round(store.space, store.confirmations, store.search, candidates, fresh, rule(noise))


def _require_same(ledger: ConfirmLedger, seeds: int | None, folder: Path) -> None:
    job = ledger.pending()[0]
    same = {other.seed for other in ledger.jobs() if other.proposed_by == job.proposed_by}
    begun = len(job.seeds) or len(same)
    if seeds is not None and seeds != begun:
        raise UsageError(
            f"the confirmation of {folder} was begun with {count(begun, 'seed')} and is not "
            f"finished; go on with it by `itnet-nas confirm {folder}`, without --seeds"
        )


def _refusal(ledger: ConfirmLedger, folder: Path) -> str:
    times = count(ledger.rounds(), "time")
    return (
        f"{folder} was confirmed already and the test split read {times}; figures that are read "
        f"until they please are no longer honest. `itnet-nas pareto {folder}` shows what was "
        f"found; --again trains under other seeds, reads the test split once more, and the count "
        f"of reads says so"
    )
