"""What the controller costs per trial: ours against bare Tune and against bare Ray actors.

    python benchmarks/overhead.py                  200 trials that do nothing
    python benchmarks/overhead.py --seconds 2 --trials 20     trials that sleep

Each way runs in a process of its own, on two slots, after the other, `--repeats` times; the table
shows medians. "whole" is wall clock from start to end over the number of trials, starting Ray
included; "steady" is the time from one result to the next but one, halved: with two slots that is
the pace of the workers, whichever of them began later.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itnet_nas.results.record import Outcome

ROOT = Path(__file__).resolve().parents[1]
SLOTS = 2
WAYS = {
    "itnet-nas": "itnet-nas: store, random proposals, Ray workers",
    "tune": "bare Tune, default settings (an actor per trial)",
    "actors": "bare Ray actors, reused (no search, no store)",
}


def ours(trials: int, seconds: float) -> list[float]:
    """Proposals from `random`, records in SQLite, workers under Tune."""
    from support.tiny import FAMILIES, tiny_space

    from itnet_nas.registry import Origin
    from itnet_nas.results.store import Store
    from itnet_nas.search.controller import Controller
    from itnet_nas.search.random_search import RandomSearcher
    from itnet_nas.search.ray_backend import run_ray
    from itnet_nas.space.spec import SearchSpec

    origin = Origin(
        name="none", path="itnet_nas.axes:Bias", package="itnet-nas", version=_version()
    )
    space = tiny_space(
        layers=8,
        search=SearchSpec(strategy="random", trials=trials, workers=SLOTS),
        kernel_origins={family: origin for family in FAMILIES},
        task_origin=origin,
    )
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"STAND_IN": folder, "STAND_IN_SECONDS": str(seconds)}
        with Store.create(Path(folder) / "run", space) as store:
            controller = Controller(space, store, RandomSearcher(), space.search)

            tell = controller.tell

            def timed(outcome: Outcome) -> None:
                tell(outcome)
                times.append(time.perf_counter())

            controller.tell = timed  # type: ignore[method-assign]
            evaluator = "sleep" if seconds else "nothing"
            run_ray(controller, lambda: None, evaluator=f"support.trials:{evaluator}")
    return times


def tune(trials: int, seconds: float) -> list[float]:
    """A function that reports one figure, with everything as Tune has it."""
    import ray
    from ray import tune as ray_tune

    times: list[float] = []

    class Clock(ray_tune.Callback):  # type: ignore[misc]
        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            times.append(time.perf_counter())

    def trial(config: dict[str, float]) -> None:
        time.sleep(seconds)
        ray_tune.report({"error": config["x"]})

    ray.init(num_cpus=SLOTS, include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        ray_tune.Tuner(
            trial,
            param_space={"x": ray_tune.uniform(0, 1)},
            tune_config=ray_tune.TuneConfig(num_samples=trials),
            run_config=ray_tune.RunConfig(storage_path=folder, callbacks=[Clock()], verbose=0),
        ).fit()
    ray.shutdown()
    return times


def actors(trials: int, seconds: float) -> list[float]:
    """Two actors that are asked again and again."""
    import ray
    from ray.util import ActorPool

    @ray.remote(num_cpus=1)
    class Actor:
        def trial(self, x: int) -> int:
            time.sleep(seconds)
            return x

    ray.init(num_cpus=SLOTS, include_dashboard=False, log_to_driver=False)
    pool = ActorPool([Actor.remote() for _ in range(SLOTS)])
    times = [
        time.perf_counter()
        for _ in pool.map_unordered(lambda actor, x: actor.trial.remote(x), range(trials))
    ]
    ray.shutdown()
    return times


def _version() -> str:
    from importlib import metadata

    return metadata.version("itnet-nas")


def child(way: str, trials: int, seconds: float) -> None:
    """Run one way in this process and print its figures as JSON on the last line."""
    begin = time.perf_counter()
    times = {"itnet-nas": ours, "tune": tune, "actors": actors}[way](trials, seconds)
    whole = time.perf_counter() - begin
    assert len(times) == trials, f"{way}: {len(times)} results of {trials}"
    gaps = [later - sooner for sooner, later in zip(times, times[SLOTS:], strict=False)]
    steady = statistics.mean(gaps) / SLOTS
    print(json.dumps({"whole": whole / trials, "steady": steady, "first": times[0] - begin}))


def measure(way: str, trials: int, seconds: float) -> dict[str, float]:
    """One run of one way in a fresh process."""
    done = subprocess.run(
        [
            sys.executable,
            __file__,
            "--way",
            way,
            "--trials",
            str(trials),
            "--seconds",
            str(seconds),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help="run one way here, print JSON")
    given = parser.parse_args()
    if given.way:
        child(given.way, given.trials, given.seconds)
        return
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(given.repeats):
        for way in WAYS:
            runs[way].append(measure(way, given.trials, given.seconds))
    median = {
        way: {name: statistics.median(run[name] for run in found) for name in found[0]}
        for way, found in runs.items()
    }
    print(f"{given.trials} trials of {given.seconds:g} s on {SLOTS} slots, ", end="")
    print(f"median of {given.repeats} runs; ms per trial\n")
    print("| way | whole run | of bare Tune | steady | of bare Tune | first result after s |")
    print("|---|---:|---:|---:|---:|---:|")
    for way, found in median.items():
        rival = median["tune"]
        print(
            f"| {WAYS[way]} | {1e3 * found['whole']:.0f} | {found['whole'] / rival['whole']:.3f} "
            f"| {1e3 * found['steady']:.1f} | {found['steady'] / rival['steady']:.3f} "
            f"| {found['first']:.1f} |"
        )
    if given.seconds:
        ideal = given.seconds / SLOTS
        print(f"\nideal {1e3 * ideal:.0f} ms; time beside the trials, in percent of them:")
        for way, found in median.items():
            print(f"  {way}: {100 * (found['steady'] - ideal) / ideal:.1f} %")


if __name__ == "__main__":
    main()
