"""What a contract found: every check at every place, and which checks were needed but did not run.

A check has one of three outcomes: it holds, it is broken, or it did not run, because it found
nothing to measure there. What did not run proves nothing; so a contract also says what it *needs*,
read off what the plugin declares, and an examination holds only if all of that ran.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from itnet_nas.testing.bench import ContractBroken, Skipped, conduct

if TYPE_CHECKING:
    from collections.abc import Callable


class Outcome(NamedTuple):
    """One check at one place: a case and a site, a case alone, or the plugin as a whole ("")."""

    capability: str
    check: str
    case: str = ""
    site: str = ""
    broken: str = ""  # why; empty where it holds
    skipped: str = ""  # why nothing was measured; empty where it ran

    @property
    def ran(self) -> bool:
        """Whether something was measured."""
        return not self.skipped

    @property
    def where(self) -> str:
        """Case and site in one word."""
        return "-".join(part for part in (self.case, self.site) if part)


class Need(NamedTuple):
    """A check that has to run for a case at one site at least."""

    capability: str
    check: str
    case: str = ""


class Tally(NamedTuple):
    """What became of the checks of one capability.

    `needed` is how many (check, case) have to run at one site at least, `missing` how many of them
    did not.
    """

    ran: int
    needed: int
    broken: int
    missing: int


@dataclass(frozen=True)
class Examination:
    """Everything that one plugin was asked."""

    name: str
    outcomes: tuple[Outcome, ...]
    needs: tuple[Need, ...]

    @property
    def ran(self) -> int:
        """How many checks measured something."""
        return sum(outcome.ran for outcome in self.outcomes)

    @property
    def broken(self) -> list[Outcome]:
        """Those that do not hold."""
        return [outcome for outcome in self.outcomes if outcome.broken]

    @property
    def missing(self) -> list[tuple[Need, str]]:
        """What had to run and did not, with the reasons that the check gave for it."""
        ran = {(outcome.check, outcome.case) for outcome in self.outcomes if outcome.ran}
        return [
            (need, self._reasons(need)) for need in self.needs if (need.check, need.case) not in ran
        ]

    @property
    def holds(self) -> bool:
        """Nothing is broken, and whatever had to run ran."""
        return not self.broken and not self.missing

    def tallies(self) -> dict[str, Tally]:
        """Counts by capability, in the order in which they were examined."""
        missing = [need for need, _ in self.missing]
        names = [one.capability for one in self.outcomes] + [one.capability for one in self.needs]
        return {
            name: Tally(
                ran=sum(one.ran for one in self.outcomes if one.capability == name),
                needed=sum(one.capability == name for one in self.needs),
                broken=sum(one.capability == name for one in self.broken),
                missing=sum(one.capability == name for one in missing),
            )
            for name in dict.fromkeys(names)
        }

    def _reasons(self, need: Need) -> str:
        same = [one for one in self.outcomes if (one.check, one.case) == (need.check, need.case)]
        reasons = dict.fromkeys(one.skipped for one in same)
        return "; ".join(reasons) or "it was tried nowhere"


def outcome(
    capability: str, check: Callable[[Any], None], subject: Any, case: str = "", site: str = ""
) -> Outcome:
    """Run one check and take down what became of it; an error inside a plugin counts as broken."""
    name = check.__name__
    try:
        conduct(check, subject)
    except Skipped as skipped:
        return Outcome(capability, name, case, site, skipped=str(skipped))
    except Exception as error:
        return Outcome(capability, name, case, site, broken=reason(error))
    return Outcome(capability, name, case, site)


def reason(error: Exception) -> str:
    """The text of a broken promise, or the kind and the text of any other error."""
    return str(error) if isinstance(error, ContractBroken) else f"{type(error).__name__}: {error}"
