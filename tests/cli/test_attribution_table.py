"""`itnet-nas table RUN --attribution`, and `run.attribution()`."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from cli.conftest import FAMILIES, make_job, make_record, make_space

from itnet_nas.api import open_run
from itnet_nas.results.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Invoke = Callable[..., Result]


@pytest.fixture
def full_run(tmp_path: Path) -> Path:
    """All nine architectures, and three of them again; a convolution first gains 0.2."""
    folder = tmp_path / "full"
    pairs = list(itertools.product(FAMILIES, FAMILIES))
    with Store.create(folder, make_space()) as store:
        for number, families in enumerate([*pairs, *pairs[:3]]):
            error = 0.4 - 0.2 * (families[0] == "conv") + 0.001 * number
            figures = {"error": error, "flops": 2000.0}
            store.add_job(make_job(number, *families))
            store.add_record(make_record(number, *families, objectives=figures))
    return folder


def test_a_row_per_option_in_a_pipe(itnet_nas: Invoke, full_run: Path) -> None:
    result = itnet_nas("table", full_run, "--attribution")

    head, first, *rest = result.stdout.splitlines()
    assert head.split("\t")[:6] == ["place", "of", "option", "probability", "effect", "effect_low"]
    assert first.split("\t")[:2] == ["mix1", "family = content"]
    assert first.split("\t")[2] == "conv · none"
    assert float(first.split("\t")[4]) < -0.1
    assert len(rest) > 8
    assert " on 12 complete trials, 12 of them drawn at random; leave-one-out R² " in result.stderr


def test_json_has_layers_and_pairs_as_well(itnet_nas: Invoke, full_run: Path) -> None:
    data = json.loads(itnet_nas("table", full_run, "--attribution", "--json").stdout)

    assert data["schema"] == "itnet-nas/attribution/v1"
    assert data["complete"] == 12
    assert {place["place"]: place["resolved"] for place in data["places"]} == {
        "mix1": True,
        "mix2": False,
    }
    assert data["groups"][0]["effects"][0]["resolved"]


def test_it_goes_into_a_file(itnet_nas: Invoke, full_run: Path, tmp_path: Path) -> None:
    target = tmp_path / "effects.csv"

    result = itnet_nas("table", full_run, "--attribution", "-o", target)

    assert result.stdout == f"{target}\n"
    assert target.read_text(encoding="utf-8").startswith("place,of,option,probability,effect")


def test_few_trials_are_said_to_be_few(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("table", run_folder, "--attribution")

    assert result.exit_code == 0
    assert result.stderr == "not resolved: 3 complete trials, at least 10 are needed\n"
    assert len(result.stdout.splitlines()) == 1


def test_two_tables_at_once_are_a_usage_error(itnet_nas: Invoke, run_folder: Path) -> None:
    result = itnet_nas("table", run_folder, "--attribution", "--layers")

    assert result.exit_code == 2
    assert result.stderr == (
        "itnet-nas: --layers and --attribution are two tables; ask for one of them\n"
    )


def test_python_has_the_same(full_run: Path) -> None:
    found = open_run(full_run).attribution()

    assert found.complete == 12
    assert [place.place for place in found.places if place.resolved] == ["mix1"]
