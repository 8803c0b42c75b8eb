"""What a run says about one trial: its biases, where it stands, what a swap of one layer did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.pareto import dominated_by, front

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


@dataclass(frozen=True)
class LayerEvidence:
    """One layer of the trial. The bias is as its family declares it.

    `tried` counts the complete trials that have this kernel at this layer, `on_front` those of them
    that are on the front; `of_tried` and `of_front` count all that there are.
    """

    layer: str
    kernel: str
    bias: str
    axes: dict[str, Any]
    tried: int
    of_tried: int
    on_front: int
    of_front: int


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
    """All of it; `str` gives the lines that the command prints."""

    trial: int
    key: str
    state: str
    objectives: dict[str, float]
    figures: dict[str, float]
    seed: int
    proposed_by: str
    error: str | None
    on_front: bool
    dominated_by: tuple[int, ...]
    layers: tuple[LayerEvidence, ...]
    swaps: tuple[Swap, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"trial {self.trial}: {self.state}, key {self.key}, seed {self.seed}"]
        if self.error is not None:
            lines.append(f"  {self.error}")
        if self.objectives:
            lines.append(f"  {_figures(self.objectives)}")
        if self.on_front:
            lines.append("  on the front: no other trial is at least as good in every objective")
        elif self.dominated_by:
            numbers = ", ".join(map(str, self.dominated_by))
            lines.append(f"  off the front: dominated by its members {numbers}")
        for layer in self.layers:
            lines += [
                f"{layer.layer}: {layer.kernel}",
                f"  bias {layer.bias} (declared)",
                f"  in {layer.tried} of {layer.of_tried} complete trials, "
                f"in {layer.on_front} of {layer.of_front} members of the front",
            ]
            lines += [
                f"  with {swap.kernel} instead: {_changes(swap.change)} (trial {swap.trial})"
                for swap in self.swaps
                if swap.layer == layer.layer
            ]
        if self.state == "complete" and not self.swaps:
            lines.append("no other trial differs in one layer alone, so nothing was swapped")
        elif self.swaps:
            lines.append("one seed each: a small change may be noise")
        return "\n".join(lines)


def explain(space: Space, records: Sequence[TrialRecord], record: TrialRecord) -> Explanation:
    """Put one record beside the others of its run."""
    complete = [other for other in records if other.complete]
    members = front(space, records)
    better = dominated_by(space, record, members) if record.complete else []
    layers = tuple(
        LayerEvidence(
            layer=layer.name,
            kernel=layer.label,
            bias=str(record.bias[layer.name]),
            axes=record.bias[layer.name].model_dump(mode="json"),
            tried=_count(complete, layer.name, layer.label),
            of_tried=len(complete),
            on_front=_count(members, layer.name, layer.label),
            of_front=len(members),
        )
        for layer in record.architecture.layers
    )
    return Explanation(
        trial=record.number,
        key=record.key,
        state=str(record.state),
        objectives=dict(record.objectives),
        figures=dict(record.figures),
        seed=record.seed,
        proposed_by=record.proposed_by,
        error=None if record.error is None else f"{record.error.kind}: {record.error.message}",
        on_front=any(other.number == record.number for other in members),
        dominated_by=tuple(other.number for other in better),
        layers=layers,
        swaps=tuple(_swaps(complete, record)) if record.complete else (),
    )


def _count(records: Sequence[TrialRecord], layer: str, label: str) -> int:
    return sum(
        any(one.name == layer and one.label == label for one in record.architecture.layers)
        for record in records
    )


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
            change = {
                name: other.objectives[name] - value for name, value in record.objectives.items()
            }
            found.append(Swap(changed[0], theirs[changed[0]], other.number, change))
    return found


def _figures(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in figures.items())


def _changes(change: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:+.4g}" for name, value in change.items())
