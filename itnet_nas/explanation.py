"""What a run says about one trial: its biases, what they cost, where it stands, what swaps did."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.numbers import change, count, share
from itnet_nas.analysis.pareto import dominated_by, front
from itnet_nas.analysis.pick import pick
from itnet_nas.analysis.verdict import biases_differ, verdict
from itnet_nas.analysis.words import axis_words, figure
from itnet_nas.arch.cost import block_cost, costs
from itnet_nas.axes import AXES, Bias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.arch.architecture import Architecture, LayerChoice
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

DECLARED = "declared"
MOST_OTHERS = 6


@dataclass(frozen=True)
class Part:
    """What one layer takes of a cost of the network: kernel, norms and MLP together.

    `share` is a part of the whole network, from 0 to 1.
    """

    amount: float
    share: float


@dataclass(frozen=True)
class LayerEvidence:
    """One layer of the trial.

    `evidence` says per axis where its value comes from: `declared` by the family. `tried` counts
    the complete trials that have this kernel at this layer, `on_front` those of them that are on
    the front; `of_tried` and `of_front` count all that there are. `kernels_on_front` has for each
    kernel that a member of the front has here how many of them do.
    """

    layer: str
    family: str
    params: dict[str, Any]
    kernel: str
    bias: Bias
    evidence: dict[str, str]
    cost: dict[str, Part]
    tried: int
    of_tried: int
    on_front: int
    of_front: int
    kernels_on_front: dict[str, int]


@dataclass(frozen=True)
class Swap:
    """A complete trial that differs from this one in the kernel of one layer and nothing else.

    `change` is that trial's objective minus this one's.
    """

    layer: str
    kernel: str
    trial: int
    change: dict[str, float]


@dataclass(frozen=True)
class Explanation:
    """All of it; `str` gives the lines that the command prints. `failure` is kind and message."""

    trial: int
    key: str
    state: str
    objectives: dict[str, float]
    figures: dict[str, float]
    seed: int
    proposed_by: str
    failure: str | None
    verdict: str
    on_front: bool
    dominated_by: tuple[int, ...]
    layers: tuple[LayerEvidence, ...]
    swaps: tuple[Swap, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        plain = asdict(self)
        for layer, one in zip(plain["layers"], self.layers, strict=True):
            layer["bias"] = one.bias.model_dump(mode="json")
        return plain

    def __str__(self) -> str:
        lines = [f"trial {self.trial}: {self.state}"]
        if self.verdict:
            lines.append(f"  {self.verdict}")
        if self.failure is not None:
            lines.append(f"  {self.failure}")
        if self.on_front:
            lines.append("  on the front: no other trial is at least as good in every objective")
        elif self.dominated_by:
            which = f"trial {self.dominated_by[0]} is"
            if len(self.dominated_by) > 1:
                which = f"trials {', '.join(map(str, self.dominated_by))} are"
            lines.append(f"  off the front: {which} at least as good in every objective")
        lines.append(f"  seed {self.seed}, proposed by {self.proposed_by}, key {self.key}")
        for layer in self.layers:
            lines += ["", *self._layer(layer)]
        lines += ["", "○ declared by the kernel's family, not measured"]
        if self.state == "complete" and not self.swaps:
            lines.append("no other trial differs in one layer alone, so nothing is known of swaps")
        elif self.swaps:
            lines.append("swaps compare single trials of one seed: a small change may be noise")
        return "\n".join(lines)

    def _layer(self, layer: LayerEvidence) -> list[str]:
        params = ", ".join(f"{name}={value}" for name, value in layer.params.items())
        rows = [("family", layer.family), ("params", params or "none")]
        rows += [(axis, f"○ {words}") for axis, words in axis_words(layer.bias).items()]
        rows += [
            ("cost" if not place else "", f"{figure(name, part.amount)}, {share(part.share)}")
            for place, (name, part) in enumerate(layer.cost.items())
        ]
        rows.append(("tried", f"in {layer.tried} of {count(layer.of_tried, 'complete trial')}"))
        if layer.of_front:
            others = [
                f"{kernel} in {number}"
                for kernel, number in layer.kernels_on_front.items()
                if kernel != layer.kernel
            ]
            if len(others) > MOST_OTHERS:
                others[MOST_OTHERS:] = [f"{len(others) - MOST_OTHERS} more kernels"]
            has = f"in {layer.on_front} of {count(layer.of_front, 'member')}"
            rows.append(("front", "; ".join([has, *others])))
        swaps = [swap for swap in self.swaps if swap.layer == layer.layer]
        rows += [
            ("swapped" if not place else "", f"{swap.kernel}: {_changes(swap)}")
            for place, swap in enumerate(swaps)
        ]
        return [layer.layer, *(f"  {name:<8} {text}" for name, text in rows)]


def explain(space: Space, records: Sequence[TrialRecord], record: TrialRecord) -> Explanation:
    """Put one record beside the others of its run."""
    complete = [other for other in records if other.complete]
    members = front(space, records)
    better = dominated_by(space, record, members) if record.complete else []
    words = ""
    if record.complete:
        words = f"{verdict(space, record, pick(space, members, 'best'))} "
        words += biases_differ(space, record)
    return Explanation(
        trial=record.number,
        key=record.key,
        state=str(record.state),
        objectives=dict(record.objectives),
        figures=dict(record.figures),
        seed=record.seed,
        proposed_by=record.proposed_by,
        failure=None if record.error is None else f"{record.error.kind}: {record.error.message}",
        verdict=words,
        on_front=any(other.number == record.number for other in members),
        dominated_by=tuple(other.number for other in better),
        layers=tuple(
            _evidence(space, record, layer, complete, members)
            for layer in record.architecture.layers
        ),
        swaps=tuple(_swaps(complete, record)) if record.complete else (),
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
    return LayerEvidence(
        layer=layer.name,
        family=layer.family,
        params=layer.params,
        kernel=layer.label,
        bias=record.bias[layer.name],
        evidence=dict.fromkeys(AXES, DECLARED),
        cost=_parts(space, record.architecture, layer),
        tried=tried[layer.label],
        of_tried=len(complete),
        on_front=on_front[layer.label],
        of_front=len(members),
        kernels_on_front=dict(on_front.most_common()),
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


def _changes(swap: Swap) -> str:
    changes = ", ".join(f"{name} {change(value)}" for name, value in swap.change.items())
    return f"{changes} (trial {swap.trial})"
