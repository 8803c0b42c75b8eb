"""What a search begins with, for those who look first: seeds, and another run's trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itnet_nas.space.space import Space


def seed_labels(space: Space, source_text: str = "") -> list[str]:
    """The architectures that the file names, in their order, one line each.

    Of another run's layers it says that much: they are looked at when the search begins. Raises
    SpaceError where a named architecture breaks a constraint.
    """
    from itnet_nas.analysis.numbers import count
    from itnet_nas.arch.named import named_architectures
    from itnet_nas.space.spec import SeedsSpec

    seeds = space.search.seeds
    if isinstance(seeds, SeedsSpec):
        nearest = count(seeds.trials, "architecture")
        return [f"at most {nearest} near what was measured in {seeds.source}"]
    return [one.label for one in named_architectures(space, source_text).values()]


def seed_rows(labels: list[str]) -> list[list[Any]]:
    """Rows of a table of two columns."""
    return [["seed", label] for label in labels]


def show_beginning(space: Space, source_text: str) -> tuple[list[list[Any]], dict[str, Any]]:
    """(rows of a table, the same as plain JSON) of all that comes before the first proposal.

    Raises what a search raises that cannot begin like this.
    """
    from itnet_nas.search.seeding import seed_architectures
    from itnet_nas.search.warm_start import warm_start

    taken = warm_start(space, source_text)
    known = {record.key for record in taken.results}
    every = {one.key: one for one in seed_architectures(space, source_text)}
    seeds = [one.label for one in every.values() if one.key not in known][: space.search.trials]
    rows = [["begins with", note] for note in taken.notes] + seed_rows(seeds)
    plain = {"seeds": seeds, "imported": len(taken.results), "priors": len(taken.priors)}
    return rows, plain
