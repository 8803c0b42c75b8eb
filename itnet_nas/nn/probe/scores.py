"""From sums over rows to scores, each with its interval, or with why it is not there.

    self      Σ own / Σ (own + total)             extent     Σ far / Σ even
    r90       least x with Σ_{x' ≤ x} near ≥ 0.9 Σ total
    causality Σ (past − future) / Σ (past + future)
    sharing   mean over moves of Σ follow / Σ each
    content   1 − Σ meet / Σ level                routing    1 − Σ overlap / Σ both
    pattern   1 − Σ (meet² / both) / Σ both       cos² of two rows, weighed by their energy

All sums run over positions, channels and inputs, those of content over pairs of different inputs,
so that what changes from input to input is not taken for what they share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from itnet_nas.nn.probe.interval import Resamples, estimate

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.kernels.site import Domain
    from itnet_nas.nn.probe.moves import Move
    from itnet_nas.nn.probe.sums import Sums
    from itnet_nas.results.measured import Estimate

MIXING = ("extent", "r90", "causality", "sharing", "content", "pattern", "routing")
NO_MIXING = "no mixing: no position acts on another one"
SILENT = "the output does not change with the input"
NO_ORDER = "its positions have no order"
NO_PLACES = "a set without places knows no distance"
NO_MOVE = "the domain is too small to move anything in it"
LOST = "what the layer looks at falls over the edge under every move"
ONE_INPUT = "it takes two inputs to see what changes with the input"

Found = tuple[dict[str, "Estimate"], dict[str, "Estimate"], dict[str, str]]


def scores(sums: Sums, domain: Domain, moves: list[Move], again: Resamples) -> Found:
    """(score -> estimate, move -> its sharing, score -> why it is not there)."""
    kept = sums.kept
    own, total = kept["own"], kept["total"]
    values: dict[str, Tensor | str] = {"self_share": again.ratio(own, own + total)}
    if not (own + total).any():
        # Nothing goes anywhere, so nothing goes to another position.
        values["self_share"] = torch.ones(1, dtype=torch.float64)
        values |= dict.fromkeys(MIXING, SILENT)
        return _estimated(values, {})
    if not total.any():
        values |= dict.fromkeys(MIXING, NO_MIXING)
        return _estimated(values, {})
    values |= _where(kept, domain, again)
    values |= _content(sums, again)
    shifts = {move.name: again.ratio(*sums.moved[move.name]) for move in moves}
    heard = {name: value_S for name, value_S in shifts.items() if not value_S[0].isnan()}
    counted = [heard[move.name] for move in moves if move.counts and move.name in heard]
    if counted:
        values["sharing"] = torch.stack(counted).mean(0)
    else:
        values["sharing"] = LOST if moves else NO_MOVE
    return _estimated(values, heard)


def _where(kept: dict[str, Tensor], domain: Domain, again: Resamples) -> dict[str, Tensor | str]:
    values: dict[str, Tensor | str] = dict.fromkeys(("extent", "r90"), NO_PLACES)
    if domain.dimensions:
        values["extent"] = again.ratio(kept["far"], kept["even"])
        values["r90"] = again.quantile(kept["near"], 0.9)
    values["causality"] = NO_ORDER
    if domain.kind == "sequence":
        past, future = kept["past"], kept["future"]
        values["causality"] = again.ratio(past - future, past + future)
    return values


def _content(sums: Sums, again: Resamples) -> dict[str, Tensor | str]:
    if "meet" not in sums.kept or (sums.in_pairs and sums.kept["meet"].shape[-1] < 2):
        return dict.fromkeys(("content", "pattern", "routing"), ONE_INPUT)
    meet, level, overlap, both = (sums.kept[n] for n in ("meet", "level", "overlap", "both"))
    ratio = again.ratio_of_pairs if sums.in_pairs else again.ratio
    # Where both are 0 nothing is weighed; rounding must not make two rows more than parallel.
    alike = torch.where(both > 0, meet.square() / both, 0).minimum(both)
    return {
        "content": 1 - ratio(meet, level),
        "pattern": 1 - ratio(alike, both),
        "routing": 1 - ratio(overlap, both),
    }


def _estimated(values: dict[str, Tensor | str], shifts: dict[str, Tensor]) -> Found:
    found: dict[str, Estimate] = {}
    notes: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, str):
            notes[name] = value
            continue
        low, high = {"causality": (-1.0, 1.0), "r90": (0.0, torch.inf)}.get(name, (0.0, 1.0))
        one = estimate(value, low, high)
        if one is None:
            notes[name] = UNSEEN[name]
        else:
            found[name] = one
    by_shift = {name: estimate(value_S, 0, 1) for name, value_S in shifts.items()}
    return found, {name: one for name, one in by_shift.items() if one is not None}, notes


UNSEEN = {
    "extent": "no row has a past to look at",
    "causality": "no row has a past and a future that could be compared",
    "content": ONE_INPUT,
    "pattern": ONE_INPUT,
    "routing": ONE_INPUT,
}
