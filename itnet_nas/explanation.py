"""What a run says about one trial: its biases, what they cost, where it stands, what swaps did.

A bias is declared by the family; where the trial was probed it is measured too, and where there is
a certificate of the trial, tested.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from itnet_nas.analysis.axis_verdict import words
from itnet_nas.analysis.explained import Explanation, LayerEvidence, Part, Swap
from itnet_nas.analysis.learned import expressed_layers, verdicts
from itnet_nas.analysis.nearest import GENERAL, nearest_rows
from itnet_nas.analysis.pareto import dominated_by, front
from itnet_nas.analysis.pick import pick
from itnet_nas.analysis.sure import how_sure, not_solved
from itnet_nas.analysis.verdict import biases_differ, verdict
from itnet_nas.arch.cost import block_cost, costs
from itnet_nas.axes import AXES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.certificate import Certificate
    from itnet_nas.analysis.confirmed import Confirmed
    from itnet_nas.arch.architecture import Architecture, LayerChoice
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

__all__ = ["Explanation", "explain"]

DECLARED = "declared"


def explain(
    space: Space,
    records: Sequence[TrialRecord],
    record: TrialRecord,
    certificate: Certificate | None = None,
    confirmed: Confirmed | None = None,
) -> Explanation:
    """Put one record beside the others of its run; a certificate of another trial is left aside.

    confirmed   what the trial's architecture did under fresh seeds, where it was trained again
    """
    if certificate is not None and certificate.trial != record.number:
        certificate = None
    complete = [other for other in records if other.complete]
    members = front(space, records)
    better = dominated_by(space, record, members) if record.complete else []
    said, unsolved = "", ""
    if record.complete:
        best = pick(space, members, "best")
        said = f"{verdict(space, record, best)} {biases_differ(space, record)}"
        unsolved = not_solved(space, best, certificate)
    return Explanation(
        trial=record.number,
        key=record.key,
        state=str(record.state),
        objectives=dict(record.objectives),
        figures=dict(record.figures),
        seed=record.seed,
        proposed_by=record.proposed_by,
        failure=None if record.error is None else f"{record.error.kind}: {record.error.message}",
        verdict=said,
        on_front=any(other.number == record.number for other in members),
        dominated_by=tuple(other.number for other in better),
        layers=tuple(
            _tested(
                _evidence(space, record, layer, complete, members),
                None if unsolved else certificate,
            )
            for layer in record.architecture.layers
        ),
        swaps=tuple(_swaps(complete, record)) if record.complete else (),
        not_solved=unsolved,
        sure=tuple(how_sure(record, certificate))
        if record.probe or record.probe_error or certificate
        else (),
        confirmed=confirmed,
    )


def _evidence(
    space: Space,
    record: TrialRecord,
    layer: LayerChoice,
    complete: Sequence[TrialRecord],
    members: Sequence[TrialRecord],
) -> LayerEvidence:
    tried = _kernels_at(layer.name, complete)
    on_front = _kernels_at(layer.name, members)
    seen = expressed_layers(space, record).get(layer.name)
    measured = {} if seen is None else {axis: one.evidence for axis, one in seen.axes.items()}
    return LayerEvidence(
        layer=layer.name,
        family=layer.family,
        params=layer.params,
        kernel=layer.label,
        bias=record.bias[layer.name],
        evidence={**dict.fromkeys(AXES, DECLARED), **measured},
        cost=_parts(space, record.architecture, layer),
        tried=tried[layer.label],
        of_tried=len(complete),
        on_front=on_front[layer.label],
        of_front=len(members),
        kernels_on_front=dict(on_front.most_common()),
        expressed=seen,
        nearest=_nearest(space, record, layer),
    )


def _nearest(space: Space, record: TrialRecord, layer: LayerChoice) -> tuple[tuple[str, str], ...]:
    """Of a layer that may become nearly anything, what it became."""
    if layer.family not in GENERAL or layer.name not in record.probe:
        return ()
    return tuple(nearest_rows(record.probe[layer.name], space.facts.domain))


def _tested(layer: LayerEvidence, certificate: Certificate | None) -> LayerEvidence:
    if certificate is None:
        return layer
    found = verdicts(certificate, layer.layer)
    return replace(
        layer,
        tested=tuple(found.values()),
        says=tuple(
            f"{axis} {words(one, certificate.quality, certificate.direction)}"
            for axis, one in found.items()
        ),
    )


def _kernels_at(layer: str, records: Sequence[TrialRecord]) -> Counter[str]:
    """Kernel -> how many of the records have it at the layer."""
    return Counter(
        one.label for record in records for one in record.architecture.layers if one.name == layer
    )


def _parts(space: Space, architecture: Architecture, layer: LayerChoice) -> dict[str, Part]:
    """What the layer takes of each cost; nothing where the space has changed since the trial."""
    try:
        whole = costs(space, architecture)
    except KeyError:
        return {}
    kernel = next(
        choice.cost
        for choice in space.layer[layer.name].choices
        if (choice.family, choice.params) == (layer.family, layer.params)
    )
    flops, params = block_cost(space)
    amounts = {"flops": kernel.flops + flops, "params": kernel.params + params}
    if kernel.state_bytes is not None:
        amounts["state_bytes"] = kernel.state_bytes
    return {
        name: Part(amount=float(amount), share=amount / whole[name])
        for name, amount in amounts.items()
        if whole.get(name)
    }


def _swaps(complete: Sequence[TrialRecord], record: TrialRecord) -> list[Swap]:
    mine = {layer.name: layer.label for layer in record.architecture.layers}
    edges = sorted(record.architecture.edges)
    found = []
    for other in complete:
        theirs = {layer.name: layer.label for layer in other.architecture.layers}
        if theirs.keys() != mine.keys() or sorted(other.architecture.edges) != edges:
            continue
        changed = [name for name in mine if mine[name] != theirs[name]]
        if len(changed) == 1:
            difference = {
                name: other.objectives[name] - value for name, value in record.objectives.items()
            }
            found.append(Swap(changed[0], theirs[changed[0]], other.number, difference))
    return found
