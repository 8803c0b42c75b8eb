"""`play`: a search on a ground, with all that was asked and answered on the way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from itnet_nas.results.record import TrialRecord, TrialState
from itnet_nas.testing.bench import ContractBroken, demand
from itnet_nas.testing.examination import reason
from itnet_nas.testing.searcher_process import Question, told
from itnet_nas.testing.simulated import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.search.searcher import Proposal, Searcher
    from itnet_nas.space.space import Space
    from itnet_nas.testing.searcher_grounds import Ground

    Ending = Callable[[int], TrialState]


class Log(NamedTuple):
    """A search that was played: its records, and what was asked and answered on the way."""

    records: list[TrialRecord]
    questions: list[Question]
    answers: list[list[str] | None]


class _Taken:
    """Asks a searcher, and takes down what was asked."""

    def __init__(self, searcher: Searcher) -> None:
        self.searcher = searcher
        self.questions: list[Question] = []
        self.answers: list[list[str] | None] = []

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        number = len(self.questions)
        self.questions.append(Question(space, tuple(records), tuple(pending), f"0:{number}"))
        proposal = self.searcher.ask(space, records, pending, rng)
        self.answers.append(told(proposal))
        return proposal


def play(
    searcher: Searcher,
    ground: Ground,
    workers: int = 1,
    ending: Ending = lambda number: TrialState.COMPLETE,
) -> Log:
    """A search on a ground; `ending` says how each trial ends."""

    def record(number: int, architecture: Architecture, by: str, seed: int) -> TrialRecord:
        return ground.record(number, architecture, by, seed, ending(number))

    taken = _Taken(searcher)
    records = run(taken, ground.space, record, workers=workers)  # type: ignore[arg-type]
    return Log(records, taken.questions, taken.answers)


def some_fail(number: int) -> TrialState:
    """A third of the trials ends badly, in all ways in turn."""
    states = (TrialState.FAILED, TrialState.STOPPED, TrialState.INFEASIBLE)
    return states[number // 3 % 3] if number % 3 == 1 else TrialState.COMPLETE


def demand_new(records: Sequence[TrialRecord], where: str) -> None:
    """Each architecture once."""
    first: dict[str, int] = {}
    for record in records:
        before = first.setdefault(record.key, record.number)
        demand(
            before == record.number,
            f"{where}: proposals {before} and {record.number} are the same architecture, "
            f"{record.architecture.label}",
        )


def demand_all(records: Sequence[TrialRecord], trials: int, where: str) -> None:
    """As many proposals as were asked for."""
    demand(
        len(records) == trials,
        f"{where}: None after {len(records)} of {trials} proposals, while much is left",
    )


def in_words(number: int) -> str:
    """`one worker` or `8 workers`."""
    return "one worker" if number == 1 else f"{number} workers"


@contextmanager
def survived(where: str) -> Iterator[None]:
    """An error in here is a broken promise; the text says under which conditions it came."""
    try:
        yield
    except ContractBroken:
        raise
    except Exception as error:
        raise ContractBroken(f"{where}: {reason(error)}") from error
