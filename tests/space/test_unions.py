"""Params that take values of several kinds: one message per value, and a task's own coercions."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from itnet_nas.space.findings import Findings
from itnet_nas.space.parse import read_model
from itnet_nas.space.source import from_data


class Params(BaseModel):
    """As a task may have them: one path, or a list that is not empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: str | Annotated[tuple[str, ...], Field(min_length=1)] = ()
    listed: Annotated[
        tuple[str, ...], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)
    ] = ()
    size: Annotated[int, Field(ge=1)] | None = None


def said(lax: bool = True, **given: Any) -> list[tuple[str, str, str]]:
    findings = Findings(from_data(given, "a.yaml"))
    read_model(Params, given, ("task",), findings, lax=lax)
    return [(one.path, one.message, one.remedy) for one in findings.problems]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ([], ("task.files", "must have at least 1 entry, got []", "")),
        (3, ("task.files", "must be text or a list, got 3", "put it in quotes")),
        ({"a": 1}, ("task.files", 'must be text or a list, got {"a": 1}', "")),
        ([1, "a"], ("task.files[0]", "must be text, got 1", "put it in quotes")),
    ],
    ids=["too short", "neither", "a mapping", "one entry is wrong"],
)
def test_a_value_that_fits_no_member_of_a_union_is_one_problem(
    files: Any, problem: tuple[str, str, str]
) -> None:
    assert said(files=files) == [problem]


def test_every_wrong_entry_of_a_list_is_a_problem() -> None:
    assert [path for path, _, _ in said(files=[1, "a", 2])] == ["task.files[0]", "task.files[2]"]


def test_a_model_may_make_a_list_of_one_text() -> None:
    assert said(listed="LICENSE") == []


def test_a_number_in_quotes_is_what_the_model_makes_of_it() -> None:
    assert said(size="64") == []
    assert said(size="0") == [("task.size", 'must be at least 1, got "0"', "")]


def test_the_keys_of_a_space_are_not_coerced() -> None:
    assert said(lax=False, size="64") == [
        ("task.size", 'must be a number, got "64"', "write it without quotes")
    ]
