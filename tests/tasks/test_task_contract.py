"""The contract finds what is wrong: a sound task with one fault planted at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from itnet_nas.kernels.cost import Cost
from itnet_nas.tasks import (
    Batch,
    Categorical,
    Domain,
    Metric,
    Recipe,
    Target,
    Task,
    TaskFacts,
    TaskParams,
    classification_loss,
    count_errors,
    generator,
    visit,
)
from itnet_nas.testing.task_contract import LanguageModelContract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from itnet_nas.tasks import Split


class Sound(Task[TaskParams]):
    """Next symbol of random sequences of 16 symbols out of 5."""

    summary = "next of random symbols"

    def facts(self) -> TaskFacts:
        return TaskFacts(
            domain=Domain(kind="sequence", shape=(16,), causal=True),
            inputs=(Categorical(classes=5),),
            target=Target(where="per_position", kind="classes", size=5),
            metrics=(Metric(name="error", direction="min"),),
            recipe=Recipe(steps=10, batch_size=8, lr=1e-3),
            licence="none",
            source="random",
            data="1",
        )

    def symbols(self, split: Split) -> Tensor:
        seed = {"train": 0, "validation": 1, "test": 2}[split]
        return torch.randint(0, 5, (40, 17), generator=generator(seed))

    def batch(self, split: Split, index: Any) -> Batch:
        symbols = self.symbols(split)[index]
        return Batch((symbols[:, :-1],), symbols[:, 1:])

    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        return self.batch("train", visit(40, batch_size, seed, step))

    def eval_batches(self, split: Split, batch_size: int) -> Iterator[Batch]:
        for first in range(0, 40, batch_size):
            yield self.batch(split, slice(first, first + batch_size))

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        return classification_loss(out, batch.target)

    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        return {"error": count_errors(out, batch.target)}


class TestSound(LanguageModelContract):
    task_class = Sound
    cases = [{}]


class ValidatesOnTraining(Sound):
    def symbols(self, split: Split) -> Tensor:
        return super().symbols("train" if split == "validation" else split)


class TrainsOnTest(Sound):
    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        return self.batch("test", visit(40, batch_size, seed, step))


class IgnoresTheSeed(Sound):
    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        return super().train_batch(step, batch_size, 0)


class IgnoresTheStep(Sound):
    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        return super().train_batch(0, batch_size, seed)


class DrawsFromTheGlobalGenerator(Sound):
    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        return self.batch("train", torch.randint(0, 40, (batch_size,)))


class CountsItsCalls(Sound):
    calls = 0

    def train_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        self.calls += 1
        return super().train_batch(step + self.calls, batch_size, seed)


class ShufflesEvaluation(Sound):
    def eval_batches(self, split: Split, batch_size: int) -> Iterator[Batch]:
        for index in torch.randperm(40).split(batch_size):
            yield self.batch(split, index)


class DropsTheLastBatch(Sound):
    def eval_batches(self, split: Split, batch_size: int) -> Iterator[Batch]:
        for first in range(0, 40 - batch_size + 1, batch_size):
            yield self.batch(split, slice(first, first + batch_size))


class AveragesItsScore(Sound):
    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        wrong, scored = count_errors(out, batch.target)
        return {"error": (wrong / scored, 1.0)}


class ScoresAnotherMetric(Sound):
    def score(self, out: Tensor, batch: Batch) -> dict[str, tuple[float, float]]:
        return {"accuracy": count_errors(out, batch.target)}


class SumsItsLoss(Sound):
    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        return classification_loss(out, batch.target) * batch.target.numel()


class RewardsErrors(Sound):
    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        return classification_loss(-out, batch.target)


class IgnoresTheOutput(Sound):
    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        return classification_loss(0 * out, batch.target)


class PredictsTheInput(Sound):
    def batch(self, split: Split, index: Any) -> Batch:
        symbols = self.symbols(split)[index]
        return Batch((symbols[:, :-1],), symbols[:, :-1])


class GivesInt32(Sound):
    def batch(self, split: Split, index: Any) -> Batch:
        batch = super().batch(split, index)
        return Batch((batch.inputs[0].int(),), batch.target)


class HasTooManySymbols(Sound):
    def symbols(self, split: Split) -> Tensor:
        return super().symbols(split) + 1


class IsTooShort(Sound):
    def batch(self, split: Split, index: Any) -> Batch:
        batch = super().batch(split, index)
        return Batch((batch.inputs[0][:, 1:],), batch.target[:, 1:])


class SaysWhereSymbolsStand(Sound):
    def batch(self, split: Split, index: Any) -> Batch:
        batch = super().batch(split, index)
        return Batch(batch.inputs, batch.target, places=torch.zeros(len(batch.target), 16, 2))


class SumsUpPackedExamples(Sound):
    def facts(self) -> TaskFacts:
        target = Target(where="pooled", kind="classes", size=5)
        return super().facts().model_copy(update={"target": target})

    def batch(self, split: Split, index: Any) -> Batch:
        inputs = super().batch(split, index).inputs
        return Batch(inputs, inputs[0][:, 0], segments=torch.zeros_like(inputs[0]))


class ForgetsTheHead(Sound):
    def coding_cost(self, width: int) -> Cost:
        return Cost(flops=0, params=5 * width, state_bytes=0)


class ChangesItsFacts(Sound):
    def facts(self) -> TaskFacts:
        return super().facts().model_copy(update={"data": str(id(self))})


FAULTS = [
    (ValidatesOnTraining, "splits_share_no_example", "40 inputs stand in train and in validation"),
    (TrainsOnTest, "training_reads_no_held_out_example", "holds an input of validation or test"),
    (IgnoresTheSeed, "steps_and_seeds_give_other_training_batches", "seed is ignored"),
    (IgnoresTheStep, "steps_and_seeds_give_other_training_batches", "step is ignored"),
    (
        DrawsFromTheGlobalGenerator,
        "a_training_batch_depends_on_its_arguments_alone",
        "depends on batches read before, or on a global generator",
    ),
    (
        CountsItsCalls,
        "a_training_batch_depends_on_its_arguments_alone",
        "depends on batches read before, or on a global generator",
    ),
    (ShufflesEvaluation, "a_second_reading_gives_the_same_data", "another second reading"),
    (
        DropsTheLastBatch,
        "evaluation_does_not_depend_on_the_size_of_batches",
        "other examples, or another order, in smaller batches",
    ),
    (AveragesItsScore, "scores_add_up", "the weight depends on the size of batches"),
    (ScoresAnotherMetric, "scores_add_up", "the facts name"),
    (SumsItsLoss, "the_loss_prefers_the_target_to_zeros", "expected about ln 5 = 1.6094 nats"),
    (RewardsErrors, "the_loss_prefers_the_target_to_zeros", "a right output costs"),
    (IgnoresTheOutput, "the_loss_of_an_untrained_network_teaches", "gradient"),
    (PredictsTheInput, "targets_are_the_next_inputs", "is not the input of the next position"),
    (GivesInt32, "batches_have_the_declared_form", "an input is torch.int32"),
    (HasTooManySymbols, "batches_have_the_declared_form", "an input holds the symbol 5"),
    (IsTooShort, "batches_have_the_declared_form", "expected (16, 16)"),
    (SaysWhereSymbolsStand, "batches_have_the_declared_form", "this is causal sequence of 16"),
    (SumsUpPackedExamples, "batches_have_the_declared_form", "need a target at each position"),
    (ForgetsTheHead, "the_cost_of_coding_counts_every_parameter", "coding_cost says 40"),
    (ChangesItsFacts, "facts_do_not_change", "a second task states other facts"),
]


@pytest.mark.parametrize(
    ("faulty", "test", "message"), FAULTS, ids=[fault.__name__ for fault, *_ in FAULTS]
)
def test_a_planted_fault_is_found(faulty: type[Sound], test: str, message: str) -> None:
    contract = type("Faulty", (LanguageModelContract,), {"task_class": faulty, "cases": [{}]})()

    with pytest.raises(AssertionError) as caught:
        getattr(contract, f"test_{test}")({})

    assert message in str(caught.value)


def test_a_class_that_cannot_be_imported_by_path_is_found() -> None:
    class Local(Sound):
        pass

    contract = type("Faulty", (LanguageModelContract,), {"task_class": Local, "cases": [{}]})()

    with pytest.raises(AttributeError, match="<locals>"):
        contract.test_the_class_is_found_by_its_path()
