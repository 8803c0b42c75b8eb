"""`run`: a search without trainings, on whatever says what a training would leave."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.searcher import Proposal, Searcher
    from itnet_nas.space.space import Space


def run(
    searcher: Searcher,
    space: Space,
    record: Callable[[int, Architecture, str, int], TrialRecord],
    seed: int = 0,
    workers: int = 1,
) -> list[TrialRecord]:
    """Records of a search of `space.search.trials` trials, in the order of their numbers.

    record  (number, architecture, by, training seed) -> what the trial leaves

    All workers are busy as long as there is something to train; of the trials under way, one drawn
    at random ends first. Proposal n gets the generator `Random(f"{seed}:{n}")`, and trial n the
    training seed n. The search ends early where the searcher finds nothing new.
    """
    order = Random(f"order {seed}")
    records: list[TrialRecord] = []
    pending: dict[int, Proposal] = {}
    number, trials = 0, space.search.trials
    while True:
        while len(pending) < workers and number < trials:
            under_way = [proposal.architecture for proposal in pending.values()]
            proposal = searcher.ask(space, records, under_way, Random(f"{seed}:{number}"))
            if proposal is None:
                trials = number
                break
            pending[number] = proposal
            number += 1
        if not pending:
            return records
        done = order.choice(sorted(pending))
        proposal = pending.pop(done)
        records.append(record(done, proposal.architecture, proposal.by, done))
        records.sort(key=lambda one: one.number)
