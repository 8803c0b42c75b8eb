"""An attribution as rows and as JSON: one row per option, exact figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from itnet_nas.analysis.attributed import Attribution


def attribution_frame(found: Attribution) -> pd.DataFrame:
    """One row per place, axis and option.

    place, of, option, probability (of the option in the space), effect, effect_low, effect_high (in
    units of quality), share, share_low, share_high (of its group), resolved, reason, complete,
    failed, on_front, front (members of it), front_low, front_high (95 % interval of the share on
    the front).
    """
    import pandas as pd

    rows = [
        (
            group.place, group.what, one.option, one.probability, one.value, one.low, one.high,
            group.share, group.share_low, group.share_high, group.resolved, group.reason,
            one.complete, one.failed, one.front.count, one.front.members, one.front.low,
            one.front.high,
        )
        for group in found.groups
        for one in group.effects
    ]  # fmt: skip
    columns = [
        "place", "of", "option", "probability", "effect", "effect_low", "effect_high", "share",
        "share_low", "share_high", "resolved", "reason", "complete", "failed", "on_front", "front",
        "front_low", "front_high",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def attribution_json(found: Attribution) -> dict[str, Any]:
    """All of it, plain values; `groups`, `places` and `pairs` are lists of objects."""
    plain = asdict(found)
    plain["leans"] = found.leans
    for group, of in zip(plain["groups"], found.groups, strict=True):
        group["resolved"] = of.resolved
        for effect, one in zip(group["effects"], of.effects, strict=True):
            effect["resolved"] = one.resolved
            effect["front"]["differs"] = one.front.differs
    return plain
