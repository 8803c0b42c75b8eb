"""Texts that a user sees, and the exit code of each kind of error."""

from __future__ import annotations

import pytest

from itnet_nas import errors
from itnet_nas.errors import ItnetError, Problem, SpaceError, did_you_mean


def test_all_problems_are_shown_in_the_order_of_the_file() -> None:
    error = SpaceError(
        "space.yaml",
        [
            Problem("layers[1].after[0]", 'no layer is called "mix0"', "layers: mix1", 10, 13),
            Problem("network.width", "must be 1 or more, got 0", "", 3, 18),
        ],
    )

    assert str(error) == (
        "space.yaml: 2 problems\n"
        "\n"
        "space.yaml:3:18: network.width\n"
        "  must be 1 or more, got 0\n"
        "\n"
        "space.yaml:10:13: layers[1].after[0]\n"
        '  no layer is called "mix0"\n'
        "  layers: mix1"
    )


def test_a_problem_without_a_place_has_no_line() -> None:
    assert str(SpaceError("graph", [Problem("", "is empty")])) == (
        "graph: 1 problem\n\ngraph: the file\n  is empty"
    )


def test_beyond_twenty_problems_the_rest_is_counted() -> None:
    error = SpaceError("space.yaml", [Problem("x", "wrong", "", n, 1) for n in range(1, 26)])

    assert str(error).count("wrong") == 20
    assert str(error).endswith("… and 5 more")
    assert len(error.problems) == 25


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("SpaceError", 1),
        ("InfeasibleError", 1),
        ("RunError", 1),
        ("UsageError", 2),
        ("PluginError", 3),
        ("UnknownPlugin", 3),
        ("DuplicatePlugin", 3),
        ("BrokenPlugin", 3),
        ("DataUnavailable", 3),
        ("EnvironmentProblem", 3),
        ("SearchEnded", 4),
    ],
)
def test_every_kind_has_its_exit_code(kind: str, code: int) -> None:
    error = getattr(errors, kind)

    assert issubclass(error, ItnetError)
    assert error.exit_code == code


def test_the_tree_in_the_docstring_names_every_class() -> None:
    classes = [
        name
        for name, found in vars(errors).items()
        if isinstance(found, type) and issubclass(found, ItnetError)
    ]

    assert errors.__doc__ is not None
    assert [name for name in classes if name not in errors.__doc__] == []


def test_a_far_word_has_no_suggestion() -> None:
    assert did_you_mean("atention", ["attention", "conv"]) == 'did you mean "attention"?'
    assert did_you_mean("xyz", ["attention", "conv"]) == ""
