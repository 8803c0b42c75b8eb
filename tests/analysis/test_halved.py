"""What halving has saved, and whether early figures can be trusted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.curves import STEPS, halving_space
from support.landscape import planted_record

from itnet_nas.analysis.beside import Beside
from itnet_nas.analysis.halved import Halved, halved
from itnet_nas.analysis.halved_section import halved_section
from itnet_nas.arch.count import enumerate_all
from itnet_nas.results.record import CurvePoint, TrialRecord, TrialState
from itnet_nas.results.rungs import rung_number

SPACE = halving_space(layers=2)
MEMBERS = list(enumerate_all(SPACE))


def full(number: int, early: float | None, final: float) -> TrialRecord:
    """A trial that trained in full, measured on its way unless `early` is None."""
    points = [(34, early), (STEPS, final)]
    curve = tuple(
        CurvePoint(step=step, metrics={"error": error})
        for step, error in points
        if error is not None
    )
    record = planted_record(SPACE, number, MEMBERS[number])
    objectives = {**record.objectives, "error": final}
    return record.model_copy(update={"objectives": objectives, "curve": curve})


def rung(number: int, pause: int = 0) -> TrialRecord:
    """What a pause of a trial left."""
    record = planted_record(SPACE, number, MEMBERS[number], state=TrialState.STOPPED)
    return record.model_copy(update={"number": rung_number(number, pause), "steps": 34})


def agreeing(number: int) -> list[TrialRecord]:
    return [full(i, i / 100, i / 50) for i in range(number)]


def standing(records: list[TrialRecord], rungs: list[TrialRecord] | None = None) -> Halved:
    found = halved(SPACE, records, rungs or [])
    assert found is not None
    return found


def test_a_search_without_halving_has_nothing_to_say() -> None:
    plain = halving_space(layers=2, halving=False)

    assert halved(plain, agreeing(30), []) is None


def test_a_search_that_has_stopped_halving_still_tells_what_it_did() -> None:
    plain = halving_space(layers=2, halving=False)

    found = halved(plain, agreeing(2), [rung(2)])

    assert found is not None
    assert (found.rungs, found.paused) == ((34,), 1)


@pytest.mark.parametrize(("complete", "ready"), [(24, False), (25, True)])
def test_nothing_is_left_behind_before_25_trials_are_complete(complete: int, ready: bool) -> None:
    assert standing(agreeing(complete)).ready is ready


@pytest.mark.parametrize(("measured", "ready"), [(4, False), (5, True)])
def test_nothing_is_left_behind_before_five_trials_tell_how_both_agree(
    measured: int, ready: bool
) -> None:
    records = [full(i, i / 100 if i < measured else None, i / 50) for i in range(30)]

    assert standing(records).ready is ready


def test_trials_that_were_chosen_to_go_on_do_not_count_for_the_agreement() -> None:
    # Among the chosen the order is turned round; the others agree.
    chosen = [full(i, i / 100, -i / 50) for i in range(30, 60)]
    rungs = [rung(i) for i in range(30, 60)]

    (correlation,) = standing([*agreeing(30), *chosen], rungs).correlations

    assert correlation is not None
    assert (correlation.value, correlation.pairs) == (1.0, 30)


def test_what_another_run_trained_may_have_been_chosen_there() -> None:
    imported = [full(i, i / 100, -i / 50) for i in range(30, 60)]
    imported = [one.model_copy(update={"imported": "runs/other"}) for one in imported]

    (correlation,) = standing([*agreeing(30), *imported]).correlations

    assert correlation is not None
    assert correlation.pairs == 30


def test_disagreement_switches_it_off() -> None:
    found = standing([full(i, -i / 100, i / 50) for i in range(25)])

    assert found.off
    assert found.agreement == (
        "Rank correlation of early and final quality: at step 34 -1.00 "
        "(95 %: -1.00 to -1.00, 25 trials): below 0.7, so halving is off and every trial "
        "trains in full"
    )


def test_disagreement_of_few_is_no_reason_yet() -> None:
    assert not standing([full(i, -i / 100, i / 50) for i in range(24)]).off


def test_off_stays_off_whatever_ends_later() -> None:
    # The first 25 end with a correlation of 0; a hundred more that agree come too late.
    early = [full(i, (i * 7 % 25) / 100, i / 50) for i in range(25)]
    later = [full(i, i / 100, i / 50) for i in range(25, 90)]
    later = [
        record.model_copy(update={"started": 10.0 + record.number, "seconds": 1.0})
        for record in later
    ]

    assert standing(early).off
    assert standing([*early, *later]).off
    assert standing([*early, *later]).correlations == standing(early).correlations


def test_a_figure_that_is_the_same_for_all_switches_it_off() -> None:
    assert standing([full(i, 0.5, i / 50) for i in range(25)]).off


def test_steps_are_counted_against_those_of_full_trainings() -> None:
    stopped = rung(25).model_copy(update={"number": 25})
    failed = planted_record(SPACE, 26, MEMBERS[26], state=TrialState.FAILED)

    found = standing([*agreeing(25), stopped, failed], [rung(25), rung(27)])

    assert (found.stopped, found.paused) == (1, 1)
    assert found.spent == 25 * STEPS + 34 + 34
    assert found.whole == 27 * STEPS


def test_what_another_run_trained_costs_no_steps() -> None:
    imported = full(25, 0.5, 0.5).model_copy(update={"imported": "runs/other"})

    found = standing([*agreeing(25), imported])

    assert found.spent == found.whole == 25 * STEPS


def test_a_person_is_told_in_two_sentences() -> None:
    stopped = rung(25).model_copy(update={"number": 25})

    found = standing([*agreeing(25), stopped], [rung(25), rung(27)])

    assert found.summary == (
        "halving after 34 of 100 steps: 1 trial stopped early, 1 paused or going on; "
        "2568 of 2700 steps of full trainings (95%). Rank correlation of early and final "
        "quality: at step 34 1.00 (95 %: 1.00 to 1.00, 25 trials)"
    )


def test_before_any_full_trial_the_agreement_is_unknown() -> None:
    assert standing([]).agreement == (
        "Rank correlation of early and final quality: too few full trials yet"
    )


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (lambda: agreeing(3), "Too few trials are complete: until then none is left behind."),
        (lambda: agreeing(25), "Below 0.7 halving would have switched itself off."),
        (
            lambda: [full(i, -i / 100, i / 50) for i in range(25)],
            "That is below 0.7: halving switched itself off, and trials train in full.",
        ),
    ],
)
def test_the_section_says_what_follows(records: Callable[[], list[TrialRecord]], said: str) -> None:
    section = halved_section(SPACE, records(), Beside())

    assert section is not None
    assert section["ends"] == said


def test_the_section_has_a_row_per_rung_and_what_was_saved() -> None:
    section = halved_section(SPACE, agreeing(25), Beside(rungs=[rung(25)]))

    assert section is not None
    assert section["lead"] == (
        "Trials paused after 34 of 100 steps, and the better ones went on: 0 trials stopped "
        "there, 1 may yet go on. That took 2534 steps of the 2600 that full trainings would have "
        "taken, 97%."
    )
    assert section["rows"] == [
        {"step": "34 of 100", "value": "1.00", "interval": "1.00 to 1.00", "trials": "25"}
    ]


def test_without_halving_there_is_no_section() -> None:
    assert halved_section(halving_space(layers=2, halving=False), agreeing(3), Beside()) is None
