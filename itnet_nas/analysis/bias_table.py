"""Which inductive bias each layer has, as declared: on the front, among the best, and by chance.

A share by chance belongs beside every share: a family with half of the best trials says nothing in
a layer that had two families to choose from. Chance is that of `arch.sample`, which draws a family
first: one in the number of families of the layer, constraints left aside. Shares are taken over the
trials in which the layer is present.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from itnet_nas.analysis.pareto import front, signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itnet_nas.axes import Bias
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Layer, Space


@dataclass(frozen=True)
class Kernel:
    """The kernel of one layer of one trial."""

    family: str
    label: str  # conv(radius=3)
    bias: Bias


@dataclass(frozen=True)
class Member:
    """One member of the front: layer -> kernel, None where the layer is absent.

    `layers_differ` says whether two of its layers have different coordinates on the four axes.
    """

    trial: int
    kernels: dict[str, Kernel | None]
    layers_differ: bool


@dataclass(frozen=True)
class Share:
    """How often one family sits at one layer.

    `on_front`, `in_best` are shares from 0 to 1 of the trials that have the layer (None where no
    such trial has it); `chance` is the share under random sampling; `complete` and `failed` count
    trials. A family that was never complete was not tested; it was not rejected.
    """

    family: str
    on_front: float | None
    in_best: float | None
    chance: float
    complete: int
    failed: int


@dataclass(frozen=True)
class LayerShares:
    """One layer: its families in the order of the space, and how often it is left out."""

    layer: str
    shares: tuple[Share, ...]
    optional: bool
    present_on_front: int
    present_in_best: int


@dataclass(frozen=True)
class BiasTable:
    """All layers of a space. `best` is the number of trials that count as the best."""

    layers: tuple[LayerShares, ...]
    members: tuple[Member, ...]
    best: int

    @property
    def untested(self) -> list[tuple[str, str]]:
        """(layer, family) of every family that no complete trial has at that layer."""
        return [
            (row.layer, share.family)
            for row in self.layers
            for share in row.shares
            if not share.complete
        ]


def bias_table(space: Space, records: Sequence[TrialRecord], best: int | None = None) -> BiasTable:
    """The table of a run.

    best   how many of the complete trials, by quality, count as the best; a tenth of them, but at
           least five, unless given
    """
    complete = [record for record in records if record.complete]
    count = min(len(complete), max(5, -(-len(complete) // 10)) if best is None else best)
    quality = space.objectives[:1]
    leaders = sorted(complete, key=lambda record: (signed(record, quality), record.number))[:count]
    members = front(space, records)
    failed = [record for record in records if record.error is not None]
    return BiasTable(
        layers=tuple(_shares(layer, members, leaders, complete, failed) for layer in space.layers),
        members=tuple(member(space, record) for record in members),
        best=count,
    )


def member(space: Space, record: TrialRecord) -> Member:
    """One trial as a row of the table: every layer of the space, absent ones too."""
    found = {
        layer.name: Kernel(layer.family, layer.label, record.bias[layer.name])
        for layer in record.architecture.layers
    }
    names = [layer.name for layer in space.layers]
    names += [name for name in found if name not in names]  # the space may have changed since
    places = {
        (kernel.bias.support, kernel.bias.sharing, kernel.bias.state, kernel.bias.content)
        for kernel in found.values()
    }
    return Member(
        record.number, {name: found.get(name) for name in names}, layers_differ=len(places) > 1
    )


def _shares(
    layer: Layer,
    members: Sequence[TrialRecord],
    leaders: Sequence[TrialRecord],
    complete: Sequence[TrialRecord],
    failed: Sequence[TrialRecord],
) -> LayerShares:
    families = list(dict.fromkeys(choice.family for choice in layer.choices))
    on_front, in_best = _families(members, layer.name), _families(leaders, layer.name)
    there, broken = _families(complete, layer.name), _families(failed, layer.name)
    return LayerShares(
        layer=layer.name,
        shares=tuple(
            Share(
                family=family,
                on_front=_share(on_front, family),
                in_best=_share(in_best, family),
                chance=1 / len(families),
                complete=there.count(family),
                failed=broken.count(family),
            )
            for family in families
        ),
        optional=layer.optional,
        present_on_front=len(on_front),
        present_in_best=len(in_best),
    )


def _families(records: Iterable[TrialRecord], layer: str) -> list[str]:
    """The family at a layer in every record that has the layer."""
    return [
        choice.family
        for record in records
        for choice in record.architecture.layers
        if choice.name == layer
    ]


def _share(families: Sequence[str], family: str) -> float | None:
    return families.count(family) / len(families) if families else None
