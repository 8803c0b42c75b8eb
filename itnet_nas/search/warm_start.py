"""What a search takes over from another run: records of architectures that are members here too.

Where the task, its data, the recipe, the width and the objectives are the same, they are results:
on the front, in the report, and never trained again. Where the task, the data or the recipe differ
they are priors, which a surrogate may learn from and nothing else does. Trials that failed or were
stopped are left: another try may end otherwise. Whatever is taken is copied, so that the new run
needs nothing of the other.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, final

from itnet_nas.analysis.numbers import count
from itnet_nas.analysis.pareto import front
from itnet_nas.arch.architecture import choice_text
from itnet_nas.arch.cost import costs
from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import contains
from itnet_nas.arch.plan import plan_of
from itnet_nas.errors import ItnetError, RunError, SpaceError
from itnet_nas.results.record import TrialState
from itnet_nas.results.store import Store
from itnet_nas.results.taken import NOTHING, Taken
from itnet_nas.search.jobs import measured_constraints
from itnet_nas.space.difference import incomparable
from itnet_nas.space.findings import Findings
from itnet_nas.space.seeds import WARM_START, no_run
from itnet_nas.space.written import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

NAME = "imported"  # who proposed these trials, as records have it: a fair draw there is none here
REASONS = 4  # that are spelled out; the others are counted together


@final
class _Unusable(Exception):
    """Why nothing can be taken over, and what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def warm_start(space: Space, source_text: str = "") -> Taken:
    """What `search.warm_start` gives; nothing where it is not set.

    Raises SpaceError where there is no run or no record of it can be used here, with line and
    column if the setting is in the file `source_text`; RunError if it was not.
    """
    if space.search.warm_start is None:
        return NOTHING
    folder = Path(space.search.warm_start)
    try:
        return taken_from(folder, space)
    except _Unusable as error:
        raise _error(space, source_text, error) from None


def taken_from(folder: Path, space: Space) -> Taken:
    """The records of a run as a run of `space` will hold them."""
    missing = no_run(folder, "search.warm_start")
    if missing is not None:
        raise _Unusable(*missing)
    with Store.open(folder) as store:
        other, records = store.space, store.records()
        as_results = _comparable(folder, other, space)
        able, reasons = _sorted_out(space, records, as_results=as_results)
        if not able:
            raise _Unusable(
                f'0 of {count(len(records), "trial")} of the run in "{folder}" can be used here: '
                f"{_spelled(reasons) or 'none has ended'}",
                "take a run whose layers, families and params are offered here too, or search "
                "without another run",
            )
        found = [_copy(one, number, folder) for number, one in enumerate(able)]
        left = f"; left out: {_spelled(reasons)}" if reasons else ""
        if not as_results:
            what = f"told beforehand of {count(len(found), 'trial')} of {folder}"
            why = f"no results, since {_differing(other, space)}"
            return Taken(priors=tuple(found), notes=(f"{what}: {why}{left}",))
        found = [_judged(space, one) for one in found]
        kept = {"none": [], "front": front(space, found), "all": found}[space.search.keep_weights]
        files = {one.number: store.weights_file(able[one.number].number) for one in kept}
        what = f"{count(len(found), 'result')} taken over from {folder}, not trained again"
        return Taken(
            results=tuple(found),
            weights={number: path for number, path in files.items() if path is not None},
            notes=(f"{what}{left}",),
        )


def _comparable(folder: Path, other: Space, space: Space) -> bool:
    """Whether figures of one are figures of the other; False where they only resemble them."""
    settings = incomparable(other, space)
    fixed = [name for name in settings if name in ("width", "mlp_ratio")]
    if _is_elsewhere(other, space):
        if other.objectives[0] != space.objectives[0]:
            fixed.append("quality")
    else:
        fixed = settings
    if fixed:
        texts = [_setting(name, other, space) for name in fixed]
        raise _Unusable(
            f'no trial of the run in "{folder}" can be used here: {"; ".join(texts)}',
            f"make {' and '.join(fixed)} the same, or search without another run",
        )
    return not settings


def _is_elsewhere(other: Space, space: Space) -> bool:
    here, there = space.facts.data, other.facts.data
    return (space.task, here, space.recipe) != (other.task, there, other.recipe)


