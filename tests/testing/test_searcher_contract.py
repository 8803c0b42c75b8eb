"""One fault at a time, in a strategy that is sound but for it: each is caught, and named."""

from __future__ import annotations

import pytest
from support.faulty_searchers import FaultySearcher

from itnet_nas.testing import searcher_grounds as grounds
from itnet_nas.testing.examination import outcome
from itnet_nas.testing.searcher_checks import CHECKS
from itnet_nas.testing.searcher_contract import examine_searcher, seconds_per_question
from itnet_nas.testing.searcher_process import Question, answers_elsewhere

CHECK = {check.__name__: check for some in CHECKS.values() for check in some}
FAULTS = [
    (
        "forgets records",
        "proposals_are_new",
        "chain: proposals 0 and 1 are the same architecture, right(size=4) > left(size=3) > "
        "right(size=4) > right(size=4)",
    ),
    (
        "leaves the space",
        "proposals_are_members_and_feasible",
        "graph, proposal 0, left(size=2) > heads(heads=4, rope=True) > mode(mode=fast) > "
        "heads(heads=4, rope=True) > none > heads(heads=2, rope=True): not a member of the "
        "space",
    ),
    (
        "breaks constraints",
        "proposals_are_members_and_feasible",
        "rest, proposal 0, left(size=3) > left(size=5): breaks flops <= 4034.0",
    ),
    (
        "calls itself nothing",
        "proposals_say_how_they_came_about",
        'proposal 0 is by ""; it must be "random", for a draw that no result had a part in, '
        'or "faulty"',
    ),
    (
        "gives up",
        "small_spaces_are_proposed_to_the_last",
        "few with one worker: 8 proposals, there are 9 architectures",
    ),
    (
        "forgets pending",
        "many_workers_are_served",
        "chain with 2 workers: proposals 0 and 1 are the same architecture, right(size=4) > "
        "left(size=3) > right(size=4) > right(size=4)",
    ),
    (
        "wants two objectives",
        "any_number_of_objectives_is_served",
        "with the objectives error, latency_ms, flops: ValueError: too many values to unpack "
        "(expected 2)",
    ),
    (
        "counts its calls",
        "the_same_question_has_the_same_answer",
        "asked again, proposal 0 is another: 00f46961 by random before, df9b2a5c by random now",
    ),
    (
        "remembers the last space",
        "nothing_is_kept_between_questions",
        "between questions about another space, proposal 3 is another: 5f36c29c by random "
        "before, b35b3ee0 by random now",
    ),
    (
        "sorts by hash",
        "another_process_gives_the_same_answer",
        "a process with another PYTHONHASHSEED gives another proposal 0: ",
    ),
    (
        "empties the records",
        "asking_changes_nothing",
        "ask changes its records",
    ),
    (
        "throws dice",
        "asking_changes_nothing",
        "ask draws from a global generator; it may draw from `rng` alone",
    ),
    (
        "asks who it is",
        "a_killed_search_goes_on_as_it_would_have",
        "killed after 7 of 20 trials and resumed, proposal 7 is another: ",
    ),
    (
        "needs a complete trial",
        "every_ending_is_survived",
        "all trials fail: StopIteration: ",
    ),
    (
        "reads figures of failures",
        "every_ending_is_survived",
        "some trials fail: KeyError: 'error'",
    ),
    (
        "divides by the range",
        "ties_are_survived",
        "with the same error and flops everywhere: ZeroDivisionError: float division by zero",
    ),
    (
        "edits strangers",
        "records_of_another_space_are_survived",
        "after records of another space: ValueError: not a member of the space graph: "
        "mode(mode=slow) > left(size=3) > mode(mode=fast) > mode(mode=slow) > mode(mode=fast)",
    ),
    (
        "takes hearsay for results",
        "records_of_another_task_are_no_results",
        "after records of another task 0 of 9 architectures are proposed; those were no "
        "results of this search",
    ),
]


@pytest.mark.parametrize(("fault", "check", "why"), FAULTS, ids=[fault for fault, *_ in FAULTS])
def test_a_fault_is_caught_and_named(fault: str, check: str, why: str) -> None:
    found = outcome("", CHECK[check], FaultySearcher(fault))

    assert found.broken.startswith(why)


def test_every_check_catches_a_fault() -> None:
    caught = {check for _, check, _ in FAULTS}

    assert caught == CHECK.keys()


def test_a_strategy_without_a_fault_holds_the_contract() -> None:
    found = examine_searcher(FaultySearcher())

    assert found.name == "faulty"
    assert not found.broken
    assert not found.missing
    assert found.ran == len(FAULTS) - 3  # three checks catch two faults each


def test_what_breaks_down_in_another_process_is_quoted() -> None:
    question = Question(grounds.few().space, (), (), "0")

    with pytest.raises(RuntimeError) as caught:
        answers_elsewhere(FaultySearcher("breaks down"), [question])

    assert str(caught.value).endswith("ValueError: broken down")


def test_the_time_of_a_question_is_measured_after_many_records() -> None:
    ground = grounds.chain()

    found = seconds_per_question(
        FaultySearcher(), ground.space, ground.record, records=50, questions=7
    )

    assert len(found) == 7
    assert found == sorted(found)
    assert found[0] > 0
