"""The frame around the verbs: options, errors, exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import pytest

from itnet_nas.cli.main import main
from itnet_nas.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

COMMON = {"--json", "--debug"}
SEARCH = {
    "--trials",
    "--time",
    "--halving",
    "--with-baseline",
    "--workers",
    "--address",
    "--backend",
}
SURFACE = {
    "init": ({"NAME"}, {"--from", "--list"}),
    "kernels": ({"NAME"}, {"--why", "--domain", "--length", "--width", "--device", "--set"}),
    "tasks": ({"NAME"}, set()),
    "schema": (set(), {"--output"}),
    "check": ({"FILE"}, set()),
    "show": ({"FILE"}, {"--format", "--output"}),
    "search": (
        {"FILE"},
        {
            "--run",
            "--from",
            "--strategy",
            "--seed",
            "--cpus-per-trial",
            "--gpus-per-trial",
            "--keep-weights",
            "--dry-run",
            *SEARCH,
        },
    ),
    "resume": ({"RUN"}, {"--extend", *SEARCH}),
    "status": ({"RUN"}, {"--layers"}),
    "pareto": ({"RUN"}, {"--csv", "--pick", "--no-plot"}),
    "explain": ({"RUN", "TRIAL"}, {"--replace"}),
    "certify": (
        {"RUN", "TRIAL"},
        {"--seeds", "--swaps", "--trials", "--time", "--workers", "--address", "--backend"},
    ),
    "confirm": (
        {"RUN"},
        {"--seeds", "--again", "--time", "--workers", "--address", "--backend"},
    ),
    "table": ({"RUN"}, {"--format", "--output", "--layers", "--attribution"}),
    "report": ({"RUN"}, {"--output"}),
    "export": ({"RUN", "TRIAL"}, {"--format", "--output"}),
    "plugin check": ({"MODULE"}, set()),
}


def verbs() -> dict[str, click.Command]:
    """Every verb, those of a group by both words."""
    found: dict[str, click.Command] = {}
    for name, verb in main.commands.items():
        below = verb.commands if isinstance(verb, click.Group) else None
        found |= {name: verb} if below is None else {f"{name} {n}": v for n, v in below.items()}
    return found


def test_the_verbs_are_pinned() -> None:
    assert list(verbs()) == list(SURFACE)


@pytest.mark.parametrize("verb", SURFACE)
def test_the_options_of_a_verb_are_pinned(verb: str) -> None:
    params = verbs()[verb].params
    options = {max(p.opts, key=len) for p in params if isinstance(p, click.Option)}
    arguments = {str(p.name).upper() for p in params if isinstance(p, click.Argument)}

    assert (arguments, options - COMMON) == SURFACE[verb]
    assert options >= COMMON


def test_without_a_verb_the_help_is_shown(itnet_nas: Callable[..., Result]) -> None:
    result = itnet_nas()

    assert result.exit_code == 0
    assert result.stdout == itnet_nas("--help").stdout
    assert "..." not in result.stdout.split("Commands:")[1]


def test_the_version_is_told(itnet_nas: Callable[..., Result]) -> None:
    assert itnet_nas("--version").stdout == "itnet-nas, version 0.1.0\n"


def test_an_unknown_verb_suggests_the_nearest(itnet_nas: Callable[..., Result]) -> None:
    result = itnet_nas("serch", "space.yaml")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "No such command 'serch'. Did you mean 'search'?" in result.stderr


def test_an_unknown_option_suggests_the_nearest(itnet_nas: Callable[..., Result]) -> None:
    result = itnet_nas("search", "space.yaml", "--trails", "3")

    assert result.exit_code == 2
    assert "No such option '--trails'. Did you mean '--trials'?" in result.stderr


def test_an_error_found_before_the_verb_runs_is_json_too(
    itnet_nas: Callable[..., Result],
) -> None:
    result = itnet_nas("search", "space.yaml", "--trials", "0", "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout) == {
        "schema": "itnet-nas/search/v1",
        "error": {
            "kind": "UsageError",
            "message": "Invalid value for '--trials': 0 is not in the range x>=1.",
            "exit_code": 2,
        },
    }


def test_an_error_is_one_line_and_no_traceback(
    itnet_nas: Callable[..., Result], tmp_path: Path
) -> None:
    result = itnet_nas("status", tmp_path)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"itnet-nas: there is no run in {tmp_path}: it has no run.sqlite; "
        f"start one with `itnet-nas search FILE --run {tmp_path}`\n"
    )


def test_debug_lets_the_error_through(itnet_nas: Callable[..., Result]) -> None:
    result = itnet_nas("check", "nowhere.yaml", "--debug")

    assert isinstance(result.exception, UsageError)


def test_a_missing_file_says_how_to_get_one(itnet_nas: Callable[..., Result]) -> None:
    result = itnet_nas("check", "nowhere.yaml")

    assert result.exit_code == 2
    assert result.stderr == (
        "itnet-nas: there is no file nowhere.yaml; `itnet-nas init` writes one, "
        "`itnet-nas init --list` shows which\n"
    )


def test_an_interruption_is_exit_code_130(
    itnet_nas: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, run_folder: Path
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("itnet_nas.results.store.Store.open", interrupted)

    result = itnet_nas("status", run_folder)

    assert result.exit_code == 130
    assert "interrupted" in result.stderr


def test_a_full_disk_is_the_environment(
    itnet_nas: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, run_folder: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("itnet_nas.results.store.Store.open", full)

    result = itnet_nas("status", run_folder)

    assert result.exit_code == 3
    assert result.stderr == "itnet-nas: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("json_wanted", [False, True])
def test_our_own_mistake_is_no_traceback_either(
    itnet_nas: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    run_folder: Path,
    json_wanted: bool,
) -> None:
    def wrong(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("itnet_nas.results.store.Store.open", wrong)

    result = itnet_nas("status", run_folder, *(["--json"] if json_wanted else []))

    said = (
        "this should not have happened: ZeroDivisionError: division by zero\n"
        "the same command with --debug shows where; please report it"
    )
    assert result.exit_code == 70
    if json_wanted:
        assert json.loads(result.stdout)["error"] == {
            "kind": "InternalError",
            "message": said,
            "exit_code": 70,
        }
    else:
        assert result.stderr == f"itnet-nas: {said}\n"


def test_a_folder_in_place_of_a_file_is_a_usage_error(
    itnet_nas: Callable[..., Result], tmp_path: Path
) -> None:
    result = itnet_nas("check", tmp_path)

    assert result.exit_code == 2
    assert result.stderr == (
        f"itnet-nas: {tmp_path} is a folder; name a .yaml or .json file in it\n"
    )


def test_a_file_that_is_no_text_is_an_invalid_file(
    itnet_nas: Callable[..., Result], tmp_path: Path
) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"version: 1\n\xff\xfe")

    result = itnet_nas("check", file)

    assert result.exit_code == 1
    assert f"{file}:2:1: the file\n" in result.stderr


def test_what_is_no_number_of_a_trial_is_said(
    itnet_nas: Callable[..., Result], run_folder: Path
) -> None:
    result = itnet_nas("explain", run_folder, "one")

    assert result.exit_code == 2
    assert "Invalid value for 'TRIAL': 'one' is no number of a trial." in result.stderr


def test_strategies_and_kept_weights_are_those_of_the_file() -> None:
    from typing import get_args

    from itnet_nas.cli.options import KEEP_WEIGHTS, STRATEGIES
    from itnet_nas.space.spec import SearchSpec

    fields = SearchSpec.model_fields
    assert get_args(fields["strategy"].annotation) == STRATEGIES
    assert get_args(fields["keep_weights"].annotation) == KEEP_WEIGHTS


def test_every_verb_says_what_it_does() -> None:
    for name, command in main.commands.items():
        text = command.get_short_help_str(100)
        assert text.endswith("."), name
        assert len(text) <= 60, name
