"""`Together`: one architecture trained under several seeds at once.

Each seed has its own initial weights, its own order of batches, its own clipping and its own
moments, exactly as in `Training`; only sums are made in another order, so that figures agree to
rounding. It saves the time between operations too small to fill a processor, and no arithmetic.

Not everything can be done to several networks at once. What cannot is found by trying: one step on
a copy, beside the same step of each network by itself. Which way is taken is a function of the job.
"""

from __future__ import annotations

import copy
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import torch
from torch.nn.utils import clip_grad_norm_

from itnet_nas.results.record import CurvePoint
from itnet_nas.train.finite import NonFiniteLoss, Watch
from itnet_nas.train.loop import learning_rate
from itnet_nas.train.seeds import random_state
from itnet_nas.train.stacked import Apart, Stacked, first_line
from itnet_nas.train.validate import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn

    from itnet_nas.tasks.batch import Batch
    from itnet_nas.tasks.facts import Recipe
    from itnet_nas.tasks.task import Split, Task
    from itnet_nas.train.device import Device

AGREES = 1e-3  # of a loss or a gradient's norm: rounding of float32 stays far below
AGREES_HALF = 5e-2  # where matrices are multiplied in bfloat16


class SeedFailed(Exception):
    """One of the trainings cannot go on, and which."""

    def __init__(self, seed: int, step: int, error: NonFiniteLoss) -> None:
        super().__init__(f"seed {seed}: {error}")
        self.seed = seed
        self.step = step
        self.error = error


