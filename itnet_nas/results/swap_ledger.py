"""`SwapLedger`: what a certificate was made from: retrained candidates, and their swaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, final

from pydantic import BaseModel, ConfigDict, Field

from itnet_nas.results.side_ledger import SideLedger

if TYPE_CHECKING:
    from itnet_nas.results.ledger import Ledger

CERTIFICATES = """
CREATE TABLE IF NOT EXISTS certificates (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
"""


class CertificateRequest(BaseModel):
    """What was asked: which trial, with how many paired seeds, how many swaps of an axis."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    trial: Annotated[int, Field(ge=0)]
    seeds: Annotated[int, Field(ge=2)] = 5
    most: Annotated[int, Field(ge=1, description="swaps of one axis at most")] = 2


@final
class SwapLedger(SideLedger):
    """The trainings of certificates, and what was asked for."""

    verb: ClassVar[str] = "certify"

    def __init__(self, of: Ledger) -> None:
        super().__init__(of, "swap")

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
