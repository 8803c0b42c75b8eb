"""Ray's own prints kept off standard output, which is data."""

from __future__ import annotations

import functools
import io
import os
import threading
from pathlib import Path

import pytest

from itnet_nas.search import quiet
from itnet_nas.search.quiet import QUIET, WithoutRay, quiet_environment


def test_what_rays_listener_prints_is_dropped_and_the_rest_passes() -> None:
    out = io.StringIO()
    filtered = WithoutRay(out)
    listener = threading.Thread(
        target=lambda: print("(raylet) A worker died", file=filtered),
        name="ray_listen_error_messages",
    )

    listener.start()
    listener.join()
    print("data", file=filtered)

    assert out.getvalue() == "data\n"


def test_it_is_closed_when_what_it_writes_to_is() -> None:
    out = io.StringIO()
    filtered = WithoutRay(out)
    assert not filtered.closed

    out.close()

    assert filtered.closed


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AIR_NEW_OUTPUT", "1")

    with quiet_environment(own=False):
        assert {name: os.environ[name] for name in QUIET} == QUIET

    assert os.environ["RAY_AIR_NEW_OUTPUT"] == "1"
    assert "TUNE_GLOBAL_CHECKPOINT_S" not in os.environ


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, in a process that has not yet decided on its token."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setattr(quiet, "own_token", functools.cache(quiet.own_token.__wrapped__))
    return tmp_path


def keep_token(home: Path, token: str) -> None:
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text(token + "\n")


def test_a_cluster_of_our_own_gets_a_token_that_is_not_written_to_the_home(home: Path) -> None:
    with quiet_environment(own=True):
        token = os.environ["RAY_AUTH_TOKEN"]

    assert len(token) == 32
    assert "RAY_AUTH_TOKEN" not in os.environ
    assert list(home.iterdir()) == []


def test_the_cluster_of_somebody_else_is_reached_with_the_users_own_token(home: Path) -> None:
    with quiet_environment(own=False):
        assert "RAY_AUTH_TOKEN" not in os.environ


def test_the_token_of_the_home_is_used(home: Path) -> None:
    keep_token(home, "mine")

    with quiet_environment(own=True):
        assert os.environ["RAY_AUTH_TOKEN"] == "mine"


def test_a_token_in_the_environment_is_left_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "theirs")

    with quiet_environment(own=True):
        assert os.environ["RAY_AUTH_TOKEN"] == "theirs"


def test_the_token_stays_the_same_when_the_home_gets_one_between_two_searches(home: Path) -> None:
    with quiet_environment(own=True):
        first = os.environ["RAY_AUTH_TOKEN"]
    keep_token(home, "later")

    with quiet_environment(own=True):
        assert os.environ["RAY_AUTH_TOKEN"] == first
