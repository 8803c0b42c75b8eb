"""Candidates that are certified without training anything: figures drawn around a known mean."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from analysis.support import choice, record, space

from itnet_nas.analysis.certificate import next_trainings
from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.genotype import Genotype, realise
from itnet_nas.results.record import TrialError, TrialRecord
from itnet_nas.space.space import Edge, Layer, Space

SEEDS = (11, 12, 13, 14, 15)
CHANCE = 8.0
OUT_OF_MEMORY = TrialError(kind="out_of_memory", message="no room")


def lone(*names: str, optional: bool = False, **changes: Any) -> Space:
    """A space of a single layer, "mix", with these kernels of `support.KERNELS`."""
    edges = (Edge(source="input", target="mix"), Edge(source="mix", target="output"))
    layer = Layer(name="mix", choices=tuple(map(choice, names)), optional=optional)
    return space(**{"name": "lone", "layers": (layer,), "edges": edges, **changes})


def member(of: Space, *places: int | None) -> Architecture:
    """The architecture with the choice at this place in every layer; None leaves it out."""
    return realise(of, Genotype(places, (), ()))


def trial(of: Space, *places: int | None) -> TrialRecord:
    """A finished trial of the search; its seed is none of SEEDS."""
    return record(of, 0, member(of, *places), bits_per_byte=2.0)


def trained(
    of: Space, architecture: Architecture, seed: int, bits: float | None, number: int = 100
) -> TrialRecord:
    """A training under a seed of the certificate; without a figure it failed."""
    failure = None if bits is not None else OUT_OF_MEMORY
    made = record(of, number, architecture, failure, bits_per_byte=bits or 0.0)
    return made.model_copy(update={"seed": seed})


def each(of: Space, architecture: Architecture, *bits: float | None) -> list[TrialRecord]:
    """Trainings under the first of SEEDS, one per figure."""
    return [
        trained(of, architecture, seed, figure) for seed, figure in zip(SEEDS, bits, strict=False)
    ]


def certified(
    of: Space,
    candidate: TrialRecord,
    figure: Callable[[Architecture, Random], float | None],
    *,
    rng: Random,
    seeds: tuple[int, ...] = SEEDS,
    records: tuple[TrialRecord, ...] = (),
) -> list[TrialRecord]:
    """Do what the plan says, one training after another, until nothing is left."""
    found = list(records)
    while plan := next_trainings(of, candidate, found, seeds=seeds):
        architecture, index = plan[0]
        bits = figure(architecture, rng)
        found.append(trained(of, architecture, seeds[index], bits, number=100 + len(found)))
    return found
