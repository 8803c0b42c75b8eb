"""Checks of a strategy that is asked again: it is a function of its arguments, and changes none."""

from __future__ import annotations

import pickle
import random
from typing import TYPE_CHECKING

import numpy as np

from itnet_nas.results.record import TrialRecord
from itnet_nas.testing import searcher_grounds as grounds
from itnet_nas.testing.bench import demand
from itnet_nas.testing.searcher_play import play, some_fail
from itnet_nas.testing.searcher_process import answer, answers_elsewhere, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.search.searcher import Searcher
    from itnet_nas.testing.searcher_play import Log

CUT, WHOLE = 7, 20  # a search of 20 trials that is killed after 7


def the_same_question_has_the_same_answer(searcher: Searcher) -> None:
    log = play(searcher, grounds.graph().trials(30), workers=3)
    for number in range(0, len(log.questions), 3):
        again = told(answer(searcher, log.questions[number]))
        demand(
            again == log.answers[number],
            f"asked again, proposal {number} is another: {_apart(log, number, again)}",
        )


def another_process_gives_the_same_answer(searcher: Searcher) -> None:
    log = play(searcher, grounds.graph().trials(30), workers=3)
    picked = [0, 4, len(log.questions) // 2, len(log.questions) - 1]
    elsewhere = answers_elsewhere(searcher, [log.questions[number] for number in picked])
    for number, said in zip(picked, elsewhere, strict=True):
        demand(
            said == log.answers[number],
            f"a process with another PYTHONHASHSEED gives another proposal {number}: "
            f"{_apart(log, number, said)}",
        )


def nothing_is_kept_between_questions(searcher: Searcher) -> None:
    log = play(searcher, grounds.chain().trials(30))
    other = play(searcher, grounds.graph().trials(30))
    for number in (3, 29, 11, 25):
        answer(searcher, other.questions[number])
        again = told(answer(searcher, log.questions[number]))
        demand(
            again == log.answers[number],
            f"between questions about another space, proposal {number} is another: "
            f"{_apart(log, number, again)}",
        )


def asking_changes_nothing(searcher: Searcher) -> None:
    ground = grounds.chain().trials(30)
    log = play(searcher, ground, workers=3)
    for number in (0, 12, 29):
        question = log.questions[number]
        records, pending = list(question.records), list(question.pending)
        before = (ground.space.model_dump_json(), _written(records), list(pending))
        dice = (random.getstate(), _numpy_state())
        answer(searcher, question._replace(records=records, pending=pending))
        after = (ground.space.model_dump_json(), _written(records), list(pending))
        changed = [
            name
            for name, one, two in zip(("space", "records", "pending"), before, after, strict=True)
            if one != two
        ]
        demand(not changed, f"ask changes its {' and '.join(changed)}")
        rolled = (random.getstate(), _numpy_state())
        demand(rolled == dice, "ask draws from a global generator; it may draw from `rng` alone")


def a_killed_search_goes_on_as_it_would_have(searcher: Searcher) -> None:
    """A copy of the searcher, and records as they come back from a disk."""
    for workers in (1, 3):
        log = play(searcher, grounds.graph().trials(WHOLE), workers, some_fail)
        copy: Searcher = pickle.loads(pickle.dumps(searcher))
        for number in range(CUT, WHOLE):
            question = log.questions[number]
            read = [TrialRecord.model_validate_json(_line(one)) for one in question.records]
            again = told(answer(copy, question._replace(records=read)))
            demand(
                again == log.answers[number],
                f"killed after {CUT} of {WHOLE} trials and resumed, proposal {number} is another: "
                f"{_apart(log, number, again)}",
            )


def _apart(log: Log, number: int, again: list[str] | None) -> str:
    before = log.answers[number]
    return f"{_short(before)} before, {_short(again)} now"


def _short(said: list[str] | None) -> str:
    return "None" if said is None else f"{said[0][:8]} by {said[1]}"


def _line(record: TrialRecord) -> str:
    return record.model_dump_json()


def _written(records: Sequence[TrialRecord]) -> list[str]:
    return [_line(record) for record in records]


def _numpy_state() -> bytes:
    return pickle.dumps(np.random.get_state())
