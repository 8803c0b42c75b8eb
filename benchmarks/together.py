"""Seeds of one architecture trained together, beside one after the other.

    python benchmarks/together.py [--seeds 3,8] [--only conv,gru] [--sizes small] [--steps 30]

Two layers of one family on bytes of Python source, one thread. CPU time of a step of all seeds,
together and by themselves in turn, the median over the steps after some that warm up. "1.8x" is how
many times as fast together is. Prints Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.nn.network import build_network, load_families, load_task
from itnet_nas.registry import KERNELS, TASKS
from itnet_nas.space.space import TaskChoice
from itnet_nas.train.device import pick_device
from itnet_nas.train.loop import Training
from itnet_nas.train.seeds import reproducible
from itnet_nas.train.together import Together

if TYPE_CHECKING:
    from itnet_nas.nn.network import ITNet
    from itnet_nas.tasks.task import Task

WARM_UP = 3
FAMILIES: dict[str, dict[str, Any]] = {
    "conv": {"radius": 6},
    "attention": {"heads": 4, "position": "rotary"},
    "gru": {},
    "ssm": {"state": 16},
    "mamba": {"state": 8},
}


class Size(NamedTuple):
    """A network's width, and the examples of a batch with their length."""

    name: str
    batch: int
    width: int
    length: int


SIZES = (
    Size("small", 8, 16, 64),
    Size("8 x 64 x 32", 8, 32, 64),
    Size("16 x 64 x 32", 16, 32, 64),
    Size("32 x 64 x 32", 32, 32, 64),
    Size("quick start", 32, 48, 64),
)


def build(family: str, width: int, task: Task[Any], seed: int) -> ITNet:
    """Two layers of a family."""
    choices = tuple(
        LayerChoice(name=name, family=family, params=FAMILIES[family]) for name in ("one", "two")
    )
    edges = (("input", "one"), ("one", "two"), ("two", "output"))
    member = Architecture(width=width, mlp_ratio=2, layers=choices, edges=edges)
    torch.manual_seed(seed)
    return build_network(member, load_families({family: KERNELS.origin(family)}), task)


def measure(family: str, size: Size, count: int, steps: int) -> tuple[float, float]:
    """CPU milliseconds of a step of all seeds: together, and one after the other."""
    choice = TaskChoice(name="python_source", params={"context": size.length})
    task = load_task(TASKS.origin("python_source"), choice)
    changes = {"batch_size": size.batch, "steps": WARM_UP + steps, "eval_every": 0}
    recipe = task.facts().recipe.model_copy(update=changes)
    device = pick_device()
    seeds = range(count)
    with reproducible(0, 1, device.torch_device):
        together = Together(
            [build(family, size.width, task, seed) for seed in seeds], task, recipe, seeds, device
        )
        alone = [
            Training(build(family, size.width, task, seed), task, recipe, seed, device)
            for seed in seeds
        ]
        for training in alone:
            training.network.train()
        took: tuple[list[float], list[float]] = ([], [])
        for step in range(WARM_UP + steps):
            began = time.process_time()
            together.advance()
            between = time.process_time()
            for training in alone:
                training._advance(training.network)
            ended = time.process_time()
            if step >= WARM_UP:
                took[0].append(between - began)
                took[1].append(ended - between)
    first, second = (1e3 * statistics.median(times) for times in took)
    return first, second


def main() -> None:
    """Print the table."""
    warnings.filterwarnings("ignore", message=".*batching rule")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", default="3,8")
    parser.add_argument("--only", default=",".join(FAMILIES))
    parser.add_argument("--sizes", default=",".join(size.name for size in SIZES))
    parser.add_argument("--steps", type=int, default=30)
    args = parser.parse_args()
    counts = [int(count) for count in args.seeds.split(",")]
    sizes = [size for size in SIZES if size.name in args.sizes.split(",")]
    print("| family | " + " | ".join(f"{s.name}, {k} seeds" for s in sizes for k in counts) + " |")
    print("|---" * (1 + len(sizes) * len(counts)) + "|")
    for family in args.only.split(","):
        cells = []
        for size in sizes:
            for count in counts:
                ours, theirs = measure(family, size, count, args.steps)
                cells.append(f"{ours:.1f} ms of {theirs:.1f} ms ({theirs / ours:.1f}x)")
        print(f"| {family} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
