"""The first trials of a run: the families that the layers of another run were measured to be.

Of the other run the complete trial of the best quality counts. Each layer here is held against the
layer of the same name there; where no name is the same but the number of layers is, against the
one at the same place. Every family of a layer is represented by its choice nearest to what was
measured (the cheapest one of several), and the trials are the combinations of least distance,
summed over the layers, again the cheapest first. A layer that has no counterpart is left out where
it may be, and else has its cheapest choice; an optional edge is there where it is in the other
network.

They are worked out once and written into the new run as its first jobs, so that going on with it
needs nothing of the other one.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from itnet_nas.analysis.matching import distance
from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import Genotype, realise
from itnet_nas.arch.named import named_architectures
from itnet_nas.arch.plan import plan_of
from itnet_nas.errors import RunError, SpaceError
from itnet_nas.results.store import Store
from itnet_nas.search.controller import Controller
from itnet_nas.search.jobs import make_job
from itnet_nas.search.session import trial_seed
from itnet_nas.space.findings import Findings
from itnet_nas.space.seeds import FROM, no_run
from itnet_nas.space.space import INPUT, OUTPUT
from itnet_nas.space.spec import SeedsSpec
from itnet_nas.space.values import listed
from itnet_nas.space.written import written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.plan import Plan, Slot
    from itnet_nas.kernels.site import Domain
    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.measured import Scores
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Choice, Space

NAME = "seeds"  # who proposed these trials, as records have it
MOST_TRIED = 10_000  # combinations, before nothing is said to meet the constraints


@final
class _Unusable(Exception):
    """Why the other run gives no first trials, and what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@final
@dataclass(frozen=True)
class _Option:
    """One answer for a slot: the index of its choice, None for a layer that is left out."""

    distance: float
    flops: int
    choice: int | None


@final
@dataclass(frozen=True)
class _Measured:
    """The other network: what its layers were measured to do, and its edges.

    `partner` has for each layer here that has one the name of its counterpart there.
    """

    scores: dict[str, Scores]
    edges: frozenset[tuple[str, str]]
    domain: Domain
    partner: dict[str, str]

    def of(self, name: str) -> Scores | None:
        """What the counterpart of a layer here was measured to do."""
        there = self.partner.get(name)
        return None if there is None else self.scores[there]


def seed_jobs(
    space: Space,
    folder: Path,
    source_text: str = "",
    *,
    first: int = 0,
    known: Collection[str] = (),
) -> list[TrialJob]:
    """The first jobs of a run in `folder`; none where `search.seeds` is not given.

    first   the number of the first of them
    known   keys that were trained already and are left out

    Raises SpaceError where there cannot be any: what is named breaks a constraint; or there is no
    run, nothing in it was measured, no layer has a counterpart, no near architecture meets the
    constraints. The problem has its line and column where `source_text`, the text of the file, is
    given.
    """
    new = {one.key: one for one in seed_architectures(space, source_text) if one.key not in known}
    return [
        make_job(
            space,
            space.search,
            architecture,
            number=number,
            seed=trial_seed(space.search.seed, architecture.key),
            proposed_by=NAME,
            checkpoint=folder / Controller.checkpoints / str(number),
            keep_weights=space.search.keep_weights != "none",
            probe=space.search.probe,
        )
        for number, architecture in enumerate(
            itertools.islice(new.values(), space.search.trials), start=first
        )
    ]


def seed_architectures(space: Space, source_text: str = "") -> list[Architecture]:
    """What a run begins with, in order. Raises SpaceError as `seed_jobs` does."""
    seeds = space.search.seeds
    if seeds is None:
        return []
    if not isinstance(seeds, SeedsSpec):
        return list(named_architectures(space, source_text).values())
    try:
        return nearest_architectures(
            space, Path(seeds.source), min(seeds.trials, space.search.trials)
        )
    except _Unusable as error:
        findings = Findings(written(space, source_text, FROM))
        findings.add(FROM, str(error), error.remedy)
        raise SpaceError(findings.source.name, findings.problems) from None


def nearest_architectures(space: Space, folder: Path, most: int) -> list[Architecture]:
    """At most `most` different members of the space, the nearest one first; at least one."""
    measured = _measured(space, folder)
    plan = plan_of(space)
    counts = _counts(space, plan, measured)
    edges = tuple(_edge_is_there(plan, pairs, measured) for pairs in plan.edge_slots)
    options = [
        _options(plan, slot, measured) if slot.active(counts) else [_Option(0.0, 0, None)]
        for slot in plan.slots
    ]
    found: dict[str, Architecture] = {}
    for tried, choices in enumerate(_combinations(options)):
        if len(found) == most or tried == MOST_TRIED:
            break
        try:
            architecture = realise(space, Genotype(choices, edges, counts))
        except ValueError:
            continue  # no layer is left
        if feasible(space, architecture):
            found.setdefault(architecture.key, architecture)
    if not found:
        raise _Unusable(
            f'no architecture near what was measured in "{folder}" meets the constraints of this '
            f"space: {', '.join(space.constraints) or 'at least one layer must be there'}",
            "loosen the constraints, or leave search.seeds out",
        )
    return list(found.values())


