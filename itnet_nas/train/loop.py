"""Training of one network: AdamW, linear warm-up, cosine decay, clipped gradients.

    lr(s) = lr · (s + 1) / warmup                                          s < warmup
    lr(s) = lr · (f + (1 − f) · (1 + cos(π (s − warmup) / (S − warmup))) / 2)   else

for the steps s = 0 … S − 1, with f = `final_lr`. Nothing here depends on the clock.

Source  AdamW: arXiv 1711.05101; cosine decay: arXiv 1608.03983
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, final

import torch
from torch.nn.utils import clip_grad_norm_

from itnet_nas.kernels.operator import Operator
from itnet_nas.results.record import CurvePoint
from itnet_nas.train.finite import Watch
from itnet_nas.train.seeds import random_state, set_random_state
from itnet_nas.train.validate import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from torch import nn

    from itnet_nas.tasks.facts import Recipe
    from itnet_nas.tasks.task import Task
    from itnet_nas.train.device import Device


def learning_rate(recipe: Recipe, step: int) -> float:
    """The learning rate of optimiser step `step`, which counts from 0."""
    if step < recipe.warmup:
        return recipe.lr * (step + 1) / recipe.warmup
    # The last step gets final_lr itself; a training of one step after the warm-up gets the peak.
    past = (step - recipe.warmup) / max(1, recipe.steps - 1 - recipe.warmup)
    falling = (1 + math.cos(math.pi * past)) / 2
    return recipe.lr * (recipe.final_lr + (1 - recipe.final_lr) * falling)


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW that leaves undecayed: vectors and scalars, and what an operator names `undecayed`."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    spared = _spared(network)
    decayed = [p for p in trained if p.ndim >= 2 and p not in spared]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim < 2 or p in spared], "weight_decay": 0.0},
    ]
    fused = all(parameter.is_floating_point() for parameter in trained)
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=(0.9, recipe.beta2), fused=fused)


def _spared(network: nn.Module) -> set[nn.Parameter]:
    """Parameters, at any depth of an operator, whose own name is in its `undecayed`."""
    return {
        parameter
        for operator in network.modules()
        if isinstance(operator, Operator)
        for name, parameter in operator.named_parameters()
        if name.rpartition(".")[2] in operator.undecayed
    }


@final
class Training:
    """One training, which can be written down after any step and taken up again.

    step      optimiser steps done
    curve     validation metrics so far
    seconds   wall clock of the steps, without validation
    """

    def __init__(
        self, network: nn.Module, task: Task[Any], recipe: Recipe, seed: int, device: Device
    ) -> None:
        self.network = network
        self.task = task
        self.recipe = recipe
        self.seed = seed
        self.device = device
        self.optimizer = make_optimizer(network, recipe)
        self.watch = Watch(device)
        self.step = 0
        self.curve: list[CurvePoint] = []
        self.seconds = 0.0

    def run(
        self,
        report: Callable[[CurvePoint], bool],
        save: Callable[[dict[str, Any]], None] | None = None,
        save_every: int = 0,
        stop_at: int | None = None,
        measure_at: Collection[int] = (),
    ) -> bool:
        """Train to the end of the budget (True), or to `stop_at` or a False of `report` (False).

        `report` gets every point of the curve: each `eval_every` steps, those of `measure_at`, and
        the last step. `save` gets `state()` each `save_every` steps, and after step `stop_at`, to
        which the schedule of the learning rate pays no heed. Raises NonFiniteLoss.
        """
        recipe = self.recipe
        forward: Any = torch.compile(self.network) if recipe.compile else self.network
        self.network.train()
        clock = time.perf_counter()
        while self.step < recipe.steps and self.step != stop_at:
            self._advance(forward)
            last = self.step == recipe.steps
            pauses = self.step == stop_at
            asked = last or pauses or self.step in measure_at
            if asked or (recipe.eval_every and self.step % recipe.eval_every == 0):
                self.watch.check()
                self.seconds += time.perf_counter() - clock
                goes_on = report(self._measure())
                if not goes_on and not last and not pauses:
                    return False
                clock = time.perf_counter()
            due = pauses or (save_every and self.step % save_every == 0)
            if save is not None and due and not last:
                self.watch.check()
                self.seconds += time.perf_counter() - clock
                save(self.state())
                clock = time.perf_counter()
        return self.step == recipe.steps

    def _advance(self, forward: Any) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step)
        batch = self.task.train_batch(self.step, self.recipe.batch_size, self.seed)
        batch = batch.to(self.device.torch_device)
        with self.device.autocast():
            out = forward(*batch.inputs, **batch.beside)
        loss = self.task.loss(out.float(), batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        self.watch.note(self.step + 1, loss, norm)
        self.optimizer.step()
        self.step += 1

    def _measure(self) -> CurvePoint:
        # Scored without the compiled form: the last batch has a shape of its own.
        metrics = validate(
            self.network, self.task, "validation", self.recipe.batch_size, self.device
        )
        point = CurvePoint(step=self.step, train_loss=self.watch.train_loss(), metrics=metrics)
        self.curve.append(point)
        return point

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on; torch reads it weights-only."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "curve": [point.model_dump(mode="json") for point in self.curve],
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ring": self.watch.ring_2R,
            "random": random_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a training where `state` was written; the global generators are set too."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        self.seconds = state["seconds"]
        self.curve[:] = [CurvePoint(**point) for point in state["curve"]]
        self.watch.restore(self.step, state["ring"])
        set_random_state(state["random"])
