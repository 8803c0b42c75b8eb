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
import shutil
import sys
import tempfile
import threading
import uuid
import warnings
from typing import TYPE_CHECKING, Any, final

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from itnet_nas.errors import EnvironmentProblem
from itnet_nas.search import environment
from itnet_nas.search.broker import Broker, Event
from itnet_nas.search.environment import load_path, missing
from itnet_nas.search.quiet import WithoutRay, quiet_environment
from itnet_nas.search.serve import serve
from itnet_nas.search.signals import stop_signals
from itnet_nas.search.worker import Puller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itnet_nas.registry import Origin
    from itnet_nas.results.job import TrialJob
    from itnet_nas.search.session import Session
    from itnet_nas.space.spec import SearchSpec

NAMESPACE = "itnet-nas"
EVALUATOR = "itnet_nas.train.evaluate:evaluate"
LIVES = 20  # how often Tune starts a worker again
PROBE_SECONDS = 120.0  # a node that has not answered by then is not going to

_answer: Callable[[Any], Any] = ray.get  # whose stubs guess a list from an untyped reference


@final
class Worker(tune.Trainable):
    """A `Puller` that Tune starts, and starts again when it dies."""

    def setup(self, config: dict[str, Any]) -> None:
        """Find the broker."""
        broker = ray.get_actor(config["broker"], namespace=NAMESPACE)
        self.puller = Puller(
            lambda method, *values: ray.get(getattr(broker, method).remote(*values)),
            config["worker"],
            load_path(config["evaluator"]),
            config["neighbours"],
            config["gpus"],
        )

    def step(self) -> dict[str, Any]:
        """Candidates for a while. Tune sees how many, and whether that was all."""
        return self.puller.step()


@final
class _Deaths(tune.Callback):
    """Passes on what Tune learns of its workers."""

    def __init__(self, broker: Any) -> None:
        self._broker = broker

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tune has given a worker up."""
        self._broker.lose.remote(trial.config["worker"], "its worker died")

    on_trial_recover = on_trial_error  # Tune is about to start the worker again


@final
class _Halt(tune.Stopper):
    """Ends Tune's loop when it is told to, whatever the workers do."""

    def __init__(self) -> None:
        self.now = False

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.now


def run_ray(
    session: Session,
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
    search = session.search
    with (
        quiet_environment(own=address is None),
        _cluster(search, address),
        stop_signals(session) as stop_now,  # last: Ray sets a handler of its own
    ):
        have = [node["Resources"] for node in _nodes()]
        gpus = environment.gpus_per_trial(search.gpus_per_trial, have)
        environment.require_measurable(session.space, "cuda" if gpus else "cpu")
        rooms = environment.room(search.cpus_per_trial, gpus, have)
        session.workers, session.note = environment.workers(search.workers, rooms)
        _probe_nodes([*session.space.kernel_origins.values(), session.space.task_origin])
        name = f"{NAMESPACE}-{uuid.uuid4().hex[:8]}"
        broker = _start_broker(name)
        config = {
            "broker": name,
            "gpus": gpus,
            "evaluator": evaluator,
            "neighbours": environment.neighbours(session.workers, rooms),
        }
        engine = _Engine(broker, config, session.workers, search.cpus_per_trial)
        engine.start()
        try:
            serve(session, engine, show, stop_now)
        finally:
            engine.end(at_once=stop_now.is_set())


@final
class _Engine:
    """The `Engine` of `serve`: `Tuner.fit` in a thread, since it blocks and a controller must not.

    The broker is the way to the workers and back.
    """

    def __init__(self, broker: Any, config: dict[str, Any], workers: int, cpus: int) -> None:
        self.error = ""
        self._broker = broker
        self._config = config
        self._workers = workers
        self._resources = {"cpu": float(cpus), "gpu": config["gpus"]}
        self._thread: threading.Thread | None = None
        self._halt = _Halt()

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._fit, name="tune", daemon=True)
        self._thread.start()

    def put(self, job: TrialJob) -> None:
        self._broker.put.remote(job.number, job.model_dump_json())

    def collect(self, seconds: float) -> list[Event]:
        events: list[Event] = _answer(self._broker.collect.remote(seconds))
        return events

    def lose_all(self, why: str) -> None:
        ray.get(self._broker.lose.remote(None, why))

    def end(self, at_once: bool) -> None:
        """Wait for Tune. It must be over before Ray is: its thread would start Ray again."""
        self._halt.now = at_once
        with contextlib.suppress(Exception):
            last = self._broker.halt if at_once else self._broker.stop
            ray.get(last.remote(), timeout=10)
        if self._thread is not None:
            self._thread.join(30.0)

    def _fit(self) -> None:
        self.error = "all workers were given up"
        try:
            with tempfile.TemporaryDirectory(prefix="itnet-tune-") as folder:
                self._tuner(folder).fit()
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}".splitlines()[0]

    def _tuner(self, folder: str) -> tune.Tuner:
        workers = tune.grid_search([f"w{index}" for index in range(self._workers)])
        never = tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False)
        return tune.Tuner(
            tune.with_resources(Worker, self._resources),
            param_space={**self._config, "worker": workers},
            tune_config=tune.TuneConfig(
                trial_name_creator=_worker_name, trial_dirname_creator=_worker_name
            ),
            run_config=tune.RunConfig(
                name=self._config["broker"],
                storage_path=folder,
                verbose=0,
                stop=self._halt,
                failure_config=tune.FailureConfig(max_failures=LIVES),
                checkpoint_config=never,
                callbacks=[_Deaths(self._broker)],
            ),
        )


def _worker_name(trial: Any) -> str:
    return str(trial.config["worker"])


def _start_broker(name: str) -> Any:
    # Pinned to the driver's node: were it on a node that dies, every worker would crash for ever.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    broker = ray.remote(Broker).options(
        name=name,
        namespace=NAMESPACE,
        num_cpus=0,
        max_concurrency=10_000,
        scheduling_strategy=here,
    )
    return broker.remote()


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
    environment.require_complete(answers, origins)


@contextlib.contextmanager
def _cluster(search: SearchSpec, address: str | None) -> Iterator[None]:
    """A connection to `address`, or a cluster of our own that leaves nothing behind.

    A connection that the process has already is used, and left open.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(WithoutRay(sys.stdout)))
        if not ray.is_initialized():
            if address is None:
                # Not in the run's folder: sockets live here, with paths of at most 107 letters.
                folder = tempfile.mkdtemp(prefix="itnet-")
                stack.callback(shutil.rmtree, folder, ignore_errors=True)
                stack.callback(ray.shutdown)
                cpus = max(environment.cores(), (search.workers or 0) * search.cpus_per_trial)
                _connect("local", num_cpus=cpus, include_dashboard=False, _temp_dir=folder)
            else:
                stack.callback(ray.shutdown)
                _connect(address)
        yield


def _connect(address: str, **settings: Any) -> None:
    settings |= {"namespace": NAMESPACE, "log_to_driver": False, "logging_level": logging.ERROR}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's own notices of coming changes
            ray.init(address, **settings)
    except Exception as error:
        raise EnvironmentProblem(
            f"no Ray cluster at {address}: {error}; start one with `ray start --head`, or leave "
            f"--address out to use this machine"
        ) from error
