"""The test split: read where a job asks for it, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tiny_builders import BRANCHES, job
from tiny_plugins import EchoTask

from itnet_nas.results.confirm_ledger import trainings
from itnet_nas.results.record import TrialState
from itnet_nas.train.evaluate import evaluate


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The splits that are read, in order."""
    came: list[str] = []
    plain = EchoTask.eval_batches

    def noted(self: EchoTask, split: Any, batch_size: int) -> Iterator[Any]:
        came.append(split)
        return plain(self, split, batch_size)

    monkeypatch.setattr(EchoTask, "eval_batches", noted)
    return came


def test_a_trial_of_a_search_does_not_read_it(splits: list[str]) -> None:
    record = evaluate(job(BRANCHES, steps=3)).record

    assert record.complete
    assert set(splits) == {"validation"}
    assert not any(name.startswith("test_") for name in record.figures)


def test_a_confirmation_scores_it_after_the_training(splits: list[str]) -> None:
    plain = evaluate(job(BRANCHES, steps=60)).record
    splits.clear()

    record = evaluate(job(BRANCHES, steps=60, test=True)).record

    assert splits.count("test") == 2  # whether there is any, then all of it
    assert splits[-1] == "test"
    assert record.objectives == plain.objectives
    assert 0.0 <= record.figures["test_error"] < 0.2
    assert record.figures["test_bits"] > 0.0
    (one,) = trainings(record)
    assert one.test == {name: record.figures[f"test_{name}"] for name in ("error", "bits")}


def test_of_several_seeds_each_has_its_own_scores() -> None:
    record = evaluate(job(BRANCHES, steps=3, test=True, seed=4, seeds=(4, 5))).record

    alone = evaluate(job(BRANCHES, steps=3, test=True, seed=5)).record
    assert [one.seed for one in record.replicates] == [4, 5]
    assert record.replicates[1].test["bits"] == pytest.approx(alone.figures["test_bits"], rel=1e-4)
    assert not any(name.startswith("test_") for name in record.figures)


@pytest.mark.parametrize("count", [0, None])
def test_a_task_without_a_test_split_is_trained_and_scored_without(
    monkeypatch: pytest.MonkeyPatch, count: int | None
) -> None:
    plain = EchoTask.eval_batches

    def without(self: EchoTask, split: Any, batch_size: int) -> Iterator[Any]:
        if split == "test" and count is None:
            return iter(())
        if split == "test":
            self.symbols["test"] = self.symbols["test"][:0]
        return plain(self, split, batch_size)

    monkeypatch.setattr(EchoTask, "eval_batches", without)
    record = evaluate(job(BRANCHES, steps=3, test=True)).record

    assert record.complete
    assert trainings(record)[0].test == {}


def test_a_test_split_that_cannot_be_read_fails_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = EchoTask.eval_batches

    def broken(self: EchoTask, split: Any, batch_size: int) -> Iterator[Any]:
        if split == "test":
            raise FileNotFoundError("test.npz is not there")
        return plain(self, split, batch_size)

    monkeypatch.setattr(EchoTask, "eval_batches", broken)
    record = evaluate(job(BRANCHES, steps=3, test=True)).record

    assert record.state is TrialState.FAILED
    assert record.steps == 0
    assert record.error is not None
    assert record.error.message == "test.npz is not there"
