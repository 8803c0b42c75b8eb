"""What the probe of a trial costs, as a share of its training time, and how sure its scores are.

    python benchmarks/probe.py [--repeats 5] [--seeds 8] [--steps 300] [--member NAME]

Trials of search_spaces/quickstart.yaml: width 48, two layers, one thread, the task's own recipe.
Each is trained in a process of its own, as often as `--repeats` says, and probed as the search does
it, every layer before and after training. The share is that of all probing against the steps of the
training, validation left out; the table shows medians.

Then each trained network is probed with `--seeds` seeds: other positions, channels and moves, and
each time other validation inputs. The second table shows the standard deviation of every score of
every layer, and how often the interval of one reading holds the mean of the others.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itnet_nas.results.measured import Estimate, Scores
    from itnet_nas.tasks import Batch

ROOT = Path(__file__).resolve().parents[1]
WIDTH, MLP_RATIO = 48, 2
# The choices of the quick start that differ most in what a step and a row of theirs cost.
MEMBERS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "conv > gru": (("conv", {"radius": 6}), ("gru", {})),
    "attention > ssm": (
        ("attention", {"heads": 4, "position": "rotary"}),
        ("ssm", {"state": 16}),
    ),
    "attention > attention": (
        ("attention", {"heads": 4, "position": "rotary"}),
        ("attention", {"heads": 4, "position": "rotary"}),
    ),
    "gru > gru": (("gru", {}), ("gru", {})),
    "conv > conv": (("conv", {"radius": 2}), ("conv", {"radius": 6})),
    "identity > position_mixer": (("identity", {}), ("position_mixer", {})),
}


def trial(member: str, steps: int, seeds: int) -> dict[str, Any]:
    """One training with its probes: seconds of both, and the scores of `seeds` probes."""
    import time

    from itnet_nas.arch.architecture import Architecture, LayerChoice
    from itnet_nas.nn.network import build_network
    from itnet_nas.nn.probe import DEFAULT, probe_network
    from itnet_nas.registry import KERNELS, TASKS
    from itnet_nas.train.device import pick_device
    from itnet_nas.train.loop import Training
    from itnet_nas.train.seeds import reproducible

    device = pick_device()
    names = [f"layer{at}" for at, _ in enumerate(MEMBERS[member], start=1)]
    families = {family: KERNELS.load(family) for family, _ in MEMBERS[member]}
    layers = tuple(
        LayerChoice(
            name=name,
            family=family,
            params=families[family].Params(**params).model_dump(mode="json"),
        )
        for name, (family, params) in zip(names, MEMBERS[member], strict=True)
    )
    stops = ["input", *names, "output"]
    architecture = Architecture(
        width=WIDTH,
        mlp_ratio=MLP_RATIO,
        layers=layers,
        edges=tuple(pairwise(stops)),
    )
    task_class = TASKS.load("python_source")
    task = task_class(task_class.Params())
    facts = task.facts()
    recipe = facts.recipe.model_copy(update={"steps": steps, "eval_every": 0})

    def batches(skip: int = 0) -> Iterator[Batch]:
        return islice(task.eval_batches("validation", DEFAULT.inputs), skip, None)

    with reproducible(0, 1, device.torch_device):
        network = build_network(architecture, families, task).to(device.torch_device)
        clock = time.perf_counter()
        first = probe_network(network, batches(), facts.domain)
        before = time.perf_counter() - clock
        training = Training(network, task, recipe, 0, device)
        training.run(lambda _: True)
        clock = time.perf_counter()
        probe_network(network, batches(), facts.domain)
        after = time.perf_counter() - clock
        readings = [
            probe_network(network, batches(seed), facts.domain, seed=seed) for seed in range(seeds)
        ]
    return {
        "train": training.seconds,
        "before": before,
        "after": after,
        "rows": sum(reading.rows for reading in first.values()),
        "layers": {
            f"{name}: {family}": [_plain(reading[name].scores) for reading in readings]
            for name, (family, _) in zip(names, MEMBERS[member], strict=True)
        },
    }


def _plain(scores: Scores) -> dict[str, tuple[float, float, float]]:
    """Score -> value and interval."""
    found = {}
    for name in type(scores).model_fields:
        one: Estimate | dict[str, Estimate] | None = getattr(scores, name)
        if one is not None and not isinstance(one, dict):
            found[name] = (one.value, one.low, one.high)
    return found


def measure(member: str, steps: int, seeds: int) -> dict[str, Any]:
    """The same in a fresh process."""
    done = subprocess.run(
        [
            *(sys.executable, __file__, "--member", member),
            *("--steps", str(steps), "--seeds", str(seeds)),
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def spread(readings: list[dict[str, tuple[float, float, float]]], name: str) -> str:
    """`mean ± sd` of a score over readings, and how many intervals hold the mean of the others."""
    there = [reading[name] for reading in readings if name in reading]
    if len(there) < 2:
        return "–"
    values = [value for value, _, _ in there]
    total = sum(values)
    held = sum(
        low - 1e-6 <= (total - value) / (len(values) - 1) <= high + 1e-6
        for value, low, high in there
    )
    return f"{total / len(values):.2f} ± {statistics.stdev(values):.2f} ({held}/{len(there)})"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", help="these trials alone, separated by ;")
    parser.add_argument("--member", choices=MEMBERS, help="one trial here, print JSON")
    given = parser.parse_args()
    if given.member:
        print(json.dumps(trial(given.member, given.steps, given.seeds)))
        return
    members = given.only.split(";") if given.only else list(MEMBERS)
    runs: dict[str, list[dict[str, Any]]] = {member: [] for member in members}
    for repeat in range(given.repeats):
        for member in members:
            seeds = given.seeds if repeat == 0 else 0
            runs[member].append(measure(member, given.steps, seeds))
    print(f"{given.steps} steps of 32 x 64 bytes, width {WIDTH}, one thread; ", end="")
    print(f"median of {given.repeats} runs\n")
    print("| trial | training, s | probe before, s | after, s | share | of each run | rows |")
    print("|---|---:|---:|---:|---:|---|---:|")
    for member, found in runs.items():
        train, before, after = (
            statistics.median(run[name] for run in found) for name in ("train", "before", "after")
        )
        shares = [(run["before"] + run["after"]) / run["train"] for run in found]
        print(
            f"| {member} | {train:.1f} | {before:.2f} | {after:.2f} "
            f"| {100 * statistics.median(shares):.1f} % "
            f"| {', '.join(f'{100 * share:.1f}' for share in shares)} | {found[0]['rows']} |"
        )
    print(f"\nscores over {given.seeds} seeds: mean ± sd (intervals that hold the others' mean)\n")
    names = list(dict.fromkeys(name for found in runs.values() for name in _names(found[0])))
    print(f"| layer | {' | '.join(names)} |")
    print(f"|---|{'---|' * len(names)}")
    for member, found in runs.items():
        for layer, readings in found[0]["layers"].items():
            cells = [spread(readings, name) for name in names]
            print(f"| {member}, {layer} | {' | '.join(cells)} |")


def _names(run: dict[str, Any]) -> list[str]:
    return [name for readings in run["layers"].values() for reading in readings for name in reading]


if __name__ == "__main__":
    main()
