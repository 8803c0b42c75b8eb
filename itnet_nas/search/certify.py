"""`Certifier`: the session that tests, by training, what each layer of a candidate needs.

The candidate is trained again under several seeds, and so is every architecture in which one layer
has another choice; seed i is the same for all, so that losses are paired. What is trained next is
a pure function of the records (`analysis.certificate`): a certificate that was interrupted goes on
where it stood, and one that asks for what another has trained does not train it again.
"""

from __future__ import annotations

import time as clock_of
from typing import TYPE_CHECKING, ClassVar, final

from itnet_nas.analysis.certificate import next_trainings
from itnet_nas.errors import UsageError
from itnet_nas.results.store import Store
from itnet_nas.results.swap_ledger import CertificateRequest
from itnet_nas.search.jobs import make_job
from itnet_nas.search.progress import Progress
from itnet_nas.search.run_search import parse_duration, summary_of
from itnet_nas.search.run_session import run_session
from itnet_nas.search.session import Session, paired_seeds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.results.swap_ledger import SwapLedger
    from itnet_nas.search.run_search import Summary
    from itnet_nas.search.run_session import Backend
    from itnet_nas.space.space import Space
    from itnet_nas.space.spec import SearchSpec


@final
class Certifier(Session):
    """One session of a certificate.

    trials      the records of the search, by which swaps are ordered
    trainings   at most so many in this session; None until the certificate is whole
    """

    checkpoints: ClassVar[str] = "checkpoints/swaps"
    verb: ClassVar[str] = "certify"

    def __init__(
        self,
        space: Space,
        ledger: SwapLedger,
        search: SearchSpec,
        candidate: TrialRecord,
        asked: CertificateRequest,
        *,
        trials: Sequence[TrialRecord] = (),
        trainings: int | None = None,
        seconds: float | None = None,
        clock: Callable[[], float] = clock_of.monotonic,
    ) -> None:
        super().__init__(space, ledger, search, seconds=seconds, clock=clock)
        self.candidate = candidate
        self.asked = asked
        self.seeds = paired_seeds(search.seed, asked.seeds)
        self._trials = tuple(trials)
        self._numbers_before = self._numbers
        self._interrupted_before = len(self._queue)
        self._trainings = trainings
        self._whole = False

    def progress(self) -> Progress:
        """A snapshot for the display; the total grows when seeds turn out not to be enough."""
        done = len(self._records) - self._found_before
        left = len(self._next())
        total = done + max(left, len(self._running))
        if self._trainings is not None:
            total = min(total, self._interrupted_before + self._trainings)
        return Progress(
            done=done,
            running=len(self._running),
            failed=self.failures,
            total=total,
            workers=self.workers,
            front_size=0,
            elapsed=self.elapsed,
            eta=self.eta(left),
            note=self.note,
        )

    @property
    def _full(self) -> bool:
        spent = self._numbers - self._numbers_before
        return self._whole or (self._trainings is not None and spent >= self._trainings)

    def _ask(self) -> TrialJob | None:
        taken = {(job.architecture.key, job.seed) for job in self.wanted}
        for architecture, index in self._next():
            if (architecture.key, self.seeds[index]) not in taken:
                return make_job(
                    self.space,
                    self.search,
                    architecture,
                    number=self._numbers,
                    seed=self.seeds[index],
                    proposed_by="certificate",
                    checkpoint=self.checkpoint_of(self._numbers),
                    keep_weights=False,
                    probe=False,
                )
        # What is running may yet show that more seeds are needed.
        self._whole = not self._running
        return None

    def _next(self) -> list[tuple[Architecture, int]]:
        return next_trainings(
            self.space,
            self.candidate,
            [*self._trials, *self.records()],
            seeds=self.seeds,
            most=self.asked.most,
        )


def certify_run(
    folder: Path,
    trial: int,
    *,
    seeds: int = 5,
    most: int = 2,
    trainings: int | None = None,
    workers: int | None = None,
    time: str | None = None,
    address: str | None = None,
    backend: Backend = "ray",
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Train what the certificate of one complete trial needs, into the run's own ledger.

    seeds       paired seeds at most; three are enough where the answer is clear
    most        swaps of one axis at most
    trainings   at most so many now; a later call goes on

    Raises UsageError for a trial that is not complete, RunError when there is no such run or
    somebody else is writing to it.
    """
    with Store.open(folder, write=True) as store:
        space, search = store.space, store.search.changed(workers=workers, time=time)
        records = store.records()
        candidate = next((record for record in records if record.number == trial), None)
        if candidate is None or not candidate.complete:
            state = "has no record" if candidate is None else f"is {candidate.state}"
            raise UsageError(
                f"trial {trial} of {folder} {state}; a certificate is made of a complete trial: "
                f"`itnet-nas pareto {folder}` lists those of the front"
            )
        asked = CertificateRequest(trial=trial, seeds=seeds, most=most)
        store.swaps.request(asked)
        certifier = Certifier(
            space,
            store.swaps,
            search,
            candidate,
            asked,
            trials=records,
            trainings=trainings,
            seconds=None if time is None else parse_duration(time),
        )
        run_session(certifier, backend, address, progress)
        return summary_of(certifier)
