"""A baseline in sentences: the first is the short one, the others say what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.analysis.numbers import count

if TYPE_CHECKING:
    from itnet_nas.analysis.baseline import Baseline, Needed

ITSELF = "this search is random search: it is its own baseline"
TOO_FEW = (
    "too few trials were drawn at random, or are complete, to say what random search would reach; "
    "`--with-baseline` makes it"
)


def headline(found: Baseline) -> str:
    """One line, without a capital or a full stop: `random search needed 40 trials for …`."""
    if found.kind == "itself" or found.needed is None:
        return ITSELF if found.kind == "itself" else _nothing(found)
    needed = found.needed
    here = f"for what this search reached in {needed.search}"
    if found.kind == "real":
        return f"random search needed {count(needed.random or needed.known, 'trial')} {here}"
    if needed.random is None:
        trials = f"more than {needed.known} trials"
    else:
        trials = f"about {count(needed.random, 'trial')}"
    rests = f"estimated from {count(found.drawn, 'random trial')}"
    return f"random search would need {trials} {here} ({rests})"


def sentences(found: Baseline) -> list[str]:
    """All there is to say, in whole sentences."""
    first = headline(found)
    lines = [first[0].upper() + first[1:] + "."]
    if found.kind == "itself":
        return lines
    would = "reached" if found.kind == "real" else "would reach about"
    lines.append(
        f"After {count(found.budget, 'trial')} random search {would} a hypervolume of "
        f"{found.hypervolume:.3f}, this search {found.search:.3f}."
    )
    difference, interval = found.difference
    if interval is not None:
        low, high = interval
        lines.append(
            f"The difference is {difference:+.3f}; against 95 of 100 random searches of that "
            f"length, as the model has them, it lies between {low:+.3f} and {high:+.3f}. That "
            f"covers the luck of what is drawn at random and of its training, not the luck of this "
            f"search, which is one run: another seed of it may do better or worse."
        )
    if found.kind == "estimated" and found.needed is not None and found.needed.interval is not None:
        lines.append(f"The model has 95 of 100 random searches need {_span(found.needed)}.")
    if found.model:
        made = "The band" if found.kind == "real" else "Curve and band"
        lines.append(
            f"{made}: random searches simulated on a {found.model}; costs, where they can be "
            f"computed, are exact."
        )
    if found.kind == "estimated":
        lines.append("`--with-baseline` makes random search instead.")
    return lines


def _nothing(found: Baseline) -> str:
    return f"random search dominated nothing in {count(found.budget, 'trial')}"


def _span(needed: Needed) -> str:
    least, most = needed.interval or (None, None)
    if least is None:
        return f"more than {needed.known} trials"
    if most is None:
        return f"from {least} to more than {needed.known} trials"
    return count(least, "trial") if least == most else f"{least} to {most} trials"
