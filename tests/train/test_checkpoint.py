"""Checkpoints are whole, ours, or ignored."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from tiny_builders import BRANCHES, job

from itnet_nas.nn.network import build_network, load_families, load_task
from itnet_nas.train.checkpoint import Checkpoint, identity_of

STATE = {"step": 4, "network": {"w": torch.arange(3.0)}}


def identity(**changes: object) -> str:
    here = job(BRANCHES, **changes)
    task = load_task(here.task_origin, here.task)
    return identity_of(
        here, build_network(here.architecture, load_families(here.kernel_origins), task)
    )


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "new", 3, "mine").save(STATE)

    found = Checkpoint(tmp_path / "new", 3, "mine").load()

    assert found is not None
    assert found["step"] == 4
    assert torch.equal(found["network"]["w"], STATE["network"]["w"])


def test_nothing_but_the_checkpoint_is_left_in_the_folder(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, 3, "mine")
    checkpoint.save(STATE)
    checkpoint.save(STATE)

    assert [path.name for path in tmp_path.iterdir()] == ["trial_3.pt"]


def test_without_a_file_there_is_nothing_to_take_up(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path, 3, "mine").load() is None


@pytest.mark.parametrize("kept", [0, 1, 100, 1000])
def test_a_torn_file_is_ignored_with_a_note(
    tmp_path: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = Checkpoint(tmp_path, 3, "mine")
    checkpoint.save(STATE)
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:kept])

    with caplog.at_level(logging.WARNING):
        assert checkpoint.load() is None

    assert "cannot be read" in caplog.text


def test_a_file_of_another_training_is_ignored_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Checkpoint(tmp_path, 3, "theirs").save(STATE)

    with caplog.at_level(logging.WARNING):
        assert Checkpoint(tmp_path, 3, "mine").load() is None

    assert caplog.messages == [
        f"{tmp_path / 'trial_3.pt'} belongs to another training; the trial starts over"
    ]


def test_a_file_that_no_checkpoint_wrote_is_ignored(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "trial_3.pt")

    assert Checkpoint(tmp_path, 3, "mine").load() is None


def test_a_failed_write_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, 3, "mine")
    checkpoint.save(STATE)

    with pytest.raises(AttributeError):
        checkpoint.save({"unwritable": lambda: None})

    found = checkpoint.load()
    assert found is not None
    assert found["step"] == 4


def test_removing_leaves_nothing(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, 3, "mine")
    checkpoint.save(STATE)

    checkpoint.remove()
    checkpoint.remove()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"steps": 31}, {"threads": 2}, {"task": {"length": 13}}], ids=str
)
def test_another_job_has_another_identity(change: dict[str, object]) -> None:
    assert identity(**change) != identity()


@pytest.mark.parametrize("change", [{"attempt": 2}, {"keep_weights": False}], ids=str)
def test_a_retry_has_the_same_identity(change: dict[str, object]) -> None:
    assert identity(**change) == identity()
