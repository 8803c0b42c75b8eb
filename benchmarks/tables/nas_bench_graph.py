"""NAS-Bench-Graph: four graph operations, linked in one of nine ways.

Source  arXiv 2206.09166; the wheel holds one training of each of 26,206 networks on each graph
Task    validation error in points against latency

59,049 answers give these networks: an operation `skip` hands on what it reads, and two branches may
change places. Which are the same is decided by the package's own rule, which is all of its code
that runs. Nine answers, those that skip everything, are no network and not in the table.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import TYPE_CHECKING

from tables.plain_pickle import load
from tables.table_problem import Entry, TableProblem, installed

from itnet_nas.axes import Bias, Content, Sharing, Support
from itnet_nas.kernels import Cost
from itnet_nas.space.space import Choice, Layer

if TYPE_CHECKING:
    from itnet_nas.arch.architecture import Architecture

DISTRIBUTION = "nas-bench-graph"
GRAPHS = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv")
# Which node each of the four operations reads; 0 is the input.
LINKS = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
_POINT = Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)
_NEAR = Bias(support=Support.KNN, sharing=Sharing.PERMUTATION)
_ATTENTIVE = Bias(support=Support.KNN, sharing=Sharing.PERMUTATION, content=Content.PAIR)
OPERATIONS = {
    "gat": _ATTENTIVE,
    **dict.fromkeys(("gcn", "gin", "cheb", "sage", "arma", "graph"), _NEAR),
    **dict.fromkeys(("fc", "skip"), _POINT),
}


def nas_bench_graph(graph: str = "arxiv") -> TableProblem:
    """The table of one graph. ModuleNotFoundError where its package is not installed."""
    table = load(installed("nas_bench_graph", f"light/{graph}.bench", DISTRIBUTION))
    entries = {
        str(code): Entry(
            errors=(100.0 * (1.0 - row["valid_perf"]),), latency=1000.0 * row["latency"]
        )
        for code, row in table.items()
    }
    return TableProblem(f"nas_bench_graph_{graph}", nodes(), entries, code_of)


def nodes() -> list[Layer]:
    """How the operations are linked, then the operations."""
    nothing = Cost(flops=0, params=0, state_bytes=0)
    links = tuple(
        Choice(family=f"links_{links}", params={}, bias=_POINT, cost=nothing) for links in LINKS
    )
    operations = tuple(
        Choice(family=name, params={}, bias=bias, cost=nothing) for name, bias in OPERATIONS.items()
    )
    return [
        Layer(name="links", choices=links),
        *(Layer(name=f"node{place}", choices=operations) for place in range(1, 5)),
    ]


def code_of(architecture: Architecture) -> str:
    """The number of the network in the table."""
    links, *operations = (layer.family for layer in architecture.layers)
    return _code(links.removeprefix("links_"), tuple(operations))


@lru_cache(maxsize=100_000)
def _code(links: str, operations: tuple[str, ...]) -> str:
    rule = importlib.import_module("nas_bench_graph.architecture")
    return str(rule.Arch([int(digit) for digit in links], list(operations)).valid_hash())
