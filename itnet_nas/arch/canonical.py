"""The key of an architecture: equal for equal graphs, whatever their layers are called.

The nodes are put into an order that the graph itself decides, and the graph is written down in
that order: labels, then edges. The key is a hash of that text, so two different graphs never share
one (a Weisfeiler-Lehman hash would give attention at layer 8 and at layer 21 of 30 the same key).

The order comes from colour refinement: nodes are told apart by label, then by the colours of their
sources and targets, until nothing more can be told; of those still alike one is set apart and
refinement goes on. Nodes that stay alike are, in graphs of layers, mirror images, and any choice
among them gives the same text. Where they are not, one graph could get two keys: a duplicate would
be missed, never two architectures taken for one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from itnet_nas.space.space import INPUT, OUTPUT, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def canonical_key(
    labels: Mapping[str, Any], edges: Iterable[tuple[str, str]], settings: Mapping[str, Any]
) -> str:
    """32 hex digits for a graph of labelled layers.

    labels    layer -> anything that JSON can hold; equal labels are equal kernels
    edges     (source, target), "input" and "output" included
    settings  what all layers share
    """
    edges = sorted(set(edges))
    text = {name: json.dumps(label, sort_keys=True) for name, label in labels.items()}
    # "input" and "output" are no JSON documents, so no layer's label can be mistaken for them.
    text |= {INPUT: INPUT, OUTPUT: OUTPUT}
    order = _order(text, edges)
    place = {name: index for index, name in enumerate(order)}
    return digest(
        {
            "settings": dict(settings),
            "nodes": [text[name] for name in order],
            "edges": sorted([place[source], place[target]] for source, target in edges),
        }
    )


def _order(text: Mapping[str, str], edges: Iterable[tuple[str, str]]) -> list[str]:
    sources: dict[str, list[str]] = defaultdict(list)
    targets: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        sources[target].append(source)
        targets[source].append(target)
    colour = _ranks(text)
    while True:
        colour = _refine(colour, sources, targets)
        cells: dict[int, list[str]] = defaultdict(list)
        for name, rank in colour.items():
            cells[rank].append(name)
        tied = [rank for rank, cell in cells.items() if len(cell) > 1]
        if not tied:
            return sorted(colour, key=colour.__getitem__)
        apart = min(cells[min(tied)])
        colour = _ranks({name: (rank, name == apart) for name, rank in colour.items()})


def _refine(
    colour: dict[str, int], sources: Mapping[str, list[str]], targets: Mapping[str, list[str]]
) -> dict[str, int]:
    while True:
        finer = _ranks(
            {
                name: (
                    rank,
                    sorted(colour[other] for other in sources[name]),
                    sorted(colour[other] for other in targets[name]),
                )
                for name, rank in colour.items()
            }
        )
        if len(set(finer.values())) == len(set(colour.values())):
            return finer
        colour = finer


def _ranks(values: Mapping[str, Any]) -> dict[str, int]:
    """Number the distinct values in sorted order."""
    distinct: list[Any] = []
    for value in sorted(values.values()):
        if not distinct or distinct[-1] != value:
            distinct.append(value)
    # Lists are not hashable: look values up by their text, which tells ints and bools apart too.
    rank = {repr(value): index for index, value in enumerate(distinct)}
    return {name: rank[repr(value)] for name, value in values.items()}
