"""Listing and showing families and tasks."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import pytest

from itnet_nas.registry import KERNELS, TASKS, Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Invoke = Callable[..., Result]


def test_families_are_listed_with_the_package_that_offers_them(itnet_nas: Invoke) -> None:
    lines = itnet_nas("kernels").stdout.splitlines()

    assert lines[0] == "name\tpackage\tstate"
    assert "conv\titnet-nas 0.1.0\tok" in lines


def test_tasks_are_listed_as_json(itnet_nas: Invoke) -> None:
    data = json.loads(itnet_nas("tasks", "--json").stdout)

    assert data["schema"] == "itnet-nas/tasks/v1"
    assert {"arrays", "text"} <= {item["name"] for item in data["tasks"]}


def test_a_name_offered_twice_is_a_line_in_the_list(
    itnet_nas: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = [
        EntryPoint("ema", f"{package}.ema:FAMILY", "itnet_nas.kernels") for package in ("a", "b")
    ]
    registry = Registry("itnet_nas.kernels", "kernel family", twice)
    monkeypatch.setattr("itnet_nas.registry.KERNELS", registry)

    listed = itnet_nas("kernels")
    asked = itnet_nas("kernels", "ema")

    assert listed.exit_code == 0
    assert "ema\tan unknown package 0\toffered twice, by " in listed.stdout
    assert asked.exit_code == 3
    assert asked.stderr.startswith('itnet-nas: kernel family "ema" is offered twice, by ')


@pytest.mark.parametrize("name", KERNELS.names())
def test_every_family_can_be_shown(itnet_nas: Invoke, name: str) -> None:
    data = json.loads(itnet_nas("kernels", name, "--json").stdout)

    assert data["schema"] == "itnet-nas/kernels/v1"
    assert data["summary"]
    assert data["source"]
    assert "\n" in data["formula"]
    assert all(param["values"] and param["description"] for param in data["params"])
    assert {"support", "sharing", "state", "content"} <= set(data["bias"][0]["bias"])


def test_a_family_is_shown_with_params_and_biases(itnet_nas: Invoke) -> None:
    text = itnet_nas("kernels", "conv").stdout

    assert text.startswith("conv  ")
    assert "values to try" in text
    assert "window(1) · translation · no state · no content" in text


@pytest.mark.parametrize("name", TASKS.names())
def test_every_task_can_be_shown(itnet_nas: Invoke, name: str) -> None:
    text = itnet_nas("tasks", name).stdout
    data = json.loads(itnet_nas("tasks", name, "--json").stdout)

    assert text.startswith(f"{name}  {data['summary']}\n")
    assert all(param["description"] for param in data["params"])


def test_an_unknown_task_names_the_nearest(itnet_nas: Invoke) -> None:
    result = itnet_nas("tasks", "txt")

    assert result.exit_code == 3
    assert 'did you mean "text"?' in result.stderr
