"""One colour per kernel family, the same in every picture of a space.

The colours are those of Okabe and Ito (2008), which stay apart for colour-blind readers; families
are told apart by their names all the same, since colours run out and prints are grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


@dataclass(frozen=True)
class Colour:
    """A fill, and the text colour that can be read on it (contrast at least 4.5 to 1)."""

    fill: str
    text: str
    ansi: int  # the nearest of the 256 colours of a terminal


OKABE_ITO = (
    Colour("#E69F00", "#000000", 214),
    Colour("#56B4E9", "#000000", 74),
    Colour("#009E73", "#000000", 36),
    Colour("#F0E442", "#000000", 227),
    Colour("#0072B2", "#FFFFFF", 25),
    Colour("#D55E00", "#000000", 166),
    Colour("#CC79A7", "#000000", 175),
)


def palette(space: Space, records: Iterable[TrialRecord] = ()) -> dict[str, Colour]:
    """Family -> colour, for every family of the space and of the records."""
    families = {choice.family for layer in space.layers for choice in layer.choices}
    families |= {layer.family for record in records for layer in record.architecture.layers}
    return assign(families)


def assign(families: Iterable[str]) -> dict[str, Colour]:
    """Each family takes the colour that its name hashes to, or the next one that is free.

    So a family mostly keeps its colour when others join; from the eighth on colours are shared.
    """
    found: dict[str, Colour] = {}
    size = len(OKABE_ITO)
    for family in sorted(families):
        start = blake2b(family.encode(), digest_size=2).digest()[0] % size
        turns = [OKABE_ITO[(start + turn) % size] for turn in range(size)]
        used = list(found.values())
        found[family] = min(turns, key=used.count)
    return found
