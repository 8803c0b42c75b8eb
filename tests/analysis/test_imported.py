"""What was taken over from another run is named apart."""

from __future__ import annotations

from support.landscape import planted_space, run_search
from support.tiny import tiny_space

from itnet_nas.analysis.imported import imported_text, own
from itnet_nas.analysis.report import render
from itnet_nas.results.record import TrialRecord
from itnet_nas.search.random_search import RandomSearcher


def mixed(trained: int, imported: int) -> list[TrialRecord]:
    records = run_search(RandomSearcher(), planted_space(layers=2), trained + imported)
    return [
        record.model_copy(update={"imported": "runs/a" if record.number < imported else ""})
        for record in records
    ]


def test_own_trials_are_those_of_no_other_run() -> None:
    assert [record.number for record in own(mixed(trained=2, imported=3))] == [3, 4]


def test_every_run_is_named_with_its_count() -> None:
    records = mixed(trained=1, imported=2)
    third = records[2].model_copy(update={"imported": "runs/b"})

    assert imported_text([*records, third]) == "2 results from runs/a, 1 result from runs/b"
    assert imported_text(records[2:]) == ""


def test_the_report_says_how_many_were_imported_and_from_where() -> None:
    space = planted_space(layers=2, trials=4)

    half = render(space, mixed(trained=2, imported=3), {})
    whole = render(space, mixed(trained=4, imported=3), {})

    assert "imported: 3 results from runs/a" in half
    assert "2 of 4 planned trials have ended" in half
    assert "every planned trial has ended" in whole
    assert "imported" not in render(tiny_space(), [], {})
