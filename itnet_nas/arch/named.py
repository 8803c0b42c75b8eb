"""The architectures that a list under `search.seeds` names.

A word such as `convolution` means the whole graph: all layers, the most copies, every optional
edge. Where that breaks a computed constraint it means the smallest: no layer that may be left out,
the fewest copies. Optional edges are there in what is written layer by layer as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.arch.architecture import choice_text
from itnet_nas.arch.cost import costs
from itnet_nas.arch.feasible import computed_constraints, feasible
from itnet_nas.arch.genotype import Genotype, realise
from itnet_nas.arch.plan import plan_of
from itnet_nas.errors import SpaceError
from itnet_nas.space.findings import Findings
from itnet_nas.space.named_seeds import SEEDS, named_choices_of
from itnet_nas.space.written import written

if TYPE_CHECKING:
    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.space.named_seeds import Chosen
    from itnet_nas.space.space import Space


def named_architectures(space: Space, source_text: str = "") -> dict[str, Architecture]:
    """What a list of seeds names, in its order, by key: each architecture once.

    Raises SpaceError with everything that is wrong: no such layer, family or choice; a constraint
    that is broken, no layer left. Problems have line and column where `source_text` is the file's.
    """
    findings = Findings(written(space, source_text, SEEDS))
    found: dict[str, Architecture] = {}
    seeds = space.search.seeds
    for index, chosen in enumerate(named_choices_of(space, findings)):
        if chosen is None:
            continue
        word = isinstance(seeds, tuple) and isinstance(seeds[index], str)
        forms = [chosen, _smallest(space, chosen)] if word else [chosen]
        able = [one for form in forms if (one := _realised(space, form)) is not None]
        kept = next((one for one in able if feasible(space, one)), None)
        if kept is not None:
            found.setdefault(kept.key, kept)
        elif able:
            findings.add(
                (*SEEDS, index),
                f"{able[-1].label} {_broken(space, able[-1])}",
                "loosen the constraint, or begin with a cheaper architecture",
            )
        else:
            findings.add((*SEEDS, index), "no layer is left", "name at least one layer")
    if findings.problems:
        raise SpaceError(findings.source.name, findings.problems)
    return found


def _realised(space: Space, chosen: Chosen) -> Architecture | None:
    """The network; None where no layer is left."""
    plan = plan_of(space)
    counts = []
    for repeat, able in zip(space.repeats, plan.counts, strict=True):
        used = [
            number
            for number, names in enumerate(repeat.copies, start=1)
            if any(chosen[name] is not None for name in names)
        ]
        counts.append(min(count for count in able if count >= max(used, default=1)))
    choices: list[int | None] = []
    for slot in plan.slots:
        name = plan.names[slot.nodes[0]]
        choice = chosen[name]
        taken = choice is not None and slot.active(counts)
        choices.append(
            plan.index[name][choice_text(choice.family, choice.params)]
            if taken and choice is not None
            else None
        )
    try:
        every = tuple(True for _ in plan.edge_slots)
        return realise(space, Genotype(tuple(choices), every, tuple(counts)))
    except ValueError:
        return None


def _smallest(space: Space, chosen: Chosen) -> Chosen:
    """Without optional layers and with the fewest copies."""
    kept = {name: None if space.layer[name].optional else one for name, one in chosen.items()}
    for repeat in space.repeats:
        for names in repeat.copies[min(repeat.counts) :]:
            kept |= dict.fromkeys(names)
    return kept


def _broken(space: Space, architecture: Architecture) -> str:
    """`breaks params <= 1e4: its params are 20480`."""
    figures = costs(space, architecture)
    texts = []
    for constraint in computed_constraints(space.constraints):
        known = figures.keys() >= set(constraint.names)
        if known and constraint.holds(figures):
            continue
        has = [f"its {n} are {figures[n]:.12g}" for n in constraint.names if n in figures]
        texts.append(f"{constraint.text}: {', '.join(has) or 'it has no such figure'}")
    return f"breaks {'; '.join(texts)}"
