"""The replacement test: does what matches a layer's measured bias stand in for it?

One layer of a trained network gets another operator; everything else stays as it was trained. Of S
steps of the trial, S · share are spent on it (a fifth unless asked otherwise), in two parts:

    fit   three quarters: the new operator alone learns what the old one gave, over the layer's real
          inputs u in training batches, min Σ (new(u) − old(u))² / Σ old(u)²; all else is frozen
    tune  one quarter: the whole network is trained with the task's loss

Both use the recipe's AdamW, batch size, clipping and cosine decay to `final_lr` of the peak, and a
tenth of their steps as warm-up. The peak is FIT times the recipe's, then TUNE of it, since a whole
network forgets at the full one. An operator without weights is only tuned. Split and peaks were
chosen by the two controls alone: fresh copies of trained layers should lose little, and a network
that is only tuned nothing.

Initial weights of the new operator come from `seed`, batches from the trial's seed + 1 + `seed`, so
that every replacement of a trial sees the same ones. Two controls run the same way: a fresh copy of
the layer's own family, and the trained network tuned without any replacement.

Shapes  B examples, N positions, D channels, A coordinates
"""

from __future__ import annotations

import time
import warnings
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, final

import torch
from torch.nn.utils import clip_grad_norm_

from itnet_nas.analysis.matching import matches
from itnet_nas.analysis.replaced import Continued, Replacement, worse
from itnet_nas.errors import UsageError
from itnet_nas.kernels.site import Site
from itnet_nas.nn.network import load_network, load_task
from itnet_nas.registry import KERNELS, Origin, load_origin
from itnet_nas.train.device import pick_device
from itnet_nas.train.finite import NonFiniteLoss
from itnet_nas.train.loop import Training, learning_rate, make_optimizer
from itnet_nas.train.seeds import reproducible
from itnet_nas.train.validate import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from itnet_nas.arch.architecture import LayerChoice
    from itnet_nas.kernels.operator import Operator
    from itnet_nas.nn.network import ITNet
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Choice, Space
    from itnet_nas.tasks.batch import Batch
    from itnet_nas.tasks.facts import Recipe

FIT = 3.0  # of the recipe's peak learning rate, for the new operator alone
TUNE = 0.3  # of the recipe's peak learning rate, for the whole network
SHARE = 0.2  # of the trial's steps, for one replacement
TINY = 1e-12  # keeps a layer that gives nothing but zeros from a division by zero


def replace_layer(
    record: TrialRecord,
    weights: bytes,
    space: Space,
    layer: str,
    choice: Choice,
    *,
    seed: int = 0,
    share: float = SHARE,
) -> Replacement:
    """Put `choice` in the place of a layer, train briefly, and say what that cost.

    The same arguments give the same figures. Raises what `Replacing` and its `replace` raise.
    """
    return Replacing(record, weights, space, seed=seed, share=share).replace(layer, choice)


