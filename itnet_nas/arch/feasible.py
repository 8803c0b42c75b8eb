"""Architectures that meet the constraints which can be computed before anything is trained."""

from __future__ import annotations

import re
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from itnet_nas.arch.cost import bounds, costs, smallest
from itnet_nas.arch.count import ENUMERABLE, enumerate_all, raw_count
from itnet_nas.arch.mutate import neighbours
from itnet_nas.arch.sample import sample
from itnet_nas.errors import InfeasibleError
from itnet_nas.space.constraint import Constraint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.space.space import Space

WALKS = 40  # from a sample and from small networks, before nothing is said to be feasible
_PLAIN = re.compile(r"\s*(\w+)\s*(<=|<|>=|>)\s*([\d.]+(?:[eE][-+]?\d+)?)\s*")


@lru_cache(maxsize=64)
def computed_constraints(texts: tuple[str, ...]) -> tuple[Constraint, ...]:
    """Those of a space's constraints that need no measurement."""
    return tuple(c for c in map(Constraint.parse, texts) if c.computed)


def feasible(space: Space, architecture: Architecture) -> bool:
    """Whether the architecture meets every computed constraint.

    A constraint on `state_bytes` is not met by a network that cannot decode.
    """
    constraints = computed_constraints(space.constraints)
    if not constraints:
        return True
    figures = costs(space, architecture)
    return all(_met(constraint, figures) for constraint in constraints)


def sample_feasible(space: Space, rng: Random, tries: int = 200) -> Architecture | None:
    """A random architecture that meets the computed constraints; None when none was found.

    The first of `tries` samples that does. Where none does, the last one walks there by edits, each
    of which misses the constraints by less; where it gets stuck, one of the smallest networks does.
    So draws are those of `sample`, cut to what is feasible, until that is rarer than one in
    `tries`; and they are biased beyond.
    """
    starts = []
    for _ in range(tries):
        architecture = sample(space, rng)
        if feasible(space, architecture):
            return architecture
        starts = [architecture]
    few = smallest(space)
    starts += rng.sample(few, min(len(few), WALKS - 1))
    walks = (_walk(space, start, rng) for start in starts)
    return next((end for end in walks if end is not None), None)


def require_feasible(space: Space, rng: Random | None = None, tries: int = 2000) -> None:
    """Raise InfeasibleError when no architecture meets the computed constraints.

    Certain where a constraint lies outside the bounds of its figure, and where the space is small
    enough to try every architecture. Otherwise `tries` samples and walks found nothing, and the
    text says so.
    """
    constraints = computed_constraints(space.constraints)
    if not constraints:
        return
    limits = bounds(space)
    impossible = [text for c in constraints if (text := _outside(c, limits))]
    if impossible:
        raise InfeasibleError(_text(space, impossible))
    rng = rng or Random(0)
    if sample_feasible(space, rng, tries) is not None:
        return
    if raw_count(space) <= ENUMERABLE:
        if any(feasible(space, architecture) for architecture in enumerate_all(space)):
            return
        tried = "none of the space's architectures does"
    else:
        tried = f"none of {tries} samples does, and no walk from there led to one that does"
    names = sorted({name for c in constraints for name in c.names})
    ranges = [f"{n}: {_figure(limits[n][0])} to {_figure(limits[n][1])}" for n in names]
    joint = " and ".join(c.text for c in constraints)
    raise InfeasibleError(_text(space, [f"{joint} cannot be met: {tried}", *ranges]))


def _walk(space: Space, architecture: Architecture, rng: Random) -> Architecture | None:
    """Edits that miss the constraints by less and less; None where no edit does any more."""
    excess = _excess(space, architecture)
    while excess:
        for near in neighbours(space, architecture, rng):
            after = _excess(space, near)
            if after < excess:
                architecture, excess = near, after
                break
        else:
            return None
    return architecture


def _excess(space: Space, architecture: Architecture) -> float:
    """0 when feasible; else how far the constraints are missed, in parts of their limits."""
    figures = costs(space, architecture)
    total = 0.0
    for constraint in computed_constraints(space.constraints):
        if _met(constraint, figures):
            continue
        plain = _PLAIN.fullmatch(constraint.text)
        if plain is None or plain[1] not in figures or not float(plain[3]):
            total += 1.0
        else:
            # The first summand keeps a strict limit that is just touched above 0.
            total += 1e-9 + abs(figures[plain[1]] / float(plain[3]) - 1.0)
    return total


def _met(constraint: Constraint, figures: Mapping[str, float]) -> bool:
    return figures.keys() >= set(constraint.names) and constraint.holds(figures)


def _outside(constraint: Constraint, limits: Mapping[str, tuple[float, float]]) -> str:
    """Why the constraint cannot be met by any architecture; empty when it may be."""
    for name in constraint.names:
        if name not in limits:
            return f"{constraint.text} cannot be met: no architecture has a figure {name}"
    plain = _PLAIN.fullmatch(constraint.text)
    if plain is None:
        return ""
    name, sign = plain[1], plain[2]
    kind, end = ("cheapest", 0) if sign.startswith("<") else ("dearest", 1)
    if constraint.holds({name: limits[name][end]}):
        return ""
    figure = _figure(limits[name][end])
    return f"{constraint.text} cannot be met: the {kind} architecture has {figure}"


def _figure(value: float) -> str:
    """`1.2e6`, exact up to six digits."""
    return re.sub(r"e\+?(-?)0*", r"e\1", f"{value:.6g}")


def _text(space: Space, lines: list[str]) -> str:
    remedy = "Loosen the constraint, or offer other choices, optional layers or smaller repeats."
    return "\n  ".join([f"{space.name}: no architecture is feasible", *lines]) + f"\n{remedy}"
