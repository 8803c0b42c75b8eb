"""`TaskContract`: what every task promises, as tests that its author inherits.

    class TestWeather(TaskContract):
        task_class = WeatherTask
        cases = [{"context": 48}, {"context": 96, "horizon": 12}]

Every test runs once per case, on data that must be on this machine; keep the cases small, since
each split is read in full several times. A task of language modelling inherits from
`LanguageModelContract`, which adds that every scored target is the next input.
"""

from __future__ import annotations

import importlib
import itertools
import json
import math
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from itnet_nas.tasks.facts import TaskFacts
from itnet_nas.testing.task_readings import (
    IGNORED,
    SPLITS,
    WIDTH,
    check_form,
    coding,
    digests,
    examples,
    input_digests,
    inputs,
    totals,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itnet_nas.tasks.task import Task


class TaskContract:
    """Inherit it in a class whose name begins with "Test"; pytest collects it there alone.

    task_class   the class that is offered under the entry point
    cases        params to try, as a search-space file would give them
    batch_size   examples in a batch of the tests
    """

    task_class: ClassVar[type[Task[Any]]]
    cases: ClassVar[Sequence[Mapping[str, Any]]] = ({},)
    batch_size: ClassVar[int] = 16

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """One test per case: pytest calls this for every test function of the class."""
        if "case" in metafunc.fixturenames:
            ids = [json.dumps(dict(case), default=str) for case in self.cases]
            metafunc.parametrize("case", self.cases, ids=ids)

    def task(self, case: Mapping[str, Any]) -> Task[Any]:
        """A new task with the params of a case."""
        return self.task_class(self.task_class.Params(**case))

    def test_the_class_is_found_by_its_path(self) -> None:
        found: Any = importlib.import_module(self.task_class.__module__)
        for part in self.task_class.__qualname__.split("."):
            found = getattr(found, part)

        assert found is self.task_class, "a worker imports the class by path and got another one"

    def test_the_task_says_what_it_is(self, case: Mapping[str, Any]) -> None:
        facts = self.task(case).facts()

        assert self.task_class.summary.strip(), "`summary` is empty"
        assert self.task_class.version >= 1, "`version` counts from 1"
        assert facts.licence.strip(), "`licence` of the facts is empty"
        assert facts.source.strip(), "`source` of the facts is empty"
        assert facts.data.strip(), "`data` of the facts, the hash of the data, is empty"

    def test_params_survive_json(self, case: Mapping[str, Any]) -> None:
        params = self.task(case).params

        again = self.task_class.Params(**json.loads(params.model_dump_json()))

        assert again == params, f"{params!r} came back as {again!r}"

    def test_facts_survive_json(self, case: Mapping[str, Any]) -> None:
        facts = self.task(case).facts()

        again = TaskFacts.model_validate_json(facts.model_dump_json())

        assert again == facts, f"{facts!r} came back as {again!r}"

    def test_facts_do_not_change(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        before = task.facts()
        _ = task.train_batch(0, self.batch_size, seed=0)

        assert task.facts() == before, "the facts changed after a batch was read"
        assert self.task(case).facts() == before, "a second task states other facts"

    def test_every_split_has_examples(self, case: Mapping[str, Any]) -> None:
        for split in SPLITS:
            batches = self.task(case).eval_batches(split, self.batch_size)
            assert len(next(iter(batches)).target), f"{split} is empty"

    def test_a_second_reading_gives_the_same_data(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        for split in SPLITS:
            first = examples(task, split, self.batch_size)
            again = examples(task, split, self.batch_size)
            elsewhere = examples(self.task(case), split, self.batch_size)
            assert again == first, f"{split}: another second reading"
            assert elsewhere == first, f"{split}: a new task differs"

    def test_evaluation_does_not_depend_on_the_size_of_batches(
        self, case: Mapping[str, Any]
    ) -> None:
        task = self.task(case)
        for split in SPLITS:
            whole = examples(task, split, self.batch_size)
            parts = examples(task, split, self.batch_size // 2 + 1)
            assert parts == whole, f"{split}: other examples, or another order, in smaller batches"

    def test_splits_share_no_example(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        seen = {split: inputs(task, split, self.batch_size) for split in SPLITS}
        for one, other in itertools.combinations(SPLITS, 2):
            shared = len(seen[one] & seen[other])
            assert not shared, f"{shared} inputs stand in {one} and in {other}"

    def test_batches_have_the_declared_form(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        check_form(task, task.train_batch(0, self.batch_size, seed=0), self.batch_size)
        for split in SPLITS:
            batch = next(iter(task.eval_batches(split, self.batch_size)))
            check_form(task, batch, min(self.batch_size, len(batch.target)))

    def test_a_training_batch_depends_on_its_arguments_alone(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        torch.manual_seed(0)
        first = digests(task.train_batch(3, self.batch_size, seed=5))
        drawn = torch.rand(1)
        for step in (0, 7):
            task.train_batch(step, self.batch_size, seed=5)
        later = digests(task.train_batch(3, self.batch_size, seed=5))
        elsewhere = digests(self.task(case).train_batch(3, self.batch_size, seed=5))
        torch.manual_seed(0)

        assert later == first, "the batch depends on batches read before, or on a global generator"
        assert elsewhere == first, "a new task gives another batch"
        assert torch.equal(torch.rand(1), drawn), "train_batch draws from torch's global generator"

    def test_steps_and_seeds_give_other_training_batches(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        first = digests(task.train_batch(0, self.batch_size, seed=0))

        assert digests(task.train_batch(1, self.batch_size, seed=0)) != first, "step is ignored"
        assert digests(task.train_batch(0, self.batch_size, seed=1)) != first, "seed is ignored"

    def test_training_reads_no_held_out_example(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        held_out = inputs(task, "validation", self.batch_size)
        held_out |= inputs(task, "test", self.batch_size)
        seen: set[str] = set()
        for step in range(4):
            seen.update(input_digests(task.train_batch(step, self.batch_size, seed=0)))

        assert not seen & held_out, "a training batch holds an input of validation or test"

    def test_the_loss_of_an_untrained_network_teaches(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        batch = task.train_batch(0, self.batch_size, seed=0)
        encoder, head = coding(task)
        out = head(encoder(*batch.inputs), batch.mask)
        loss = task.loss(out, batch)
        loss.backward()  # type: ignore[no-untyped-call]

        assert loss.shape == (), f"the loss is no scalar: {tuple(loss.shape)}"
        assert math.isfinite(loss.item()), f"the loss is {loss.item()}"
        for name, parameter in [*encoder.named_parameters(), *head.named_parameters()]:
            taught = parameter.grad is not None and bool(parameter.grad.any())
            assert taught, f"{name} gets no gradient"

    def test_the_loss_prefers_the_target_to_zeros(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        target = task.facts().target
        batch = task.train_batch(0, self.batch_size, seed=0)
        if target.kind == "reals":
            undecided = float(task.loss(torch.zeros_like(batch.target), batch))
            right = float(task.loss(batch.target, batch))
        else:
            classes = torch.arange(target.size)
            hot = (batch.target.unsqueeze(-1) == classes).float()
            undecided, wanted = float(task.loss(0 * hot, batch)), math.log(target.size)
            right = float(task.loss(20 * hot, batch))
            assert abs(undecided - wanted) <= 0.3 * wanted, (
                f"outputs of 0 give a loss of {undecided:.4f}, expected about ln {target.size} = "
                f"{wanted:.4f} nats"
            )

        assert right < undecided, f"a right output costs {right}, outputs of 0 cost {undecided}"

    def test_scores_add_up(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        encoder, head = coding(task)
        both = [
            totals(task, encoder, head, size)
            for size in (self.batch_size, self.batch_size // 2 + 1)
        ]
        names = {metric.name for metric in task.facts().metrics}

        for total in both:
            assert set(total) == names, f"scores {sorted(total)}, the facts name {sorted(names)}"
        for name in names:
            (one, weight), (other, other_weight) = both[0][name], both[1][name]
            assert weight > 0, f"{name}: no weight over the whole of validation"
            assert weight == other_weight, f"{name}: the weight depends on the size of batches"
            assert math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6), (
                f"{name}: {one} in batches of {self.batch_size}, {other} in smaller ones"
            )

    def test_the_cost_of_coding_counts_every_parameter(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        modules = coding(task)
        real = sum(p.numel() for module in modules for p in module.parameters())
        stated = task.coding_cost(WIDTH).params

        assert stated == real, f"coding_cost says {stated} parameters, the modules have {real}"


class LanguageModelContract(TaskContract):
    """The same for a task that predicts every next symbol of a sequence."""

    def test_targets_are_the_next_inputs(self, case: Mapping[str, Any]) -> None:
        task = self.task(case)
        batches = [task.train_batch(0, self.batch_size, seed=0)]
        batches += [next(iter(task.eval_batches(split, self.batch_size))) for split in SPLITS]

        assert task.facts().domain.causal, "a language model on a domain that is not causal"
        for batch in batches:
            next_BN, target_BN = batch.inputs[0][:, 1:], batch.target[:, :-1]
            scored_BN = target_BN != IGNORED
            assert scored_BN.any(), "no scored target has a next input to compare it with"
            assert torch.equal(next_BN[scored_BN], target_BN[scored_BN]), (
                "a scored target is not the input of the next position"
            )
