"""The spaces of `search_spaces/planted/`: each can be searched, and offers what is planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from itnet_nas.registry import TASKS
from itnet_nas.space import load_space

FILES = sorted((Path(__file__).parents[3] / "search_spaces" / "planted").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_space_is_named_after_its_task(path: Path) -> None:
    assert path.stem.removeprefix("indifferent_") == load_space(path).task.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_space_opens_with_its_question(path: Path) -> None:
    assert path.read_text(encoding="utf-8").splitlines()[0].endswith("?")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_layer_with_an_answer_offers_it(path: Path) -> None:
    space = load_space(path)
    answers = TASKS.load(space.task.name).planted
    layers = space.layers
    for answer, layer in zip(answers, layers, strict=False):
        assert answer.family in {choice.family for choice in layer.choices}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_layers_without_an_answer_stand_in_the_indifferent_spaces_alone(path: Path) -> None:
    space = load_space(path)
    more = len(space.layers) - len(TASKS.load(space.task.name).planted)

    assert more == (1 if path.stem.startswith("indifferent_") else 0)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_quality_comes_first_and_cost_second(path: Path) -> None:
    space = load_space(path)
    quality = TASKS.load(space.task.name)(TASKS.load(space.task.name).Params()).facts().quality

    assert [objective.name for objective in space.objectives] == [quality.name, "flops"]


def test_every_planted_task_has_a_space() -> None:
    planted = {name for name in TASKS.names() if hasattr(TASKS.load(name), "planted")}

    assert planted == {path.stem for path in FILES if not path.stem.startswith("indifferent_")}
