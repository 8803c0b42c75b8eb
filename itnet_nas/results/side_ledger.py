"""`SideLedger`: what a run trained beside its search, and what it was told from elsewhere.

These records repeat seeds and architectures, so they must not be counted as trials or shown on a
front. A run from before a side ledger existed has no such tables; it reads as empty, and opening it
for writing adds them.

    swap_       what certificates trained
    confirm_    the front again, under fresh seeds
    baseline_   random search at the same budget
    rung_       trials at the budget where they were halted; the trial itself may go on
    prior_      records of another task, which a strategy may learn from
"""

from __future__ import annotations

from itnet_nas.results.ledger import Ledger, M

NAMES = ("swap", "confirm", "baseline", "rung", "prior")
SIDE_TABLES = "".join(
    f"CREATE TABLE IF NOT EXISTS {name}_{kind} (number INTEGER PRIMARY KEY, json TEXT NOT NULL);"
    for name in NAMES
    for kind in ("jobs", "records")
)


class SideLedger(Ledger):
    """Numbered apart from the trials of the search."""

    def __init__(self, of: Ledger, name: str) -> None:
        super().__init__(of.folder, of._db)
        self.table = f"{name}_"

    def _models(self, model: type[M], query: str) -> list[M]:
        name = f"{self.table}records"
        there = self._all(f"SELECT name FROM sqlite_master WHERE name = '{name}'")
        return super()._models(model, query) if there else []
