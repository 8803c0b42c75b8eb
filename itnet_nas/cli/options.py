"""Options and arguments that several verbs share, and what every verb has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from itnet_nas.errors import RunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

# Spelled out here because reading them from SearchSpec would cost `--help` the import of pydantic;
# a test holds the two together.
STRATEGIES = ("surrogate", "evolution", "random", "optuna_tpe", "optuna_nsga2")
KEEP_WEIGHTS = ("front", "all", "none")


def common(function: F) -> F:
    """`--json` and `--debug`, which every verb takes."""
    function = click.option(
        "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
    )(function)
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object with a versioned schema."
    )(function)


space_argument = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
run_argument = click.argument("run", metavar="RUN", type=click.Path(path_type=Path))


class TrialNumber(click.ParamType[int]):
    """The number of a trial, from 0."""

    name = "trial"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        if not str(value).isdecimal():
            self.fail(f"'{value}' is no number of a trial.", param, ctx)
        return int(value)


trial_argument = click.argument("trial", metavar="TRIAL", type=TrialNumber())
output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here instead of to stdout.",
)


class Duration(click.ParamType[str]):
    """`90`, `90s`, `10m`, `2h`, `1d`: what `search.time` of a file takes."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself, when it is one."""
        import re

        text = str(value)
        if not re.fullmatch(r"\d+(\.\d+)?[smhd]?", text):
            self.fail(f"'{text}' is no duration; write 90s, 10m, 2h or 1d.", param, ctx)
        return text


def search_options(function: F) -> F:
    """How to search: the same for a new run and for one that goes on."""
    for option in reversed(_SEARCH):
        function = option(function)
    return function


def where_to_work(function: F) -> F:
    """`--workers`, `--address` and `--backend`, for a verb that trains."""
    for option in reversed(_WHERE):
        function = option(function)
    return function


_WHERE: Sequence[Callable[[Any], Any]] = (
    click.option(
        "--workers", metavar="N", type=click.IntRange(min=1), help="Trials at the same time."
    ),
    click.option(
        "--address", metavar="ADDR", help="A running Ray cluster; without it Ray starts here."
    ),
    click.option(
        "--backend",
        type=click.Choice(["ray", "local"]),
        default="ray",
        show_default=True,
        help="local trains in this process, one trial after the other.",
    ),
)
_SEARCH: Sequence[Callable[[Any], Any]] = (
    click.option("--trials", metavar="N", type=click.IntRange(min=1), help="Trials in all."),
    click.option(
        "--time", metavar="TIME", type=Duration(), help="Stop after this long: 90s, 10m, 2h."
    ),
    click.option(
        "--halving/--no-halving",
        default=None,
        help="Pause trials early and go on with the better ones; off unless the file says so.",
    ),
    click.option(
        "--with-baseline",
        "baseline",
        is_flag=True,
        default=None,
        help="Then as many trials of random search, to compare with.",
    ),
    *_WHERE,
)


def require_file(file: Path) -> None:
    """Raises UsageError where there is no such file; what is wrong inside is not asked here."""
    if file.is_dir():
        raise UsageError(f"{file} is a folder; name a .yaml or .json file in it")
    if not file.exists():
        raise UsageError(
            f"there is no file {file}; `itnet-nas init` writes one, "
            f"`itnet-nas init --list` shows which"
        )


def write_text(text: str, output: Path) -> None:
    """Write a file, its folder included. Raises RunError where that is not possible."""
    write_bytes(text.encode(), output)


def write_bytes(data: bytes, output: Path) -> None:
    """Write a file, its folder included. Raises RunError where that is not possible."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(data)
    except OSError as error:
        raise RunError(f"{output} cannot be written: {error.strerror}") from error
