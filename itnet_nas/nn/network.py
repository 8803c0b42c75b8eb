"""`ITNet`: an architecture as a torch module.

encoder → one block per layer, along the edges → LayerNorm → head. Where several edges meet, their
values are summed in the order of the architecture's edges. Examples that are packed in one row are
taken apart behind the encoder, so nothing after it can look from one into another.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, final

import torch
from torch import nn

from itnet_nas.errors import UsageError
from itnet_nas.integral.packing import pack, packing, unpack
from itnet_nas.kernels.site import Site
from itnet_nas.nn.block import Block, masked
from itnet_nas.registry import load_origin
from itnet_nas.space.space import INPUT, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.kernels.family import KernelFamily
    from itnet_nas.kernels.operator import Operator
    from itnet_nas.registry import Origin
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import TaskChoice
    from itnet_nas.tasks.task import Task


def attribute(layer: str) -> str:
    """Name of the submodule of a layer: a layer may be called "half" or "class"."""
    return f"layer_{layer}"


@final
class ITNet(nn.Module):
    """The network of one architecture.

    Shapes  B examples, N positions, D channels, A coordinates; S segments, L positions of the
            longest
    """

    def __init__(
        self,
        architecture: Architecture,
        operators: Mapping[str, Operator],
        encoder: nn.Module,
        head: nn.Module,
    ) -> None:
        super().__init__()
        width = architecture.width
        self.architecture = architecture
        self.encoder = encoder
        for layer in architecture.layers:
            block = Block(operators[layer.name], width, architecture.mlp_ratio)
            self.add_module(attribute(layer.name), block)
        self.norm = nn.LayerNorm(width)
        self.head = head

    @property
    def blocks(self) -> dict[str, Block]:
        """Blocks by the name of their layer, in topological order; `.mixer` is the operator."""
        found: dict[str, Any] = dict(self.named_children())
        return {layer.name: found[attribute(layer.name)] for layer in self.architecture.layers}

    def forward(
        self,
        *inputs: Tensor,
        mask_BN: Tensor | None = None,
        x_BNA: Tensor | None = None,
        segment_BN: Tensor | None = None,
    ) -> Tensor:
        """What a task's `Batch` holds -> what its head says, in the shape of the target.

        With `segment_BN`, a head that speaks at every position is heard there, and one that sums
        an example up is heard once for each segment, row by row.
        """
        u_BND = masked(self.encoder(*inputs), mask_BN)
        if segment_BN is None:
            return self.read(u_BND, mask_BN, x_BNA)
        where = packing(segment_BN, mask_BN)
        x_SLA = None if x_BNA is None else unpack(x_BNA, where)
        found = self.read(unpack(u_BND, where), where.mask_SL, x_SLA)
        return pack(found, where) if found.ndim == 3 else found

    def read(self, u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        """From the encoder's channels to what the head says; a row is one example."""
        value_BND = {INPUT: u_BND}
        for name, block in self.blocks.items():
            value_BND[name] = block(self._join(name, value_BND), mask_BN, x_BNA)
        found: Tensor = self.head(self.norm(self._join(OUTPUT, value_BND)), mask_BN)
        return found

    def _join(self, name: str, value_BND: Mapping[str, Tensor]) -> Tensor:
        first, *others = self.architecture.sources(name)
        total_BND = value_BND[first]
        for source in others:
            total_BND = total_BND + value_BND[source]
        return total_BND


def build_network(
    architecture: Architecture, families: Mapping[str, KernelFamily[Any]], task: Task[Any]
) -> ITNet:
    """The network of `architecture` for `task`, freshly initialised.

    Initial weights come from torch's global generator, drawn in a fixed order: layers in the order
    of the architecture, encoder, head. Raises UsageError where a family refuses its site.
    """
    site = Site(domain=task.facts().domain, width=architecture.width)
    operators: dict[str, Operator] = {}
    for layer in architecture.layers:
        family = families[layer.family]
        params = family.Params(**layer.params)
        refusal = family.refuses(site, params)
        if refusal:
            raise UsageError(
                f'layer "{layer.name}": {layer.label} cannot stand here ({site.domain}, width '
                f"{site.width}): {refusal}; choose other params for this layer"
            )
        operators[layer.name] = family.build(site, params)
    encoder, head = task.encoder(architecture.width), task.head(architecture.width)
    return ITNet(architecture, operators, encoder, head)


def load_task(origin: Origin, choice: TaskChoice) -> Task[Any]:
    """The task of a job or a record, imported by path. Raises BrokenPlugin."""
    task_class = load_origin(origin, "task")
    task: Task[Any] = task_class(task_class.Params(**choice.params))
    return task


def load_families(origins: Mapping[str, Origin]) -> dict[str, KernelFamily[Any]]:
    """The kernel families of a job or a record, imported by path. Raises BrokenPlugin."""
    return {name: load_origin(origin, "kernel family") for name, origin in origins.items()}


def load_network(record: TrialRecord, weights: bytes) -> ITNet:
    """The trained network of a record, on the CPU, in evaluation mode.

    `weights` is the state dict that came with the record. The plugins that the record names must be
    installed; BrokenPlugin is raised where one is not. Leaves the random state as it was.
    """
    task = load_task(record.task_origin, record.task)
    families = load_families(record.kernel_origins)
    with torch.random.fork_rng(devices=[]):
        network = build_network(record.architecture, families, task)
    state = torch.load(io.BytesIO(weights), map_location="cpu", weights_only=True)
    network.load_state_dict(state)
    return network.eval()
