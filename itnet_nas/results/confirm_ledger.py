"""`ConfirmLedger`: the front again, under fresh seeds, round by round.

A round is planned whole, in one transaction: every training that it asks for stands in the ledger
before the first of them begins, so a confirmation that is killed goes on with the candidates and
the seeds that it began with. Each round reads the test split once; the number of rounds is the
number of times that it was looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from itnet_nas.results.record import Replicate
from itnet_nas.results.side_ledger import SideLedger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.ledger import Ledger
    from itnet_nas.results.record import TrialRecord

TEST = "test_"  # what the figures of the test split begin with, in a record of a single training
_ROUND = "confirmation "


@final
class ConfirmLedger(SideLedger):
    """The trainings of confirmations."""

    verb: ClassVar[str] = "confirm"

    def __init__(self, of: Ledger) -> None:
        super().__init__(of, "confirm")

    def plan(self, jobs: Iterable[TrialJob]) -> None:
        """Keep the jobs of a round, all of them or none."""
        with self._writing("the plan of the confirmation"):
            self._db.executemany(
                f"INSERT INTO {self.table}jobs VALUES (?, ?)",
                [(job.number, job.model_dump_json()) for job in jobs],
            )

    def left(self) -> int:
        """How many trainings that were planned have not ended."""
        return sum(len(job.seeds) or 1 for job in self.pending())

    def rounds(self) -> int:
        """How many rounds were planned."""
        return rounds(job.proposed_by for job in self.jobs())


def called(number: int, rule: str) -> str:
    """What the trainings of round `number`, from 1, are proposed by: the round and its rule."""
    return f"{_ROUND}{number}: {rule}"


def rounds(proposed_by: Iterable[str]) -> int:
    """How many rounds there are among what `called` gave."""
    return len({text.partition(":")[0] for text in proposed_by if text.startswith(_ROUND)})


def rule_of(records: Sequence[TrialRecord]) -> str:
    """The rule by which the newest round chose; "" where there is none."""
    newest = max(records, key=lambda record: record.number, default=None)
    return "" if newest is None else newest.proposed_by.partition(": ")[2]


def trainings(record: TrialRecord) -> tuple[Replicate, ...]:
    """The trainings that a record speaks of: its replicates, or the one that it is; none failed."""
    if not record.complete:
        return ()
    if record.replicates:
        return record.replicates
    test = {
        name.removeprefix(TEST): figure
        for name, figure in record.figures.items()
        if name.startswith(TEST)
    }
    return (Replicate(seed=record.seed, objectives=record.objectives, test=test),)