def _measured(space: Space, folder: Path) -> _Measured:
    missing = no_run(folder)
    if missing is not None:
        raise _Unusable(*missing)
    try:
        with Store.open(folder) as store:
            other, records = store.space, store.records()
    except RunError as error:
        raise _Unusable(str(error), "take another run, or leave search.seeds out") from error
    best = _best(other, records, folder)
    here, there = space.facts.domain, other.facts.domain
    if (here.kind, here.causal) != (there.kind, there.causal):
        raise _Unusable(
            f'the layers of the run in "{folder}" were measured on a {there}, and here they stand '
            f"on a {here}",
            "take a run on the same kind of domain, or leave search.seeds out",
        )
    scores = {
        layer.name: best.probe[layer.name].trained
        for layer in best.architecture.layers
        if layer.name in best.probe
    }
    return _Measured(
        scores, frozenset(best.architecture.edges), there, _partners(space, list(scores), folder)
    )


def _best(other: Space, records: Sequence[TrialRecord], folder: Path) -> TrialRecord:
    complete = [record for record in records if record.complete]
    if not complete:
        raise _Unusable(
            f'no trial of the run in "{folder}" is complete',
            f"go on with it: `itnet-nas resume {folder}`",
        )
    probed = [record for record in complete if record.probe]
    if not probed:
        raise _Unusable(
            f'no layer of the run in "{folder}" was measured: it was searched with '
            f"`probe: false`, or before layers were measured at all",
            "search that space again with `probe: true`, or leave search.seeds out",
        )
    quality = other.objectives[0]
    sign = 1 if quality.direction == "min" else -1
    return min(probed, key=lambda one: (sign * one.objectives[quality.name], one.number))


def _partners(space: Space, there: list[str], folder: Path) -> dict[str, str]:
    names = [layer.name for layer in space.layers]
    same = {name: name for name in names if name in there}
    if same:
        return same
    if len(names) == len(there):
        return dict(zip(names, there, strict=True))
    raise _Unusable(
        f'no layer here is called like one that was measured in "{folder}" ({listed(there)}), and '
        f"there are {len(names)} here and {len(there)} there, so order does not match them either",
        "give layers that correspond to each other the same name, or leave search.seeds out",
    )


def _counts(space: Space, plan: Plan, measured: _Measured) -> tuple[int, ...]:
    """Per repeat the least number of copies that holds every layer with a counterpart."""
    found = []
    for repeat, counts in zip(space.repeats, plan.counts, strict=True):
        last = 1
        for copy, names in enumerate(repeat.copies, start=1):
            if any(name in measured.partner for name in names):
                last = copy
        found.append(next((count for count in counts if count >= last), counts[-1]))
    return tuple(found)


def _edge_is_there(plan: Plan, pairs: Sequence[tuple[int, int]], measured: _Measured) -> bool:
    called = {INPUT: INPUT, OUTPUT: OUTPUT, **measured.partner}
    return any(
        (called.get(plan.names[source]), called.get(plan.names[target])) in measured.edges
        for source, target in pairs
    )


def _options(plan: Plan, slot: Slot, measured: _Measured) -> list[_Option]:
    """One for each family, nearest first; or the one of a layer without a counterpart."""
    scores = [one for node in slot.nodes if (one := measured.of(plan.names[node])) is not None]
    if not scores and slot.optional:
        return [_Option(0.0, 0, None)]
    options: dict[str, _Option] = {}
    for index, choice in enumerate(slot.choices):
        option = _Option(_far(choice, scores, measured.domain), choice.cost.flops, index)
        known = options.get(choice.family)
        if known is None or _order(option) < _order(known):
            options[choice.family] = option
    nearest = sorted(options.values(), key=_order)
    return nearest if scores else nearest[:1]


def _far(choice: Choice, scores: Sequence[Scores], domain: Domain) -> float:
    # Rounded, so that what differs in how sums came out alone is a tie.
    return round(sum(distance(choice.bias, one, domain) for one in scores), 6)


def _order(option: _Option) -> tuple[float, int]:
    return option.distance, option.flops


def _combinations(options: Sequence[Sequence[_Option]]) -> Iterator[tuple[int | None, ...]]:
    """Every combination of one option per slot, by distance, then by cost."""

    def ranked(places: tuple[int, ...]) -> tuple[float, int, tuple[int, ...]]:
        taken = [slot[place] for slot, place in zip(options, places, strict=True)]
        far = round(sum(one.distance for one in taken), 6)
        return far, sum(one.flops for one in taken), places

    first = (0,) * len(options)
    heap, seen = [ranked(first)], {first}
    while heap:
        _, _, places = heapq.heappop(heap)
        yield tuple(slot[place].choice for slot, place in zip(options, places, strict=True))
        for index, slot in enumerate(options):
            after = (*places[:index], places[index] + 1, *places[index + 1 :])
            if after[index] < len(slot) and after not in seen:
                seen.add(after)
                heapq.heappush(heap, ranked(after))
