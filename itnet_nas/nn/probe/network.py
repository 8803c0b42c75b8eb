"""`probe_network`: the probe of every layer of a network, on what reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from itnet_nas.errors import UsageError
from itnet_nas.nn.probe.budget import DEFAULT, Budget
from itnet_nas.nn.probe.probe import Reading, probe_operator
from itnet_nas.nn.probe.rows import Field
from itnet_nas.nn.probe.undisturbed import undisturbed
from itnet_nas.tasks.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from itnet_nas.kernels.site import Domain
    from itnet_nas.nn.network import ITNet


def probe_network(
    network: ITNet,
    batches: Iterable[Batch],
    domain: Domain,
    budget: Budget = DEFAULT,
    seed: int = 0,
) -> dict[str, Reading]:
    """Layer -> what its mixer does to what it is given, behind its norm, in evaluation mode.

    Batches are read until `budget.inputs` examples are there; those that are packed in one row
    count each for itself. The network is left as it was. Raises UsageError where the batches hold
    no example.
    """
    found = {}
    for name, given in layer_inputs(network, batches, budget.inputs).items():
        # The norm of a mixer is no part of it: its gain would read as a rule of the kernel.
        found[name] = probe_operator(
            network.blocks[name].mixer,
            given.u_BND,
            given.mask_BN,
            given.x_BNA,
            domain=fitting(domain, given.length),
            budget=budget,
            seed=seed,
        )
    return found


def layer_inputs(network: ITNet, batches: Iterable[Batch], inputs: int) -> dict[str, Field]:
    """Layer -> what its mixer is given in at least `inputs` examples, or in all there are."""
    seen: dict[str, list[Field]] = {name: [] for name in network.blocks}
    if not seen:
        return {}
    first = next(iter(seen))

    def keep(name: str) -> Any:
        def hook(mixer: Any, given: tuple[Tensor, Tensor | None, Tensor | None]) -> None:
            del mixer
            seen[name].append(Field(*given))

        return hook

    device = next(network.parameters()).device
    hooks = [
        block.mixer.register_forward_pre_hook(keep(name)) for name, block in network.blocks.items()
    ]
    try:
        with undisturbed(network, 0, device) as run, torch.no_grad():
            for batch in batches:
                missing = inputs - sum(map(len, seen[first]))
                if missing <= 0:
                    break
                here = _cut(batch, missing).to(device)
                run(*here.inputs, **here.beside)
    finally:
        for hook in hooks:
            hook.remove()
    if not seen[first]:
        raise UsageError(
            "there is nothing to probe the network on: the batches hold no example; give those of "
            "a split that has some"
        )
    return {name: _joined(fields) for name, fields in seen.items()}


def fitting(domain: Domain, length: int) -> Domain:
    """The domain with as many positions as there are: packed examples may all be shorter."""
    if domain.length == length or domain.kind == "grid":
        return domain
    return domain.model_copy(update={"shape": (length,)})


def _cut(batch: Batch, examples: int) -> Batch:
    """The first rows of a batch."""

    def some(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor[:examples]

    return Batch(
        tuple(tensor[:examples] for tensor in batch.inputs),
        batch.target[:examples],
        some(batch.mask),
        some(batch.places),
        some(batch.segments),
    )


def _joined(fields: list[Field]) -> Field:
    """One field of all; shorter ones are padded, and what is padded is masked."""
    if len(fields) == 1:
        return fields[0]
    longest = max(field.length for field in fields)
    masked = any(field.mask_BN is not None or field.length < longest for field in fields)
    places = [field.x_BNA for field in fields if field.x_BNA is not None]
    return Field(
        torch.cat([_padded(field.u_BND, longest) for field in fields]),
        torch.cat([_padded(field.real_BN, longest) for field in fields]) if masked else None,
        torch.cat([_padded(x_BNA, longest) for x_BNA in places]) if places else None,
    )


def _padded(value: Tensor, length: int) -> Tensor:
    """0 behind the last position, up to `length` of them."""
    rest = value.new_zeros(len(value), length - value.shape[1], *value.shape[2:])
    return torch.cat([value, rest], 1)