def _sorted_out(
    space: Space, records: Sequence[TrialRecord], *, as_results: bool
) -> tuple[list[TrialRecord], Counter[str]]:
    """(records that can be used, reason -> how many cannot)."""
    found: list[TrialRecord] = []
    reasons: Counter[str] = Counter()
    seen: set[str] = set()
    for record in records:
        why = _why_not(space, record, as_results=as_results)
        if not why and record.key in seen:
            why = "twice there"
        if why:
            reasons[why] += 1
        else:
            found.append(record)
            seen.add(record.key)
    return found, reasons


def _why_not(space: Space, record: TrialRecord, *, as_results: bool) -> str:
    """Why a record cannot be used; empty where it can."""
    if record.state not in (TrialState.COMPLETE, TrialState.INFEASIBLE):
        return str(record.state)
    if not contains(space, record.architecture):
        return _foreign(space, record)
    if not as_results:
        quality = space.objectives[0].name
        return "" if quality in record.objectives else f"without {quality}"
    if not feasible(space, record.architecture):
        return "break a constraint of this space"
    now = costs(space, record.architecture)
    if any(record.objectives.get(name, value) != value for name, value in now.items()):
        return "their cost is counted otherwise now"
    needed = {name for constraint in measured_constraints(space) for name in constraint.names}
    figures = {*record.figures, *record.objectives}
    if not needed <= figures:
        return f"without {' and '.join(sorted(needed - figures))}"
    return ""


def _foreign(space: Space, record: TrialRecord) -> str:
    """What an architecture has that this space does not offer."""
    index = plan_of(space).index
    for layer in record.architecture.layers:
        if layer.name not in index:
            return f'with a layer "{layer.name}"'
        if choice_text(layer.family, layer.params) not in index[layer.name]:
            return f'with {layer.label} at the layer "{layer.name}"'
    return "with layers or edges that cannot be like that here"


def _copy(record: TrialRecord, number: int, folder: Path) -> TrialRecord:
    """The record as the new run has it. Whoever trained it first stays its origin."""
    origin = record.imported or str(folder)
    return record.model_copy(update={"number": number, "imported": origin, "proposed_by": NAME})


def _judged(space: Space, record: TrialRecord) -> TrialRecord:
    """By the constraints of this space, which may be others than where it was trained."""
    figures = {**record.figures, **record.objectives}
    held = all(constraint.holds(figures) for constraint in measured_constraints(space))
    state = TrialState.COMPLETE if held else TrialState.INFEASIBLE
    return record.model_copy(update={"state": state})


def _spelled(reasons: Counter[str]) -> str:
    """`5 failed, 3 with gru at the layer "mix1"`: the most frequent first."""
    ranked = reasons.most_common()
    texts = [f"{number} {why}" for why, number in ranked[:REASONS]]
    rest = sum(number for _, number in ranked[REASONS:])
    return ", ".join([*texts, f"{rest} for other reasons"] if rest else texts)


def _differing(other: Space, space: Space) -> str:
    """What makes a record of the other run a prior here."""
    if other.task.name != space.task.name:
        return f"its task is {other.task.name}"
    if other.task != space.task:
        return "its task has other params"
    return "its data differ" if other.facts.data != space.facts.data else "its recipe differs"


def _setting(name: str, other: Space, space: Space) -> str:
    """`width is 64 there and 32 here`."""
    there, here = _text(name, other), _text(name, space)
    return f"{name} differ" if there == here else f"{name}: {there} there, {here} here"


def _text(name: str, space: Space) -> str:
    if name in ("quality", "objectives"):
        shown = space.objectives[:1] if name == "quality" else space.objectives
        return ", ".join(f"{one.name} {one.direction}" for one in shown)
    return str(space.facts.domain if name == "facts" else getattr(space, name))


def _error(space: Space, text: str, error: _Unusable) -> ItnetError:
    source = written(space, text, WARM_START)
    if WARM_START not in source.places:
        return RunError(f"{error}; {error.remedy}")
    findings = Findings(source)
    findings.add(WARM_START, str(error), error.remedy)
    return SpaceError(source.name, findings.problems)
