"""Writing a space file to start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from itnet_nas.cli.init import examples, purpose

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

SHIPPED = Path(__file__).parents[2] / "search_spaces"


def test_every_file_of_search_spaces_is_an_example() -> None:
    assert set(examples()) == {path.stem for path in SHIPPED.glob("*.yaml")}


@pytest.mark.parametrize("name", [path.stem for path in SHIPPED.glob("*.yaml")])
def test_an_example_opens_with_its_question(name: str) -> None:
    assert purpose(examples()[name].read_text(encoding="utf-8")).endswith("?")


def test_the_example_is_written_as_it_is(itnet_nas: Callable[..., Result], tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"

    result = itnet_nas("init", target, "--from", "depth")

    assert result.exit_code == 0
    assert result.stdout == f"{target}\n"
    assert result.stderr == f"next: itnet-nas check {target}, then itnet-nas search {target}\n"
    assert target.read_text(encoding="utf-8") == examples()["depth"].read_text(encoding="utf-8")


def test_a_name_without_a_suffix_gets_one(itnet_nas: Callable[..., Result], tmp_path: Path) -> None:
    itnet_nas("init", tmp_path / "mine")

    assert (tmp_path / "mine.yaml").exists()


def test_a_file_that_exists_is_left_alone(itnet_nas: Callable[..., Result], tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    target.write_text("precious")

    result = itnet_nas("init", target)

    assert result.exit_code == 2
    assert result.stderr == f"itnet-nas: {target} exists and is left as it is; name another file\n"
    assert target.read_text() == "precious"


def test_an_unknown_example_names_the_nearest(itnet_nas: Callable[..., Result]) -> None:
    result = itnet_nas("init", "--from", "quickstar")

    assert result.exit_code == 2
    assert result.stderr.startswith(
        'itnet-nas: there is no example "quickstar"; did you mean "quickstart"?; examples: '
    )


def test_the_list_is_json_where_that_is_asked_for(itnet_nas: Callable[..., Result]) -> None:
    listed = json.loads(itnet_nas("init", "--list", "--json").stdout)

    assert listed["schema"] == "itnet-nas/init/v1"
    assert [item["name"] for item in listed["examples"]] == sorted(examples())
