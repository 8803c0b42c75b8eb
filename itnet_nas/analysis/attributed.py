"""The values that `attribution` gives: plain figures, in units of the quality objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from itnet_nas.analysis.numbers import count

if TYPE_CHECKING:
    from itnet_nas.analysis.good_ones import Shared

RANDOM_ENOUGH = 20  # random trials, below which effects lean on the strategy


@final
@dataclass(frozen=True)
class Effect:
    """One option of a group, in units of the quality objective.

    probability   its share of the space
    value         E[quality | option] − E[quality]; low, high: 95 % credible interval
    families      of a layer, those that may have it: an axis value of one family says of the space
                  what that family says
    complete      trials that have it, and `failed` beside them
    front         how often it is on the front
    """

    option: str
    families: tuple[str, ...]
    probability: float
    value: float
    low: float
    high: float
    complete: int
    failed: int
    front: Shared

    @property
    def resolved(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    @property
    def label(self) -> str:
        """`window`, and `feedback (gru)` where one family alone has it."""
        alone = len(self.families) == 1 and self.families[0] not in self.option
        return f"{self.option} ({self.families[0]})" if alone else self.option


@final
@dataclass(frozen=True)
class GroupEffects:
    """The options of one place and axis.

    share    of the variance of the quality over the space, 0 to 1, with its 95 % interval
    reason   why nothing is resolved; "" where something is
    """

    place: str
    of: tuple[str, ...]
    effects: tuple[Effect, ...]
    share: float
    share_low: float
    share_high: float
    reason: str

    @property
    def resolved(self) -> bool:
        """Whether some option changes the quality beyond doubt."""
        return not self.reason

    @property
    def what(self) -> str:
        """`support`, `family = content`."""
        return " = ".join(self.of)


@final
@dataclass(frozen=True)
class PlaceShare:
    """All that is decided at one place: a layer's family, params, and whether it is there."""

    place: str
    share: float
    share_low: float
    share_high: float
    resolved: bool


@final
@dataclass(frozen=True)
class PairShare:
    """Two groups that work together: the share of the variance beyond both, and its 95 % interval.

    cell    the options whose combination stands out most, `beyond` what it changes beyond the sum
            of the two, in units of quality
    """

    first: str
    second: str
    share: float
    low: float
    high: float
    cell: tuple[str, str]
    beyond: float
    beyond_low: float
    beyond_high: float
    resolved: bool


@final
@dataclass(frozen=True)
class Attribution:
    """What `attribution` found; `groups`, `places`, `pairs` are empty where nothing was fitted.

    surrogate     which model, `r2` its leave-one-out R², `noise` of one training
    explained     share of the variance over the space that its mean explains
    complete      trials, of which `random` were proposed without looking at results; `fitted` of
                  them are in the fit
    failed        trials that are in no fit
    front         members of the front; `told_apart`: the smallest difference from a share of one
                  half that so many can show, None where none would do
    reason        why nothing at all is resolved; "" where something may be
    """

    quality: str
    direction: Literal["min", "max"]
    surrogate: str
    r2: float
    noise: float
    explained: float
    complete: int
    fitted: int
    random: int
    failed: int
    front: int
    told_apart: float | None
    groups: tuple[GroupEffects, ...]
    places: tuple[PlaceShare, ...]
    pairs: tuple[PairShare, ...]
    reason: str

    @property
    def leans(self) -> str:
        """Why the effects lean on the strategy; "" where they do not."""
        if self.random >= RANDOM_ENOUGH:
            return ""
        return (
            f"{count(self.random, 'trial')} of {self.complete} drawn at random, fewer than "
            f"{RANDOM_ENOUGH}: the effects lean on what the strategy chose to try"
        )
