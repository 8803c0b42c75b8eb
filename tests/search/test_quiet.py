"""Ray's own prints kept off standard output, which is data."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from itnet_nas.search.quiet import QUIET, TOKEN, WithoutRay, quiet_environment


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


@pytest.mark.parametrize("own", [True, False])
def test_a_cluster_of_our_own_gets_a_token_that_is_not_written_to_the_home(
    own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)

    with quiet_environment(own):
        assert os.environ.get("RAY_AUTH_TOKEN") == (TOKEN if own else None)


def test_a_token_of_the_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("mine")

    with quiet_environment(own=True):
        assert "RAY_AUTH_TOKEN" not in os.environ
