"""The replacement test of a trial: each layer replaced by what matches it, and by what does not.

Who may come in: what the space offers at the layer, and every installed family that can stand there
with its default values. Left out is what needs more than DEAREST times the FLOPs of the dearest
choice that the space offers at the layer: a check must be brief.

    match     nearest to what the layer was measured to do: able to do that, and to do least beside
    other     the same among other families than the layer's own
    cheapest  of the other families that may do it, whatever they may do beside
    mismatch  of another family, one that may not; as dear as the dearest of those, or dearer
    own       the layer's own family and params with fresh weights

The trained choice itself comes in as `own` alone. Among equally near ones the one of fewer FLOPs is
taken, then of fewer parameters. Where two roles go to one choice, it is trained once. What a layer
was measured to do is in the record; see `itnet_nas.analysis.matching`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from itnet_nas.analysis.expressed import express
from itnet_nas.analysis.matching import cheapest_match, distance, matches, mismatch
from itnet_nas.analysis.replaced import LayerReplaced, Replacement, ReplacementTest, Role
from itnet_nas.errors import RunError, UsageError
from itnet_nas.kernels.site import Site
from itnet_nas.registry import KERNELS, TASKS
from itnet_nas.space.choices import any_choices
from itnet_nas.space.plugins import Plugins
from itnet_nas.train.replacement import SHARE, Replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itnet_nas.arch.architecture import LayerChoice
    from itnet_nas.kernels.site import Domain
    from itnet_nas.results.measured import Scores
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Choice, Space

DEAREST = 4.0
NOBODY: dict[Role, str] = {
    "match": "no other choice here may do what was measured",
    "other": "no other family here may do what was measured",
    "cheapest": "no other family here may do what was measured",
    "mismatch": "no other family here lacks what was measured",
}


@dataclass(frozen=True)
class StandIns:
    """Who replaces one layer, by role; `notes` says why a role has nobody."""

    layer: LayerChoice
    choices: dict[Role, Choice]
    notes: dict[Role, str]

    @property
    def distinct(self) -> dict[str, Choice]:
        """Label -> choice: what has to be trained, each once."""
        return {choice.label: choice for choice in self.choices.values()}


def candidates(space: Space, layer: str, installed: Sequence[Choice]) -> list[Choice]:
    """The space's own choices of a layer, then the others that are not too dear, each once."""
    own = space.layer[layer].choices
    most = DEAREST * max(choice.cost.flops for choice in own)
    found = {choice.label: choice for choice in own}
    for choice in installed:
        if choice.cost.flops <= most:
            found.setdefault(choice.label, choice)
    return list(found.values())


def stand_ins(
    space: Space, record: TrialRecord, installed: Sequence[Choice]
) -> tuple[StandIns, ...]:
    """Who replaces each layer of a trial, in the order of its layers.

    installed   choices beside those of the space

    Raises RunError where a layer was not measured, UsageError where it is none of the space's.
    """
    return tuple(_of(space, record, layer, installed) for layer in record.architecture.layers)


def installed_choices(space: Space) -> list[Choice]:
    """Every installed family that can stand at the layers of a space, with its default values."""
    site = Site(domain=space.facts.domain, width=space.width)
    return any_choices(site, Plugins(KERNELS, TASKS), notes=[])


def replacement_test(
    record: TrialRecord,
    weights: bytes,
    space: Space,
    *,
    seed: int = 0,
    share: float = SHARE,
    installed: Sequence[Choice] | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, now: None,
) -> ReplacementTest:
    """Replace every layer of a trial, one at a time; record and weights stay as they are.

    installed   choices beside those of the space; None asks the installed families
    progress    gets what was done, what there is in all, and what comes now

    Raises what `stand_ins` and `Replacing` raise.
    """
    trial = Replacing(record, weights, space, seed=seed, share=share)
    chosen = stand_ins(space, record, installed_choices(space) if installed is None else installed)
    total, done = 1 + sum(len(one.distinct) for one in chosen), 0
    progress(done, total, "without a replacement")
    continued = trial.continued()
    layers = []
    for one in chosen:
        trained: dict[str, Replacement] = {}
        for label, choice in one.distinct.items():
            done += 1
            progress(done, total, f"{one.layer.name} by {label}")
            trained[label] = trial.replace(one.layer.name, choice)
        replacements = {role: trained[choice.label] for role, choice in one.choices.items()}
        name = one.layer.name
        shown = express(record.bias[name], record.probe[name], space.facts.domain)
        layers.append(
            LayerReplaced(name, one.layer.label, shown.acts_like, replacements, one.notes)
        )
    return ReplacementTest(
        trial=record.number,
        objective=trial.objective.name,
        seed=seed,
        share=share,
        fit_steps=trial.fit_steps,
        tune_steps=trial.tune_steps,
        continued=continued,
        layers=tuple(layers),
    )


def _of(
    space: Space, record: TrialRecord, layer: LayerChoice, installed: Sequence[Choice]
) -> StandIns:
    if layer.name not in record.probe:
        raise RunError(
            f"layer {layer.name} of trial {record.number} was not measured, so nothing says what a "
            "replacement has to match; search again with `probe: true` under `search:` of the file"
        )
    own = [
        choice
        for choice in (space.layer[layer.name].choices if layer.name in space.layer else ())
        if (choice.family, choice.params) == (layer.family, layer.params)
    ]
    if not own:
        raise UsageError(
            f"layer {layer.name} of trial {record.number}: the space {space.name} does not offer "
            f"{layer.label} there any more, so a fresh copy has no cost to compare; take a trial "
            "of the space as it is"
        )
    scores, domain = record.probe[layer.name].trained, space.facts.domain
    pool = [one for one in candidates(space, layer.name, installed) if one.label != own[0].label]
    others = [one for one in pool if one.family != layer.family]
    found: dict[Role, Choice | None] = {
        "match": nearest_match(pool, scores, domain),
        "other": nearest_match(others, scores, domain),
        "cheapest": cheapest_match(others, scores, domain),
    }
    able = [one for one in found.values() if one is not None]
    dearest = max(able, key=lambda one: one.cost.flops, default=own[0])
    found |= {"mismatch": mismatch(others, scores, domain, than=dearest), "own": own[0]}
    return StandIns(
        layer,
        {role: one for role, one in found.items() if one is not None},
        {role: NOBODY[role] for role, one in found.items() if one is None},
    )


def nearest_match(choices: Sequence[Choice], scores: Scores, domain: Domain) -> Choice | None:
    """Of those that may do what was measured the one that may do least beside; None without one."""
    there = [one for one in choices if matches(one.bias, scores, domain)]
    return min(
        there,
        key=lambda one: (
            distance(one.bias, scores, domain),
            one.cost.flops,
            one.cost.params,
            one.label,
        ),
        default=None,
    )
