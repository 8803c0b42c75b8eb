"""The architectures that a list under `search.seeds` names, as far as a space alone can tell.

An entry is a word (`seed_words`), or a mapping from layers to what sits there:

    mix1: conv                   the cheapest choice of the family
    mix2: {conv: {radius: 3}}    the cheapest of its choices with such params
    mix3: absent                 nothing: the layer is left out

A layer that is not named is left out where it may be, and else has its cheapest choice. Of a repeat
stand as many copies as are named, or the next number above that may be; what is said of one copy of
a tied motif holds for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itnet_nas.space.seed_words import NoSuchSeed, cheapest, groups, word_choices
from itnet_nas.space.spec import SeedsSpec
from itnet_nas.space.values import ValuePath, canonical, choose, listed, plain, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itnet_nas.space.findings import Findings
    from itnet_nas.space.space import Choice, Layer, Space

    Chosen = dict[str, Choice | None]  # None where the layer is absent

SEEDS: ValuePath = ("search", "seeds")
ABSENT = "absent"
NEAREST = 3  # choices that are shown where none has the params


def named_choices_of(space: Space, findings: Findings) -> list[Chosen | None]:
    """What each entry names, in order: every layer's choice; None where something is wrong."""
    seeds = space.search.seeds
    if seeds is None or isinstance(seeds, SeedsSpec):
        return []
    found: list[Chosen | None] = []
    for index, seed in enumerate(seeds):
        path = (*SEEDS, index)
        if isinstance(seed, str):
            try:
                found.append(dict(word_choices(space, seed)))
            except NoSuchSeed as error:
                findings.add(path, str(error), error.remedy)
                found.append(None)
        else:
            found.append(_written(space, seed, path, findings))
    return found


def _written(
    space: Space, seed: Mapping[str, Any], path: ValuePath, findings: Findings
) -> Chosen | None:
    before = len(findings.problems)
    named: Chosen = {}
    for name, value in seed.items():
        if name not in space.layer:
            remedy = choose(name, "layers:", space.layer)
            findings.add((*path, name), f'there is no layer "{name}"', remedy, key=True)
            continue
        known = len(findings.problems)
        one = _one(space, space.layer[name], value, (*path, name), findings)
        if len(findings.problems) == known:
            named[name] = one
    beyond = _beyond(space, named)
    for name, choice in named.items():
        if choice is None and not space.layer[name].optional and name not in beyond:
            message = f'the layer "{name}" cannot be left out'
            findings.add((*path, name), message, "name a family, or make the layer optional")
    found: Chosen = dict.fromkeys(space.layer)
    for names in groups(space):
        there = [name for name in names if name not in beyond]
        said = [name for name in there if name in named]
        layer = space.layer[names[0]]
        one = None if layer.optional else cheapest(layer.choices)
        if said:
            one = named[said[0]]
        for other in said[1:]:
            if named[other] != one:
                message = f'"{other}" and "{said[0]}" are copies that make the same choice'
                findings.add((*path, other), message, f'leave "{other}" out')
        found |= dict.fromkeys(there, one)
    return found if len(findings.problems) == before else None


def _one(
    space: Space, layer: Layer, value: Any, path: ValuePath, findings: Findings
) -> Choice | None:
    """The choice that is asked for; None for an absent layer and where there is a problem."""
    if value == ABSENT:
        return None
    family, params = (value, {}) if isinstance(value, str) else next(iter(value.items()))
    at = path if isinstance(value, str) else (*path, family)
    families = list(dict.fromkeys(choice.family for choice in layer.choices))
    if family not in families:
        findings.add(
            at,
            f'the layer "{layer.name}" offers no "{family}"',
            choose(family, "it offers", families),
            key=not isinstance(value, str),
        )
        return None
    choices = [choice for choice in layer.choices if choice.family == family]
    known = list(dict.fromkeys(name for choice in choices for name in choice.params))
    unknown = [name for name in params if name not in known]
    for name in unknown:
        message = f'"{family}" has no parameter "{name}"'
        findings.add((*at, name), message, choose(name, "its parameters are", known), key=True)
    able = [choice for choice in choices if _has(choice, params)]
    if able:
        return cheapest(able)
    if not unknown:
        near = sorted(choices, key=lambda choice: _far(choice, params))[:NEAREST]
        asked = ", ".join(f"{name}={show(value)}" for name, value in params.items())
        findings.add(
            at,
            f'the layer "{layer.name}" offers no {family} with {asked}',
            f"the nearest that it offers: {listed([choice.label for choice in near])}",
            key=True,
        )
    return None


def _has(choice: Choice, params: Mapping[str, Any]) -> bool:
    return all(
        name in choice.params and _same(choice.params[name], value)
        for name, value in params.items()
    )


def _same(one: Any, other: Any) -> bool:
    """1 is 1.0, as a file may have either; a boolean is no number."""
    if _is_number(one) and _is_number(other):
        return bool(one == other)
    return canonical(plain(one)) == canonical(plain(other))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _far(choice: Choice, params: Mapping[str, Any]) -> tuple[int, float]:
    """How many params differ, and by how much those that are numbers do."""
    pairs = [(choice.params.get(name), value) for name, value in params.items()]
    apart = [(one, other) for one, other in pairs if not _same(one, other)]
    numbers = [abs(a - b) for a, b in apart if _is_number(a) and _is_number(b)]
    return len(apart), float(sum(numbers))


def _beyond(space: Space, named: Mapping[str, Choice | None]) -> set[str]:
    """Layers of copies that do not stand: there are no more than what is named needs."""
    found: set[str] = set()
    for repeat in space.repeats:
        used = [
            number
            for number, names in enumerate(repeat.copies, start=1)
            if any(named.get(name) is not None for name in names)
        ]
        least = max(used, default=1)
        count = min(count for count in repeat.counts if count >= least)
        found.update(name for names in repeat.copies[count:] for name in names)
    return found