@final
class Replacing:
    """A trained trial on which replacements are tried, each on a copy of its own.

    Raises UsageError for a trial that is not complete, and where the share leaves less than two
    steps.
    """

    def __init__(
        self,
        record: TrialRecord,
        weights: bytes,
        space: Space,
        *,
        seed: int = 0,
        share: float = SHARE,
    ) -> None:
        if not record.complete:
            raise UsageError(
                f"trial {record.number} is {record.state}: layers are replaced in a network that "
                "was trained to its end; name a complete trial"
            )
        steps = int(share * record.recipe.steps)
        if steps < 2:
            raise UsageError(
                f"{share:g} of the {record.recipe.steps} steps of trial {record.number} is too "
                "little to fit and tune a replacement; give a larger share"
            )
        self.record = record
        self.space = space
        self.seed = seed
        self.fit_steps = 3 * steps // 4
        self.tune_steps = steps - self.fit_steps
        self.objective = space.objectives[0]
        self._weights = weights
        self._device = pick_device()
        self._task = load_task(record.task_origin, record.task)

    @cached_property
    def before(self) -> float:
        """The first objective of the network as it was trained, on the validation examples."""
        with self._reproducible():
            metrics = validate(
                self._network(),
                self._task,
                "validation",
                self.record.recipe.batch_size,
                self._device,
            )
        return metrics[self.objective.name]

    def replace(self, layer: str, choice: Choice) -> Replacement:
        """Another operator at a layer. One that diverges is a replacement without a figure.

        Raises UsageError for a layer that the trial does not have, or that refuses the choice.
        """
        kernel = self._layer(layer)
        before, clock = self.before, time.perf_counter()
        misfit = after = None
        failure, steps = "", self.tune_steps
        with self._reproducible():
            network = self._network()
            block = network.blocks[layer]
            old, new = block.mixer, self._build(layer, choice).to(self._device.torch_device)
            try:
                if any(parameter.requires_grad for parameter in new.parameters()):
                    steps += self.fit_steps
                    misfit = self._fit(network, old, new)
                block.mixer = new
                after = self._tune(network)
            except NonFiniteLoss as error:
                failure = str(error)
        self._device.release()
        return Replacement(
            layer=layer,
            replaced=kernel.label,
            by=choice.label,
            family=choice.family,
            params=choice.params,
            matches=self._matches(layer, choice),
            misfit=misfit,
            before=before,
            after=after,
            drop=None if after is None else worse(self.objective.direction, before, after),
            steps=steps,
            seconds=time.perf_counter() - clock,
            failure=failure,
        )

    def continued(self) -> Continued:
        """No replacement: what the steps that tune the whole network bring by themselves."""
        before, clock = self.before, time.perf_counter()
        with self._reproducible():
            after = self._tune(self._network())
        return Continued(
            before=before,
            after=after,
            drop=worse(self.objective.direction, before, after),
            steps=self.tune_steps,
            seconds=time.perf_counter() - clock,
        )

    @contextmanager
    def _reproducible(self) -> Iterator[None]:
        threads = self.space.search.cpus_per_trial
        with warnings.catch_warnings(), reproducible(self.seed, threads, self._device.torch_device):
            # A warning of torch is talk, whatever the process makes of warnings.
            warnings.simplefilter("default")
            yield

    def _network(self) -> ITNet:
        return load_network(self.record, self._weights).to(self._device.torch_device)

    def _layer(self, name: str) -> LayerChoice:
        layers = {layer.name: layer for layer in self.record.architecture.layers}
        if name not in layers:
            raise UsageError(
                f'trial {self.record.number} has no layer "{name}"; its layers: {", ".join(layers)}'
            )
        return layers[name]

    def _matches(self, layer: str, choice: Choice) -> bool | None:
        probe = self.record.probe.get(layer)
        if probe is None:
            return None
        return matches(choice.bias, probe.trained, self.space.facts.domain)

    def _build(self, layer: str, choice: Choice) -> Operator:
        family = load_origin(self._origin(choice.family), "kernel family")
        site = Site(domain=self.space.facts.domain, width=self.record.architecture.width)
        params = family.Params(**choice.params)
        refusal = family.refuses(site, params)
        if refusal:
            raise UsageError(
                f'layer "{layer}" of trial {self.record.number}: {choice.label} cannot stand here '
                f"({site.domain}, width {site.width}): {refusal}; replace it by another choice"
            )
        operator: Operator = family.build(site, params)
        return operator

    def _origin(self, family: str) -> Origin:
        known = {**self.space.kernel_origins, **self.record.kernel_origins}
        return known[family] if family in known else KERNELS.origin(family)

    def _recipe(self, steps: int, lr: float) -> Recipe:
        changes = {"steps": steps, "lr": lr, "warmup": steps // 10, "eval_every": 0}
        return self.record.recipe.model_copy(update={**changes, "compile": False})

    def _batch(self, step: int) -> Batch:
        recipe = self.record.recipe
        batch = self._task.train_batch(step, recipe.batch_size, self._order)
        return batch.to(self._device.torch_device)

    @property
    def _order(self) -> int:
        return self.record.seed + 1 + self.seed

    def _fit(self, network: ITNet, old: Operator, new: Operator) -> float:
        """Train `new` alone; the misfit over the last tenth of the steps."""
        recipe = self._recipe(self.fit_steps, FIT * self.record.recipe.lr)
        optimizer = make_optimizer(new, recipe)
        network.eval()
        new.train()
        wrong: list[Tensor] = []
        for step in range(recipe.steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(recipe, step)
            with self._device.autocast():
                seen = _seen(network, old, self._batch(step))
                found_BND = new(seen.u_BND, seen.mask_BN, seen.x_BNA)
            error = (found_BND.float() - seen.y_BND.float()).square().sum()
            misfit = error / seen.y_BND.float().square().sum().clamp_min(TINY)
            optimizer.zero_grad(set_to_none=True)
            misfit.backward()
            clip_grad_norm_(new.parameters(), recipe.clip)
            optimizer.step()
            wrong.append(misfit.detach())
        last = torch.stack(wrong[-max(1, recipe.steps // 10) :])
        return float(last.mean())

    def _tune(self, network: ITNet) -> float:
        """Train the whole network; its first objective afterwards."""
        recipe = self._recipe(self.tune_steps, TUNE * self.record.recipe.lr)
        training = Training(network, self._task, recipe, self._order, self._device)
        training.run(lambda _: True)
        return training.curve[-1].metrics[self.objective.name]


class _Seen(NamedTuple):
    """What an operator was given in a forward pass, and what it gave."""

    u_BND: Tensor
    mask_BN: Tensor | None
    x_BNA: Tensor | None
    y_BND: Tensor


class _Reached(Exception):
    """The forward pass has come as far as it is needed."""


def _seen(network: ITNet, operator: Operator, batch: Batch) -> _Seen:
    found: list[_Seen] = []

    def note(module: nn.Module, given: tuple[Any, ...], y_BND: Tensor) -> None:
        u_BND, mask_BN, x_BNA = given
        found.append(_Seen(u_BND, mask_BN, x_BNA, y_BND))
        raise _Reached

    handle = operator.register_forward_hook(note)
    try:
        with torch.no_grad(), suppress(_Reached):
            network(*batch.inputs, **batch.beside)
    finally:
        handle.remove()
    return found[0]
