"""What a trial's record says its layers were measured to do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_builders import BRANCHES, architecture, job

import itnet_nas.train.probing
from itnet_nas.results.record import TrialRecord, TrialState
from itnet_nas.train.evaluate import evaluate


def probed(**changes: Any) -> TrialRecord:
    return evaluate(job(BRANCHES, steps=20, probe=True, **changes)).record


def test_every_layer_of_a_complete_trial_is_measured_before_and_after_training() -> None:
    record = probed()

    assert record.probe.keys() == record.bias.keys()
    for layer in record.probe.values():
        assert layer.initial is not None
        assert layer.trained.causality is not None
        assert layer.trained.causality.value == 1.0
        assert layer.split == "validation"
    assert record.probe_error == ""


def test_a_trial_comes_out_the_same_whether_it_is_probed_or_not() -> None:
    with_probe = evaluate(job(BRANCHES, steps=20, probe=True))
    without = evaluate(job(BRANCHES, steps=20, probe=False))

    assert with_probe.weights == without.weights
    assert with_probe.record.objectives["error"] == without.record.objectives["error"]
    assert without.record.probe == {}


def test_a_probe_is_part_of_what_can_be_reproduced_but_for_its_time() -> None:
    first, again = probed(), probed()

    assert first.reproducible() == again.reproducible()
    assert TrialRecord.model_validate_json(first.model_dump_json()) == first


def test_a_probe_that_fails_is_a_note_and_the_trial_stays_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*args: Any) -> None:
        raise LookupError("no such row")

    monkeypatch.setattr(itnet_nas.train.probing, "probe_network", broken)

    record = probed()

    assert record.state is TrialState.COMPLETE
    assert record.probe == {}
    assert record.probe_error == "LookupError: no such row"


def test_a_trial_that_fails_has_no_probe() -> None:
    record = evaluate(job(architecture({"mix": ("raising", {})}), probe=True)).record

    assert record.state is TrialState.FAILED
    assert record.probe == {}


def test_the_global_random_state_is_that_of_an_unprobed_trial() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()

    probed()

    assert torch.equal(torch.get_rng_state(), before)
