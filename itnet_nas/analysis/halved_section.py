"""The section of the report on trials that paused early: what it saved, and was it right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.halved import LIMIT, halved
from itnet_nas.analysis.numbers import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.beside import Beside
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


def halved_section(
    space: Space, records: Sequence[TrialRecord], beside: Beside
) -> dict[str, Any] | None:
    """Plain values for the template; None where no trial was to pause.

    lead   what was done and saved
    rows   per rung: step, rank correlation, its interval, trials that it rests on
    ends   what follows from the correlation
    """
    found = halved(space, records, beside.rungs)
    if found is None:
        return None
    steps = " and ".join(str(rung) for rung in found.rungs)
    paused = f", {found.paused} may yet go on" if found.paused else ""
    share = f", {found.spent / found.whole:.0%}" if found.whole else ""
    rows = [
        {
            "step": f"{rung} of {found.total}",
            "value": "–" if one is None else f"{one.value:.2f}",
            "interval": "–" if one is None else f"{one.low:.2f} to {one.high:.2f}",
            "trials": "too few" if one is None else str(one.pairs),
        }
        for rung, one in zip(found.rungs, found.correlations, strict=True)
    ]
    if found.off:
        ends = f"That is below {LIMIT}: halving switched itself off, and trials train in full."
    elif found.ready:
        ends = f"Below {LIMIT} halving would have switched itself off."
    else:
        ends = "Too few trials are complete: until then none is left behind."
    return {
        "lead": f"Trials paused after {steps} of {found.total} steps, and the better ones went on: "
        f"{count(found.stopped, 'trial')} stopped there{paused}. That took {found.spent} steps of "
        f"the {found.whole} that full trainings would have taken{share}.",
        "rows": rows,
        "ends": ends,
    }