@final
class Together:
    """`networks` of one architecture, trained each under its own seed.

    step      optimiser steps done
    curves    validation metrics so far, of each seed
    seconds   wall clock of the steps, without validation

    The constructor raises Apart, with the reason, where they cannot be trained together.
    """

    def __init__(
        self,
        networks: Sequence[nn.Module],
        task: Task[Any],
        recipe: Recipe,
        seeds: Sequence[int],
        device: Device,
    ) -> None:
        if recipe.compile:
            raise Apart("the recipe asks for torch.compile")
        self.networks = list(networks)
        self.task = task
        self.recipe = recipe
        self.seeds = tuple(seeds)
        self.device = device
        self.step = 0
        self.curves: list[list[CurvePoint]] = [[] for _ in seeds]
        self.seconds = 0.0
        self._watches = [Watch(device) for _ in seeds]
        try:
            with _without_talk():
                self._try()
        except Apart:
            raise
        except Exception as error:  # whatever a plugin or vmap says to it
            raise Apart(first_line(error)) from error
        self._stacked = Stacked(self.networks, recipe)
        self._optimizer = self._stacked.optimizer(recipe)

    def run(self, report: Callable[[CurvePoint], bool]) -> bool:
        """Train until the budget is spent (True) or `report` answers False (False).

        `report` gets the first seed's points. Raises SeedFailed, or Apart where a later batch
        shows that the seeds cannot go on together.
        """
        with _without_talk():
            return self._run(report)

    def _run(self, report: Callable[[CurvePoint], bool]) -> bool:
        recipe = self.recipe
        self._stacked.train()
        clock = time.perf_counter()
        while self.step < recipe.steps:
            self.advance()
            last = self.step == recipe.steps
            if last or (recipe.eval_every and self.step % recipe.eval_every == 0):
                for seed, watch in zip(self.seeds, self._watches, strict=True):
                    with self._named(seed):
                        watch.check()
                self.seconds += time.perf_counter() - clock
                goes_on = report(self._measure())
                if not goes_on and not last:
                    break
                clock = time.perf_counter()
        self._stacked.write_back()
        return self.step == recipe.steps

    def advance(self) -> None:
        """One step of all seeds. Raises SeedFailed before the weights change."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step)
        losses_K = self._backward()
        norm_K = self._stacked.clip(self.recipe.clip)
        for k, seed in enumerate(self.seeds):
            with self._named(seed):
                self._watches[k].note(self.step + 1, losses_K[k], norm_K[k])
        self._optimizer.step()
        self.step += 1

    def _backward(self) -> list[Tensor]:
        """The seeds' losses; gradients are left in the weights."""
        batches = [self._batch(seed) for seed in self.seeds]
        with self.device.autocast():
            out_K = self._stacked.forward(batches)
        # A loss may look at its values, which nothing under vmap may; it is the cheap part.
        pairs = zip(out_K.unbind(), batches, strict=True)
        losses_K = [self.task.loss(out.float(), batch) for out, batch in pairs]
        self._stacked.zero_grad()
        # No weight is shared, so the gradient of the sum is each seed's own.
        torch.stack(losses_K).sum().backward()  # type: ignore[no-untyped-call]
        return losses_K

    def _batch(self, seed: int) -> Batch:
        batch = self.task.train_batch(self.step, self.recipe.batch_size, seed)
        return batch.to(self.device.torch_device)

    def _measure(self) -> CurvePoint:
        found = self.score("validation")
        for metrics, watch, curve in zip(found, self._watches, self.curves, strict=True):
            loss = watch.train_loss()
            curve.append(CurvePoint(step=self.step, train_loss=loss, metrics=metrics))
        return self.curves[0][-1]

    def score(self, split: Split) -> list[dict[str, float]]:
        """Metrics of each seed on a split. Raises SeedFailed for one that is not finite."""
        tallies = [Tally(self.task, split) for _ in self.seeds]
        self._stacked.train(False)
        try:
            with torch.no_grad():
                for batch in self.task.eval_batches(split, self.recipe.batch_size):
                    here = batch.to(self.device.torch_device)
                    with self.device.autocast():
                        out_K = self._stacked.forward_same(here)
                    for tally, out in zip(tallies, out_K.unbind(), strict=True):
                        tally.add(out, here)
        finally:
            self._stacked.train()
        found = []
        for seed, tally in zip(self.seeds, tallies, strict=True):
            with self._named(seed):
                found.append(tally.metrics())
        return found

    @contextmanager
    def _named(self, seed: int) -> Iterator[None]:
        """Say whose figures are not finite."""
        try:
            yield
        except NonFiniteLoss as error:
            raise SeedFailed(seed, error.step or self.step, error) from error

    def _try(self) -> None:
        """One step and one batch of the validation on copies. Raises Apart."""
        before = random_state()
        alone = [
            self._one_step(copy.deepcopy(network), k) for k, network in enumerate(self.networks)
        ]
        if not _same(random_state(), before):
            raise Apart("a step of training draws random numbers")
        self._stacked = Stacked([copy.deepcopy(each) for each in self.networks], self.recipe)
        self._stacked.train()
        losses_K = self._backward()
        norm_K = self._stacked.clip(self.recipe.clip)
        agrees = AGREES_HALF if self.device.bf16 else AGREES
        for k, seed in enumerate(self.seeds):
            for what, found, wanted in zip(
                ("loss", "gradient norm"), (losses_K[k].detach(), norm_K[k]), alone[k], strict=True
            ):
                # Not a number is unlike anything: what it means is said by a training by itself.
                if not abs(float(found) - wanted) <= agrees * (abs(wanted) + agrees):
                    raise Apart(
                        f"the {what} of seed {seed} is {float(found):.6g} together and "
                        f"{wanted:.6g} by itself"
                    )
        self._stacked.train(False)
        with torch.no_grad(), self.device.autocast():
            batch = next(iter(self.task.eval_batches("validation", self.recipe.batch_size)))
            self._stacked.forward_same(batch.to(self.device.torch_device))

    def _one_step(self, network: nn.Module, k: int) -> tuple[float, float]:
        """Loss and norm of the gradient of one network by itself."""
        network.train()
        batch = self._batch(self.seeds[k])
        with self.device.autocast():
            out = network(*batch.inputs, **batch.beside)
        loss = self.task.loss(out.float(), batch)
        loss.backward()  # type: ignore[no-untyped-call]
        for name, weight in network.named_parameters():
            if weight.requires_grad and weight.grad is None:
                raise Apart(f'the weight "{name}" takes no part in a step of training')
        return float(loss.detach()), float(clip_grad_norm_(network.parameters(), self.recipe.clip))


@contextmanager
def _without_talk() -> Iterator[None]:
    """Where vmap takes networks one by one for want of a rule it says so each time."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*batching rule", category=UserWarning)
        yield


def _same(state: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two states of the global generators are one."""
    parts = zip(state.values(), other.values(), strict=True)
    return all(
        torch.equal(one, two) if isinstance(one, torch.Tensor) else str(one) == str(two)
        for one, two in parts
    )
