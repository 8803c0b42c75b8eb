"""`Puller`: what a worker does for the whole of a search. Nothing here imports Ray."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, final

from itnet_nas.results.job import TrialJob
from itnet_nas.search.broker import Handover
from itnet_nas.search.memory import guard, share_gpu

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.results.record import CurvePoint, Outcome

STEP = 30.0  # seconds of candidates within one step of Tune, whose own cost is up to 0.1 s


@final
class Puller:
    """Asks the broker for jobs and hands in outcomes, until it is sent home.

    ask         calls a method of the broker by name and waits for the answer
    name        the same for every life of a worker
    evaluate    (job, report) -> Outcome
    neighbours  workers that share this machine's memory, this one included
    gpus        GPUs of a trial: no more of a shared one is taken than was asked for
    """

    def __init__(
        self,
        ask: Callable[..., Any],
        name: str,
        evaluate: Callable[[TrialJob, Callable[[CurvePoint], bool]], Outcome],
        neighbours: int,
        gpus: float,
    ) -> None:
        self._ask = ask
        self._name = name
        self._life = uuid.uuid4().hex
        self._evaluate = evaluate
        self._handover: Handover | None = None
        share_gpu(gpus)
        guard(neighbours, self._greedy)
        threading.Thread(target=self._wait_for_halt, daemon=True).start()
        # What the libraries have made lives as long as the worker: cleaning up after a trial need
        # not visit it, which would cost 0.1 s each time.
        gc.collect()
        gc.freeze()

    def step(self) -> dict[str, Any]:
        """Candidates for about `STEP` seconds: how many, and whether that was all."""
        end = time.monotonic() + STEP
        trials = 0
        while True:
            text = self._ask("exchange", self._name, self._life, self._handover)
            self._handover = None
            if text is None:
                return {"trials": trials, "done": True}
            job = TrialJob.model_validate_json(text)
            outcome = self._evaluate(job, lambda _: bool(self._ask("goes_on")))
            self._handover = Handover(job.number, outcome.record.model_dump_json(), outcome.weights)
            trials += 1
            if time.monotonic() >= end:
                return {"trials": trials, "done": False}

    def _wait_for_halt(self) -> None:
        with contextlib.suppress(Exception):  # a broker that is gone has no more work either
            self._ask("halted")
        os._exit(0)

    def _greedy(self, why: str) -> None:
        self._ask("lose", self._name, why, "out_of_memory")
        os._exit(1)  # nothing in this process can be trusted to let go of the memory
