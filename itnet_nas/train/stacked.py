"""`Stacked`: several networks of one shape as one, with an axis of networks in every tensor.

A forward pass goes through all of them at once (`torch.vmap`), which spares the time between
operations that are too small to fill a processor. Weights lie side by side in a few flat tensors,
one for those with weight decay and one for those without, so that an optimiser that works number by
number does with all networks in one call what it does with each; norms are taken network by
network.

Shapes  K networks, P weights of a network
"""

from __future__ import annotations

import copy
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import torch
from torch.func import stack_module_state

from itnet_nas.train.loop import make_optimizer
from itnet_nas.train.mappable import make_mappable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor, nn

    from itnet_nas.tasks.batch import Batch
    from itnet_nas.tasks.facts import Recipe

LONGEST = 200  # characters of a reason
TINY = 1e-6  # beside a norm, as `torch.nn.utils.clip_grad_norm_` has it


class Apart(Exception):
    """Why networks cannot be trained together: a sentence without its end."""


@final
class Stacked:
    """The weights of `networks`, which must be of one architecture, and what goes through them.

    The networks themselves are left alone until `write_back`. Raises Apart where their tensors
    differ in more than their values.
    """

    def __init__(self, networks: Sequence[nn.Module], recipe: Recipe) -> None:
        self.networks = list(networks)
        first = self.networks[0]
        # Called with the weights of all; what Python keeps in it is that of the first.
        self._called = copy.deepcopy(first)
        if next(first.parameters()).device.type == "cpu":
            make_mappable(self._called)
        self._slots = _slots(self._called)
        groups = make_optimizer(first, recipe).param_groups
        decays = {weight: group["weight_decay"] for group in groups for weight in group["params"]}
        dtypes = {weight.dtype for weight in decays}
        if any(not dtype.is_floating_point for dtype in dtypes) or len(dtypes) > 1:
            raise Apart("its weights are not all real numbers of one precision")
        try:
            stacked, self.buffers = stack_module_state(self.networks)
        except RuntimeError as error:
            raise Apart(f"the seeds' networks differ in shape ({first_line(error)})") from error
        with torch.no_grad():
            self._frozen = {
                name: stacked[name].detach()
                for name, weight in first.named_parameters()
                if weight not in decays
            }
            self._names: list[list[str]] = []
            self._shapes: list[list[tuple[int, ...]]] = []
            self.flat: list[Tensor] = []  # (K, P) for each group
            self.groups: list[dict[str, Any]] = []
            for decay in sorted(set(decays.values()), reverse=True):
                names = [n for n, w in first.named_parameters() if decays.get(w) == decay]
                flat_KP = torch.cat(
                    [stacked[name].detach().reshape(len(self), -1) for name in names], 1
                )
                flat_KP = flat_KP.clone().requires_grad_()
                self._names.append(names)
                self._shapes.append([tuple(stacked[name].shape) for name in names])
                self.flat.append(flat_KP)
                self.groups.append({"params": [flat_KP], "weight_decay": decay})

    def __len__(self) -> int:
        return len(self.networks)

    def optimizer(self, recipe: Recipe) -> torch.optim.AdamW:
        """What `make_optimizer` gives each network, for all."""
        return torch.optim.AdamW(self.groups, lr=recipe.lr, betas=(0.9, recipe.beta2), fused=True)

    def weights(self) -> dict[str, Tensor]:
        """Name -> (K, …), differentiable; frozen ones among them."""
        found = dict(self._frozen)
        for flat_KP, names, shapes in zip(self.flat, self._names, self._shapes, strict=True):
            sizes = [math.prod(shape[1:]) for shape in shapes]
            parts = torch.split(flat_KP, sizes, 1)
            for name, shape, part in zip(names, shapes, parts, strict=True):
                found[name] = part.view(shape)
        return found

    def forward(self, batches: Sequence[Batch]) -> Tensor:
        """What each network says of its own batch, (K, …). Raises Apart where batches differ."""
        return self._through(_stack(batches), 0)

    def forward_same(self, batch: Batch) -> Tensor:
        """What each network says of one and the same batch, (K, …)."""
        return self._through((batch.inputs, batch.beside), None)

    def _through(self, given: tuple[Any, Any], axis: int | None) -> Tensor:
        inputs, beside = given
        if beside["segment_BN"] is not None:
            raise Apart("several examples are packed in a row")
        there = {name: part for name, part in beside.items() if part is not None}
        missing = dict.fromkeys(beside.keys() - there.keys())

        values = self.weights() | self.buffers
        names = list(values)

        def call(
            values: list[Tensor], inputs: tuple[Tensor, ...], there: dict[str, Tensor]
        ) -> Tensor:
            with self._holding(dict(zip(names, values, strict=True))):
                out: Tensor = self._called(*inputs, **there, **missing)
                return out

        mapped = torch.vmap(call, in_dims=(0, axis, axis))
        out_K: Tensor = mapped([values[name] for name in names], inputs, there)
        return out_K

    @contextmanager
    def _holding(self, values: Mapping[str, Tensor]) -> Iterator[None]:
        """Put `values` where the called network has its weights and buffers.

        What `torch.func.functional_call` does, whose checks take as long as the network itself.
        """
        before = [(held, name, held[name]) for held, name, _ in self._slots]
        for held, name, full in self._slots:
            held[name] = values[full]
        try:
            yield
            if any(held[name] is not values[full] for held, name, full in self._slots):
                raise Apart("a step puts another tensor in the place of a weight or a buffer")
        finally:
            for held, name, value in before:
                held[name] = value

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for flat_KP in self.flat:
            flat_KP.grad = None

    def clip(self, most: float) -> Tensor:
        """Shorten each network's gradient to `most`; the norms before, (K,)."""
        grads = [flat_KP.grad for flat_KP in self.flat if flat_KP.grad is not None]
        norms = torch.stack([torch.linalg.vector_norm(grad, dim=1) for grad in grads])
        norm_K: Tensor = torch.linalg.vector_norm(norms, dim=0)
        factor_K1 = (most / (norm_K + TINY)).clamp(max=1.0).unsqueeze(1)
        for grad in grads:
            grad.mul_(factor_K1)
        return norm_K

    def train(self, mode: bool = True) -> None:
        """Set the mode of all."""
        self._called.train(mode)

    def write_back(self) -> None:
        """Give every network its weights and buffers."""
        with torch.no_grad():
            weights = self.weights()
            for k, network in enumerate(self.networks):
                for name, parameter in network.named_parameters():
                    parameter.copy_(weights[name][k])
                for name, buffer in network.named_buffers():
                    buffer.copy_(self.buffers[name][k])


def _slots(network: nn.Module) -> list[tuple[dict[str, Any], str, str]]:
    """(where a module keeps it, its name there, its name in the network) of weights and buffers."""
    known = {value: full for full, value in (*network.named_parameters(), *network.named_buffers())}
    return [
        (held, name, known[value])
        for module in network.modules()
        for held in (module._parameters, module._buffers)
        for name, value in held.items()
        if value is not None
    ]


def first_line(error: BaseException) -> str:
    """What an exception says, in one line that is not long: some explain themselves at length."""
    line = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _stack(batches: Sequence[Batch]) -> tuple[tuple[Tensor, ...], dict[str, Tensor | None]]:
    """The seeds' batches with an axis of seeds in front."""

    def join(parts: Sequence[Tensor | None]) -> Tensor | None:
        known = [part for part in parts if part is not None]
        if not known and parts:
            return None
        if len(known) < len(parts) or len({part.shape for part in known}) > 1:
            raise Apart("the seeds' batches have different shapes")
        return torch.stack(known)

    inputs = [join(parts) for parts in zip(*(batch.inputs for batch in batches), strict=True)]
    beside = {name: join([batch.beside[name] for batch in batches]) for name in batches[0].beside}
    return tuple(part for part in inputs if part is not None), beside
