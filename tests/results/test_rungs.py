"""Numbers of pauses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.tiny import chain, job_of, record_of, tiny_space

from itnet_nas.results.rungs import as_trial, rung_number, trial_of, waiting


@given(st.integers(0, 10_000), st.integers(0, 1))
def test_a_pause_knows_its_trial(trial: int, pause: int) -> None:
    assert trial_of(rung_number(trial, pause)) == trial


def test_no_two_pauses_have_one_number() -> None:
    numbers = [rung_number(trial, pause) for trial in range(50) for pause in range(2)]

    assert sorted(numbers) == list(range(100))


def test_the_record_of_a_pause_can_be_read_as_its_trials() -> None:
    space = tiny_space()
    record = record_of(job_of(space, 7, chain(space, ["left", "left"])))
    rung = record.model_copy(update={"number": rung_number(7, 1)})

    assert as_trial(rung) == record


def test_a_trial_waits_where_its_newest_job_stops_and_goes_on_after_that() -> None:
    space = tiny_space()
    job = job_of(space, 7, chain(space, ["left", "left"]))
    rung = record_of(job).model_copy(update={"number": rung_number(7, 0), "steps": 2})
    stops = job.model_copy(update={"stop_at": 2})

    assert waiting([stops], [rung]) == [stops]
    assert waiting([stops], []) == []
    assert waiting([stops.model_copy(update={"stop_at": 3})], [rung]) == []
    assert waiting([job], [rung]) == []
