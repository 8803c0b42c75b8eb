"""`SwapLedger`: what a certificate was made from: retrained candidates, and their swaps.

These trainings stand beside the search, not in it: they repeat seeds, so they must not be counted
as trials, shown on a front or learned from by a strategy. A run from before certificates has no
such tables; it reads as empty, and opening it for writing adds them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, final

from pydantic import BaseModel, ConfigDict, Field

from itnet_nas.results.ledger import Ledger, M

SWAP_TABLES = """
CREATE TABLE IF NOT EXISTS certificates (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS swap_jobs    (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS swap_records (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
"""


class CertificateRequest(BaseModel):
    """What was asked: which trial, with how many paired seeds, how many swaps of an axis."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    trial: Annotated[int, Field(ge=0)]
    seeds: Annotated[int, Field(ge=2)] = 5
    most: Annotated[int, Field(ge=1, description="swaps of one axis at most")] = 2


@final
class SwapLedger(Ledger):
    """Numbered apart from the trials of the search."""

    table: ClassVar[str] = "swap_"

    def request(self, asked: CertificateRequest) -> None:
        """Keep what was asked, so that a report can say what was answered."""
        with self._writing(f"the request for a certificate of trial {asked.trial}"):
            self._db.execute(
                "INSERT INTO certificates SELECT COALESCE(MAX(number), -1) + 1, ? "
                "FROM certificates",
                (asked.model_dump_json(),),
            )

    def requests(self) -> dict[int, CertificateRequest]:
        """Trial -> what was asked last of it; the trial that was asked for last comes last."""
        found: dict[int, CertificateRequest] = {}
        for asked in self._models(
            CertificateRequest, "SELECT json FROM certificates ORDER BY number"
        ):
            found.pop(asked.trial, None)
            found[asked.trial] = asked
        return found

    def _models(self, model: type[M], query: str) -> list[M]:
        there = self._all("SELECT name FROM sqlite_master WHERE name = 'swap_records'")
        return super()._models(model, query) if there else []
