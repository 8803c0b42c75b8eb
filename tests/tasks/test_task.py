from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

from itnet_nas.tasks import (
    Metric,
    TaskFacts,
    TaskParams,
    classification_loss,
    count_errors,
    sum_bits,
)
from itnet_tasks.python_source import PythonSourceTask


def test_undecided_logits_cost_one_bit_for_two_classes() -> None:
    bits, scored = sum_bits(torch.zeros(1, 4, 2), torch.tensor([[0, 1, 1, 0]]))

    assert (bits, scored) == (pytest.approx(4), 4)


def test_what_is_not_scored_counts_nowhere() -> None:
    out = torch.tensor([[[5.0, 0.0], [0.0, 5.0], [5.0, 0.0]]])
    target = torch.tensor([[0, 0, -100]])

    assert count_errors(out, target) == (1, 2)
    assert sum_bits(out, target)[1] == 2
    assert torch.equal(
        classification_loss(out, target), classification_loss(out[:, :2], target[:, :2])
    )


def test_the_loss_is_the_bits_in_nats() -> None:
    torch.manual_seed(0)
    out, target = torch.randn(3, 5, 7), torch.randint(0, 7, (3, 5))
    bits, scored = sum_bits(out, target)

    assert float(classification_loss(out, target)) == pytest.approx(bits / scored * math.log(2))


def test_outputs_that_carry_gradients_are_scored_as_they_are() -> None:
    out = torch.zeros(1, 4, 2, requires_grad=True)
    target = torch.tensor([[0, 1, 1, 0]])

    assert sum_bits(out, target) == (pytest.approx(4), 4)
    assert count_errors(out, target) == (2, 4)


def test_one_answer_per_example_is_scored_too() -> None:
    out = torch.tensor([[5.0, 0.0], [5.0, 0.0]])

    assert count_errors(out, torch.tensor([0, 1])) == (1, 2)


def test_an_unknown_key_of_params_is_an_error() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        TaskParams(contxt=3)


def test_quality_is_the_first_metric() -> None:
    facts = PythonSourceTask(PythonSourceTask.Params()).facts()
    both = facts.model_copy(update={"metrics": (Metric(name="a", direction="max"), facts.quality)})

    assert both.quality.name == "a"


def test_metrics_of_one_name_are_refused() -> None:
    facts = PythonSourceTask(PythonSourceTask.Params()).facts().model_dump()
    twice = facts | {"metrics": facts["metrics"] * 2}

    with pytest.raises(ValidationError, match="two metrics share a name: bits_per_byte"):
        TaskFacts(**twice)


@pytest.mark.parametrize("module", ["python_source", "text", "fashion_mnist", "arrays"])
def test_params_of_a_built_in_task_are_read_without_torch(module: str) -> None:
    code = f"import sys, itnet_tasks.{module}; print('torch' in sys.modules)"

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout == "False\n"


def test_the_facts_of_python_source_are_stated_without_torch() -> None:
    code = (
        "import sys; from itnet_tasks.python_source import PythonSourceTask as T; "
        "T(T.Params()).facts(); print('torch' in sys.modules)"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout == "False\n"
