"""A search over clouds of points, whose data the comment of its file makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import itnet_nas
from itnet_nas.space import load_space

SPACE = Path(__file__).parents[2] / "search_spaces" / "points.yaml"
ON_PLACES = {"point_attention", "point_conv"}


@pytest.fixture
def _clouds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """points.npz, made as the file says."""
    monkeypatch.chdir(tmp_path)
    found = re.search(r"<<'EOF'\n(.*?)# +EOF", SPACE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    exec(re.sub(r"^# {13}", "", found[1], flags=re.MULTILINE))


def space(kernels: Any, **search: Any) -> dict[str, Any]:
    """One layer of the shipped space."""
    document = yaml.safe_load(SPACE.read_text(encoding="utf-8"))
    document["layers"] = [{"name": "mix", "kernels": kernels}]
    document["network"] = {"width": 16}
    return {**document, **search}


@pytest.mark.usefixtures("_clouds")
def test_the_clouds_are_the_ones_that_the_comment_speaks_of() -> None:
    given = np.load("points.npz")

    facts = load_space(SPACE).facts

    assert str(facts.domain) == "points of 64 in 3 dimensions"
    assert facts.target.size == 3
    assert given["mask"].sum(1).min() >= 40


@pytest.mark.slow
@pytest.mark.usefixtures("_clouds")
def test_families_that_read_places_are_searched() -> None:
    training = {"steps": 4, "batch_size": 8}
    plan = space("any", training=training, search={"strategy": "random", "trials": 100, "seed": 0})

    run = itnet_nas.search(plan, run="run", backend="local")

    assert {record.state for record in run.records} == {"complete"}
    families = {layer.family for record in run.records for layer in record.architecture.layers}
    assert families >= {*ON_PLACES, "identity", "attention"}


@pytest.mark.slow
@pytest.mark.usefixtures("_clouds")
def test_clouds_are_told_apart_where_places_are_read_and_weights_do_not_sum_to_one() -> None:
    """A weighted mean of equal values is that value, whatever places the weights were made of."""
    training = {"steps": 200, "batch_size": 32, "lr": 0.01}
    kernels: dict[str, Any] = {
        "identity": {},
        "low_rank": {"rank": [8], "reads": ["both"]},
        "point_attention": {"heads": [2], "neighbours": [None]},
        "point_conv": {"neighbours": [32], "radius": [None]},
    }
    plan = space(kernels, training=training, search={"strategy": "random", "trials": 9, "seed": 0})

    run = itnet_nas.search(plan, run="run", backend="local")

    error = {r.architecture.layers[0].family: r.objectives["error"] for r in run.records}
    assert len(error) == len(run.records) == 4
    assert min(error["identity"], error["point_attention"]) > 0.58
    assert error["low_rank"] < 0.25
    assert error["point_conv"] < 0.58
