"""What all planted tasks hold to: their recipe, their metric, and what they say is planted."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch

from itnet_nas.axes import AXES
from itnet_nas.registry import KERNELS, TASKS
from itnet_tasks.planted.base import HELD_OUT, PlantedClasses, PlantedReals, PlantedTask

STEPS = {
    "dict_parity": 400,
    "duplicate": 600,
    "gated_sum": 400,
    "life2d": 300,
    "mqar": 200,
    "ortho": 400,
    "parity": 400,
    "phases": 400,
    "places": 400,
    "recall": 400,
    "reverb": 400,
}
TRAINING_SETS = {"life2d": 32, "ortho": 2048, "phases": 32, "places": 32, "reverb": 48}


def planted(name: str) -> PlantedTask:
    task: Any = TASKS.load(name)
    return task(task.Params())


def whole(task: PlantedTask, split: Any = "validation") -> Any:
    (batch,) = task.eval_batches(split, HELD_OUT)
    return batch


@pytest.mark.parametrize("name", STEPS)
def test_the_recipe_is_the_one_that_the_figures_were_measured_with(name: str) -> None:
    recipe = planted(name).facts().recipe

    assert recipe.steps == STEPS[name]
    assert (recipe.batch_size, recipe.lr, recipe.weight_decay) == (64, 1e-2, 0.01)
    assert (recipe.beta2, recipe.warmup, recipe.final_lr, recipe.clip) == (0.98, 50, 0.05, 1.0)
    assert recipe.eval_every == 0, "late bloomers: nothing may be stopped early"


@pytest.mark.parametrize("name", STEPS)
def test_held_out_splits_have_1024_examples(name: str) -> None:
    task = planted(name)

    assert len(whole(task, "validation").target) == HELD_OUT
    assert len(whole(task, "test").target) == HELD_OUT


@pytest.mark.parametrize(("name", "count"), TRAINING_SETS.items())
def test_a_fixed_training_set_is_all_that_training_reads(name: str, count: int) -> None:
    task = planted(name)
    known = {
        row.numpy().tobytes() for batch in task.eval_batches("train", 64) for row in batch.target
    }

    seen = {
        row.numpy().tobytes() for step in range(40) for row in task.train_batch(step, 64, 0).target
    }

    assert len(known) == count
    assert seen == known


@pytest.mark.parametrize("name", sorted(STEPS.keys() - TRAINING_SETS.keys()))
def test_without_one_no_example_comes_twice(name: str) -> None:
    task = planted(name)

    rows = [
        row.numpy().tobytes()
        for step in range(4)
        for row in task.train_batch(step, 64, 0).inputs[0]
    ]

    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize("name", STEPS)
def test_a_right_answer_scores_one(name: str) -> None:
    task = planted(name)
    batch = whole(task)
    out = batch.target
    if isinstance(task, PlantedClasses):
        out = torch.nn.functional.one_hot(out.clamp(min=0), task.classes).float()

    ((total, weight),) = task.score(out, batch).values()

    assert total / weight == 1.0


@pytest.mark.parametrize("name", STEPS)
def test_saying_the_same_everywhere_scores_as_chance_does(name: str) -> None:
    task = planted(name)
    batch = whole(task)
    chance = task.facts().quality.chance
    assert chance is not None
    if isinstance(task, PlantedClasses):
        constant = torch.nn.functional.one_hot(torch.tensor(1), task.classes).float()
        out = constant.expand(*batch.target.shape, -1)
    else:
        out = torch.zeros_like(batch.target)

    ((total, weight),) = task.score(out, batch).values()

    assert total / weight == pytest.approx(chance, abs=0.05)


@pytest.mark.parametrize("name", ["gated_sum", "ortho", "phases", "places", "reverb"])
def test_the_variance_is_that_of_the_targets(name: str) -> None:
    task = planted(name)
    assert isinstance(task, PlantedReals)
    target = whole(task).target.double()

    assert float(target.mean()) == pytest.approx(0, abs=0.02)
    assert float(target.square().mean()) == pytest.approx(task.variance(), rel=0.05)


@pytest.mark.parametrize("name", STEPS)
def test_what_is_planted_is_what_its_family_says_of_itself(name: str) -> None:
    for answer in planted(name).planted:
        family = KERNELS.load(answer.family)
        given = {"conv": {"radius": 1}, "locally_connected": {"radius": 3}, "mamba": {"state": 4}}
        given["attention"] = {"heads": 4}
        params = family.Params(**given.get(answer.family, {}))
        bias = family.bias(params)

        assert {axis: getattr(bias, axis) for axis in answer.axes} == dict(answer.axes)
        assert answer.axes.keys() <= AXES.keys()


@pytest.mark.parametrize("name", STEPS)
def test_the_page_of_a_task_says_what_is_planted(name: str) -> None:
    module = import_module(type(planted(name)).__module__)

    assert "\nPlanted  " in (module.__doc__ or "")
    assert type(planted(name)).summary.startswith("planted")


@pytest.mark.parametrize("name", STEPS)
def test_the_rule_does_not_change_with_the_stream(name: str) -> None:
    task = planted(name)
    first = task.draw(3, np.random.default_rng(0))
    again = planted(name).draw(3, np.random.default_rng(0))

    assert all(np.array_equal(a, b) for a, b in zip(first.inputs, again.inputs, strict=True))
    assert np.array_equal(first.target, again.target)
