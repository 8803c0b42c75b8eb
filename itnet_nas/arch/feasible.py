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
    from collections.abc import Iterator, Mapping

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
    ends = _ends(space, rng, tries)
    return next((end for end, excess in ends if not excess), None)


def _ends(space: Space, rng: Random, tries: int) -> Iterator[tuple[Architecture, float]]:
    """Samples that are feasible; else where walks end, and by how much that misses (`_excess`)."""
    starts = []
    for _ in range(tries):
        architecture = sample(space, rng)
        if feasible(space, architecture):
            yield architecture, 0.0
            return
        starts = [architecture]
    few = smallest(space)
    starts += rng.sample(few, min(len(few), WALKS - 1))
    for start in starts:
        yield _walk(space, start, rng)


def require_feasible(space: Space, rng: Random | None = None, tries: int = 2000) -> None:
    """Raise InfeasibleError when no architecture meets the computed constraints.

    Certain where a constraint lies outside the bounds of its figure, and where the space is small
    enough to try every architecture. Otherwise `tries` samples and walks found nothing, and the
    text says so. It also says by how much the nearest architecture misses, or the nearest that was
    found.
    """
    constraints = computed_constraints(space.constraints)
    if not constraints:
        return
    rng = rng or Random(0)
    limits = bounds(space)
    impossible = [text for c in constraints if (text := _outside(c, limits))]
    if impossible:
        raise InfeasibleError(_text(space, _nearest(space, limits, rng, tries), impossible))
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
    lines = [f"{joint} cannot be met: {tried}", *ranges]
    raise InfeasibleError(_text(space, _nearest(space, limits, rng, tries), lines))


def _nearest(
    space: Space, limits: Mapping[str, tuple[float, float]], rng: Random, tries: int
) -> str:
    """`nearest exceeds params by 2.1×`: how much the constraints are missed by at least.

    Exact where one plain constraint on a figure stands alone, since its bounds are reached, and in
    a space that is small enough to try every architecture; else of what walks led to, and `nearest
    found` says so.
    """
    constraints = computed_constraints(space.constraints)
    plain = [_PLAIN.fullmatch(constraint.text) for constraint in constraints]
    if len(plain) == 1 and plain[0] is not None and plain[0][1] in limits:
        name, end = plain[0][1], 0 if plain[0][2].startswith("<") else 1
        return f"nearest {_miss(constraints[0], {name: limits[name][end]})}"
    if raw_count(space) <= ENUMERABLE:
        kind, best = "nearest", min(enumerate_all(space), key=lambda a: _excess(space, a))
    else:
        ends = ((excess, end) for end, excess in _ends(space, rng, tries))
        kind, (_, best) = "nearest found", min(ends, key=lambda pair: pair[0])
    figures = costs(space, best)
    missed = [_miss(c, figures) for c in constraints if not _met(c, figures)]
    return f"{kind} {' and '.join(missed)}"


def _miss(constraint: Constraint, figures: Mapping[str, float]) -> str:
    """How figures miss a constraint: `exceeds params by 2.1×`."""
    plain = _PLAIN.fullmatch(constraint.text)
    if plain is None:
        return f"breaks {constraint.text}"
    name, limit = plain[1], float(plain[3])
    if name not in figures:
        return f"has no {name}"
    figure, below = figures[name], plain[2].startswith("<")
    if figure == limit:
        return f"only reaches the limit of {name}"
    words = f"exceeds {name}" if below else f"falls short of {name}"
    small = min(figure, limit)
    if small <= 0:
        return f"{words} by {_figure(abs(figure - limit))}"
    ratio = max(figure, limit) / small
    # Two digits would call a limit that is just missed 1×.
    if ratio < 1.1:
        return f"{words} by {100 * ratio - 100:.2g} %"
    return f"{words} by {ratio:.0f}×" if ratio >= 10 else f"{words} by {ratio:.2g}×"


def _walk(space: Space, architecture: Architecture, rng: Random) -> tuple[Architecture, float]:
    """Edits that miss the constraints by less and less, to where no edit does; and what is left."""
    excess = _excess(space, architecture)
    while excess:
        for near in neighbours(space, architecture, rng):
            after = _excess(space, near)
            if after < excess:
                architecture, excess = near, after
                break
        else:
            break
    return architecture, excess


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


def _text(space: Space, nearest: str, lines: list[str]) -> str:
    remedy = "Loosen the constraint, or offer other choices, optional layers or smaller repeats."
    return "\n  ".join([f"{space.name}: none feasible; {nearest}", *lines]) + f"\n{remedy}"
