"""A random strategy with one fault.

No torch is loaded here: another process imports this file to ask the same question.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from random import Random
from typing import ClassVar, final

from itnet_nas.analysis.pareto import signed
from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.mutate import mutate
from itnet_nas.arch.sample import sample
from itnet_nas.results.record import TrialRecord
from itnet_nas.search.drawing import draw_new, known_keys
from itnet_nas.search.searcher import RANDOM, Proposal, Searcher
from itnet_nas.space.space import Space


@final
class FaultySearcher(Searcher):
    """Sound with the fault ""."""

    name: ClassVar[str] = "faulty"

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.asked = 0

    def __getstate__(self) -> dict[str, object]:
        return {"fault": self.fault, "asked": 0}

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        before = getattr(self, "_" + self.fault.replace(" ", "_"), self._sound)
        return before(space, records, pending, rng)

    def _sound(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        return self._drawn(space, known_keys(space, records, pending), rng)

    def _drawn(self, space: Space, known: set[str], rng: Random) -> Proposal | None:
        drawn = draw_new(space, known, rng)
        return None if drawn is None else Proposal(drawn, RANDOM)

    # What it proposes

    def _forgets_records(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        return self._drawn(space, known_keys(space, [], pending), Random(len(records) // 2))

    def _forgets_pending(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        return self._drawn(space, known_keys(space, records, []), Random(len(records)))

    def _leaves_the_space(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        found = self._sound(space, records, pending, rng)
        if found is None:
            return None
        return found._replace(architecture=found.architecture.model_copy(update={"width": 5}))

    def _breaks_constraints(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        free = Space(**{**_fields(space), "constraints": ()})
        return self._sound(free, records, pending, rng)

    def _calls_itself_nothing(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        found = self._sound(space, records, pending, rng)
        return None if found is None else found._replace(by="")

    def _gives_up(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        known = known_keys(space, records, pending)
        found = (sample(space, rng) for _ in range(3))
        return next((Proposal(one, RANDOM) for one in found if one.key not in known), None)

    def _wants_two_objectives(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        _, _ = space.objectives
        return self._sound(space, records, pending, rng)

    def _breaks_down(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        raise ValueError("broken down")

    # How it decides

    def _counts_its_calls(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        self.asked += 1
        return self._sound(space, records, pending, Random(self.asked))

    def _remembers_the_last_space(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        before, self.asked = self.asked, len(space.layers)
        return self._sound(space, records, pending, rng if self.asked == before else Random(1))

    def _sorts_by_hash(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        return self._sound(space, records, pending, Random(hash(f"text {len(records)}")))

    def _asks_who_it_is(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        return self._sound(space, records, pending, Random(id(self)))

    def _empties_the_records(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        found = self._sound(space, records, pending, rng)
        if isinstance(records, list):
            records[:] = records[::-1]
        return found

    def _throws_dice(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        random.random()
        return self._sound(space, records, pending, rng)

    # What it makes of results

    def _needs_a_complete_trial(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        if len(records) >= 10:
            next(record for record in records if record.complete)
        return self._sound(space, records, pending, rng)

    def _reads_figures_of_failures(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        for record in records:
            signed(record, space.objectives)
        return self._sound(space, records, pending, rng)

    def _divides_by_the_range(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        values = [one.objectives["error"] for one in records if "error" in one.objectives]
        if len(values) >= 2:
            _ = 1 / (max(values) - min(values))
        return self._sound(space, records, pending, rng)

    def _edits_strangers(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        if len(records) < 20:
            return self._sound(space, records, pending, rng)
        known = known_keys(space, records, pending)
        parents = [record.architecture for record in records]
        while (child := mutate(space, rng.choice(parents), rng)).key in known:
            pass
        return Proposal(child, self.name)

    def _takes_hearsay_for_results(self, space, records, pending, rng):  # type: ignore[no-untyped-def]
        known = {record.key for record in records} | {one.key for one in pending}
        return self._drawn(space, known, rng)


def _fields(space: Space) -> dict[str, object]:
    return {name: getattr(space, name) for name in Space.model_fields}
