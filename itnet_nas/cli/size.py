"""How large a space is and what its members cost: for `check` and for a dry run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.numbers import span

if TYPE_CHECKING:
    from itnet_nas.space.space import Space


@dataclass(frozen=True)
class Size:
    """`raw` counts answers to all decisions, `distinct` the architectures that they give.

    `distinct` is None where there are too many to compare them all.
    """

    raw: int
    distinct: int | None
    bounds: dict[str, tuple[float, float]]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "raw": self.raw,
            "distinct": self.distinct,
            "costs": {name: {"min": low, "max": high} for name, (low, high) in self.bounds.items()},
        }

    def rows(self) -> list[list[str]]:
        """Rows for a table of two columns."""
        distinct = "too many to tell equal ones apart"
        if self.distinct is not None:
            distinct = f"{digits(self.distinct)} distinct"
        rows = [["architectures", f"{digits(self.raw)} raw, {distinct}"]]
        rows += [[name, span(low, high)] for name, (low, high) in self.bounds.items()]
        return rows


def size_of(space: Space) -> Size:
    """Count the space and price its extremes; nothing is trained."""
    from itnet_nas.arch.cost import bounds
    from itnet_nas.arch.count import count as counted

    found = counted(space)
    return Size(found.raw, found.distinct, bounds(space))


def digits(number: int) -> str:
    """Digits as long as they can be read, else a power of ten."""
    return f"{number:,}".replace(",", " ") if number < 10**9 else f"{number:.3e}"
