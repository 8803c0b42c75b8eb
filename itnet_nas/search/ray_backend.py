"""Trials on a Ray cluster. The only file that imports Ray.

A Tune trial is a worker here, not a candidate: it lives as long as the search, pulls one job after
the other from a broker, and hands each outcome in with its next request. That costs a few
milliseconds a candidate where a new actor costs a second; and Tune starts a lost worker again
while the others go on.

    controller (driver) ── put ──> broker (actor beside the driver) <── exchange ── workers (Tune)
             ^────── collect ──────┘

Nothing is restored from Tune's own snapshots, which lag behind: the store is the truth.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
import uuid
import warnings
from typing import TYPE_CHECKING, Any, final

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from itnet_nas.errors import EnvironmentProblem, SearchEnded
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import CurvePoint, Outcome, TrialRecord
from itnet_nas.search.broker import Broker, Event, Handover
from itnet_nas.search.environment import (
    cores,
    gpus_per_trial,
    load_path,
    missing,
    neighbours,
    require_complete,
    room,
)
from itnet_nas.search.memory import guard, share_of_memory
from itnet_nas.search.quiet import WithoutRay, quiet_environment
from itnet_nas.search.signals import stop_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itnet_nas.registry import Origin
    from itnet_nas.search.controller import Controller
    from itnet_nas.space.spec import SearchSpec

NAMESPACE = "itnet-nas"
EVALUATOR = "itnet_nas.train.evaluate:evaluate"
RESTARTS = 5  # of Tune itself, without one trial finished in between
LIVES = 20  # how often Tune starts a worker again
POLL = 0.5  # seconds the driver waits for an event before it looks at signals
STEP = 2.0  # seconds of candidates within one Tune step, whose own cost is about 10 ms
PROBE_SECONDS = 120.0  # a node that has not answered by then is not going to


@final
class Worker(tune.Trainable):
    """Pulls jobs until it is sent home. One per slot, for the whole search."""

    def setup(self, config: dict[str, Any]) -> None:
        """Find the broker; take no more of a shared GPU than was asked for."""
        self.worker: str = config["worker"]
        self.life = uuid.uuid4().hex
        self.broker = ray.get_actor(config["broker"], namespace=NAMESPACE)
        self.evaluate = load_path(config["evaluator"])
        self.handover: Handover | None = None
        limit = share_of_memory(config["neighbours"])
        if limit is not None:
            guard(limit, self._greedy)
        share = config["gpus"]
        if 0 < share < 1:
            import torch

            if torch.cuda.is_available():
                torch.cuda.set_per_process_memory_fraction(share)

    def step(self) -> dict[str, Any]:
        """Candidates for about `STEP` seconds. Tune sees how many, and whether that was all."""
        end = time.monotonic() + STEP
        trials = 0
        while True:
            text: str | None = _answer(
                self.broker.exchange.remote(self.worker, self.life, self.handover)
            )
            self.handover = None
            if text is None:
                return {"trials": trials, "done": True}
            job = TrialJob.model_validate_json(text)
            outcome: Outcome = self.evaluate(job, self._report)
            self.handover = Handover(job.number, outcome.record.model_dump_json(), outcome.weights)
            trials += 1
            if time.monotonic() >= end:
                return {"trials": trials, "done": False}

    def _greedy(self, held: int) -> None:
        why = (
            f"it took {held / 1e9:.1f} GB, more than one of {self.config['neighbours']} workers "
            f"may; make the network or the batch smaller, or give --workers less"
        )
        ray.get(self.broker.lose.remote(self.worker, why, "out_of_memory"), timeout=10)
        os._exit(1)  # nothing in this process can be trusted to let go of the memory

    def _report(self, point: CurvePoint) -> bool:
        del point
        goes_on: bool = _answer(self.broker.goes_on.remote())
        return goes_on


@final
class _Deaths(tune.Callback):
    """Passes on what Tune learns of its workers."""

    def __init__(self, broker: Any) -> None:
        self._broker = broker

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tune has given a worker up."""
        self._broker.lose.remote(trial.config["worker"], "its worker died")

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tune is about to start a worker again."""
        self._broker.lose.remote(trial.config["worker"], "its worker died")


def run_ray(
    controller: Controller,
    show: Callable[[], None],
    address: str | None = None,
    evaluator: str = EVALUATOR,
) -> None:
    """Work until the controller has nothing more to hand out. `show` is called at every change.

    address     of a running cluster ("auto", "host:port", "ray://…"); None starts one that ends
                with the search
    evaluator   import path of the function that workers call: (job, report) -> Outcome

    The first Ctrl-C lets running trials finish, the second (or SIGTERM) stops at once; what was
    running is run again by `resume`. Raises EnvironmentProblem when the cluster lacks a resource
    or a package, SearchEnded when Tune fails again and again.
    """
    search = controller.search
    with (
        stop_signals(controller) as stop_now,
        quiet_environment(own=address is None),
        _cluster(search, address),
    ):
        have = [node["Resources"] for node in _nodes()]
        gpus = gpus_per_trial(search.gpus_per_trial, have)
        rooms = room(search.cpus_per_trial, gpus, have)
        controller.workers = search.workers or sum(rooms)
        if controller.workers > sum(rooms):
            controller.note = (
                f"{sum(rooms)} of {controller.workers} workers have room now; "
                f"the others start when nodes join"
            )
        _probe_nodes([*controller.space.kernel_origins.values(), controller.space.task_origin])
        name = f"{NAMESPACE}-{uuid.uuid4().hex[:8]}"
        broker = _start_broker(name)
        config = {
            "broker": name,
            "gpus": gpus,
            "evaluator": evaluator,
            "neighbours": neighbours(controller.workers, rooms),
        }
        engine = _Engine(broker, config, controller.workers, search.cpus_per_trial)
        engine.start()
        try:
            _serve(controller, broker, engine, show, stop_now)
        finally:
            with contextlib.suppress(Exception):
                ray.get(broker.stop.remote(), timeout=10)
            engine.join(1.0 if stop_now.is_set() else 30.0)


def _serve(
    controller: Controller,
    broker: Any,
    engine: _Engine,
    show: Callable[[], None],
    stop_now: threading.Event,
) -> None:
    restarts = 0
    while not stop_now.is_set():
        while len(controller.running) < controller.workers:
            job = controller.next_job()
            if job is None:
                break
            broker.put.remote(job.number, job.model_dump_json())
        if controller.idle:
            return
        show()
        events: list[Event] = _answer(broker.collect.remote(POLL))
        for event in events:
            if event.kind == "done":
                restarts = 0
                record = TrialRecord.model_validate_json(event.record)
                controller.tell(Outcome(record=record, weights=event.weights))
            elif event.kind == "lost" and event.number is not None:
                controller.lost(event.number, event.why, event.failure)
        if not engine.alive:
            # Tune gives the whole run up when the memory monitor kills one worker.
            restarts += 1
            if restarts > RESTARTS:
                raise SearchEnded(
                    f"Ray Tune ended {restarts} times without one trial finished in between; the "
                    f"last time with: {engine.error}; every finished trial is safe, continue with "
                    f"`itnet-nas resume {controller.store.folder}`"
                )
            ray.get(broker.lose.remote(None, f"Ray Tune ended: {engine.error}"))
            engine.start()


@final
class _Engine:
    """`Tuner.fit` in a thread: it blocks, and the controller must not."""

    def __init__(self, broker: Any, config: dict[str, Any], workers: int, cpus: int) -> None:
        self.error = ""
        self._broker = broker
        self._config = config
        self._workers = workers
        self._resources = {"cpu": float(cpus), "gpu": config["gpus"]}
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._fit, name="tune", daemon=True)
        self._thread.start()

    def join(self, seconds: float) -> None:
        if self._thread is not None:
            self._thread.join(seconds)

    def _fit(self) -> None:
        self.error = "all workers were given up"
        try:
            with tempfile.TemporaryDirectory(prefix="itnet-tune-") as folder:
                self._tuner(folder).fit()
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}".splitlines()[0]

    def _tuner(self, folder: str) -> tune.Tuner:
        names = [f"w{index}" for index in range(self._workers)]
        return tune.Tuner(
            tune.with_resources(Worker, self._resources),
            param_space={**self._config, "worker": tune.grid_search(names)},
            tune_config=tune.TuneConfig(
                reuse_actors=False,
                trial_name_creator=lambda trial: str(trial.config["worker"]),
                trial_dirname_creator=lambda trial: str(trial.config["worker"]),
            ),
            run_config=tune.RunConfig(
                name=self._config["broker"],
                storage_path=folder,
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=LIVES),
                checkpoint_config=tune.CheckpointConfig(
                    checkpoint_frequency=0, checkpoint_at_end=False
                ),
                callbacks=[_Deaths(self._broker)],
            ),
        )


def _start_broker(name: str) -> Any:
    # Pinned to the driver's node: were it on a node that dies, every worker would crash for ever.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return (
        ray.remote(Broker)
        .options(
            name=name,
            namespace=NAMESPACE,
            num_cpus=0,
            max_concurrency=10_000,
            scheduling_strategy=here,
        )
        .remote()
    )


def _answer(asked: Any) -> Any:
    return ray.get(asked)  # Ray's stubs guess a list from an untyped reference


def _nodes() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def _probe_nodes(origins: list[Origin]) -> None:
    """Ask every node whether it can import what the trials need. Raises EnvironmentProblem."""
    asked = {}
    for node in _nodes():
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        probe = ray.remote(missing).options(num_cpus=0, scheduling_strategy=there)
        asked[node["NodeManagerAddress"]] = probe.remote(
            [origin.model_dump_json() for origin in origins]
        )
    answers: dict[str, list[str]] = {}
    for host, answer in asked.items():
        try:
            answers[host] = ray.get(answer, timeout=PROBE_SECONDS)
        except Exception as error:
            answers[host] = [f"could not be asked: {str(error).splitlines()[-1]}"]
    require_complete(answers, origins)


@contextlib.contextmanager
def _cluster(search: SearchSpec, address: str | None) -> Iterator[None]:
    """A connection to `address`, or a cluster of our own that leaves nothing behind.

    A connection that the process has already is used, and left open.
    """
    with contextlib.ExitStack() as stack:
        if not ray.is_initialized():
            settings: dict[str, Any] = {"address": address}
            if address is None:
                # Not in the run's folder: sockets live here, with paths of at most 107 letters.
                folder = tempfile.mkdtemp(prefix="itnet-")
                stack.callback(shutil.rmtree, folder, ignore_errors=True)
                workers = search.workers or 0
                settings = {
                    "address": "local",
                    "num_cpus": max(cores(), workers * search.cpus_per_trial),
                    "include_dashboard": False,
                    "_temp_dir": folder,
                }
            stack.callback(ray.shutdown)
            _connect(settings, address)
        stack.enter_context(contextlib.redirect_stdout(WithoutRay(sys.stdout)))
        yield


def _connect(settings: dict[str, Any], address: str | None) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's own notices of coming changes
            ray.init(
                namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR, **settings
            )
    except Exception as error:
        raise EnvironmentProblem(
            f"no Ray cluster at {address or 'this machine'}: {error}; start one with "
            f"`ray start --head`, or leave --address out to use this machine"
        ) from error
