"""What a record may say, and what counts as the same result."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError
from support.tiny import chain, tiny_space

from itnet_nas.results.record import TrialError, TrialRecord, TrialState


def fields(**changes: object) -> dict[str, object]:
    space = tiny_space()
    architecture = chain(space, ["left", "right"])
    return {
        "number": 0,
        "state": TrialState.COMPLETE,
        "architecture": architecture,
        "key": architecture.key,
        "bias": {},
        "task": space.task,
        "task_origin": space.task_origin,
        "data": space.facts.data,
        "kernel_origins": space.kernel_origins,
        "recipe": space.recipe,
        "seed": 1,
        "proposed_by": "random",
        "objectives": {"error": 0.5, "flops": 1e6},
        **changes,
    }


def test_a_record_survives_json() -> None:
    record = TrialRecord.model_validate(fields())

    assert TrialRecord.model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_figure_that_is_not_finite_is_no_result(value: float) -> None:
    with pytest.raises(ValidationError):
        TrialRecord.model_validate(fields(objectives={"error": value}))


def test_a_failed_trial_has_a_reason_and_no_other_has() -> None:
    error = TrialError(kind="non_finite", message="the loss is nan at step 3")

    TrialRecord.model_validate(fields(state=TrialState.FAILED, objectives={}, error=error))
    with pytest.raises(ValidationError, match="a failed record and error=None contradict"):
        TrialRecord.model_validate(fields(state=TrialState.FAILED))
    with pytest.raises(ValidationError, match="a complete record and error="):
        TrialRecord.model_validate(fields(error=error))


def test_a_record_with_another_architectures_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="the key is not the architecture's"):
        TrialRecord.model_validate(fields(key="0" * 32))


def test_times_devices_and_attempts_do_not_make_another_result() -> None:
    one = TrialRecord.model_validate(fields())
    other = TrialRecord.model_validate(
        fields(started=1.0, seconds=2.0, device="cpu", attempt=2, figures={"latency_ms": 3.0})
    )
    better = TrialRecord.model_validate(fields(objectives={"error": 0.4, "flops": 1e6}))

    assert one.reproducible() == other.reproducible()
    assert one.reproducible() != better.reproducible()
