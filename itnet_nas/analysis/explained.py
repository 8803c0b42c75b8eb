"""`Explanation`: what a run says about one trial, as a value, as JSON and as lines of text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.acts_like import with_article
from itnet_nas.analysis.numbers import change, count, share
from itnet_nas.analysis.words import axis_words, figure

if TYPE_CHECKING:
    from itnet_nas.analysis.axis_verdict import AxisVerdict
    from itnet_nas.analysis.confirmed import Confirmed
    from itnet_nas.analysis.expressed import Expressed
    from itnet_nas.axes import Bias

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

    `evidence` says per axis where its value comes from: `declared` by the family, or `measured` on
    the trained layer, by the probe that `expressed` puts into words; None where it was not probed.
    `tested` has what the certificate says of its axes, `says` the same in sentences. `nearest` has
    rows (name, words) on the known families that a layer of the general kernel came nearest to, and
    hints that its weights give; empty for layers of other families. `tried` counts
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
    expressed: Expressed | None = None
    tested: tuple[AxisVerdict, ...] = ()
    says: tuple[str, ...] = ()
    nearest: tuple[tuple[str, str], ...] = ()


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
    """All of it; `str` gives the lines that the command prints. `failure` is kind and message.

    `not_solved` says why no layer may be said to need its bias; `sure` what the measured and the
    tested rest on, empty where there is neither. `confirmed` has what fresh seeds gave.
    """

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
    not_solved: str = ""
    sure: tuple[str, ...] = ()
    confirmed: Confirmed | None = None

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
        if self.confirmed is not None:
            lines.append(f"  {self.confirmed}")
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
        lines.append("")
        if any(layer.expressed is not None for layer in self.layers):
            lines.append("● measured on the trained layer, figures with their 95 % intervals")
        lines.append("○ declared by the kernel's family, not measured")
        lines += [line for line in (self.not_solved, *self.sure) if line]
        if self.state == "complete" and not self.swaps:
            lines.append("no other trial differs in one layer alone, so nothing is known of swaps")
        elif self.swaps:
            lines.append("swaps compare single trials of one seed: a small change may be noise")
        return "\n".join(lines)

    def _layer(self, layer: LayerEvidence) -> list[str]:
        params = ", ".join(f"{name}={value}" for name, value in layer.params.items())
        rows = [("family", layer.family), ("params", params or "none")]
        if layer.expressed is None:
            rows += [(axis, f"○ {words}") for axis, words in axis_words(layer.bias).items()]
        else:
            rows += _measured(layer.expressed)
        rows += layer.nearest
        rows += [
            ("tested" if not place else "", sentence) for place, sentence in enumerate(layer.says)
        ]
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


def _measured(seen: Expressed) -> list[tuple[str, str]]:
    """Rows of what was measured: label and text."""
    leaning = f" ({seen.leaning})" if seen.leaning else ""
    rows = [("acts", f"like {with_article(seen.acts_like)}{leaning}")]
    for axis, one in seen.axes.items():
        may = f" (may: {one.declared})" if one.evidence == "measured" else ""
        rows += [(axis, f"{one.marked}{may}"), ("", f"  {one.figures}")]
        if one.change:
            rows.append(("", f"  in training {one.change}"))
    return rows + [
        ("parts" if not place else "", sentence) for place, sentence in enumerate(seen.partings)
    ]


def _changes(swap: Swap) -> str:
    changes = ", ".join(f"{name} {change(value)}" for name, value in swap.change.items())
    return f"{changes} (trial {swap.trial})"
