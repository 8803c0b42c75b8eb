"""The checks of a strategy, each a function of the searcher that raises ContractBroken.

Searches run on the small problems of `searcher_grounds`, without training. Proposal n is asked for
with the generator `Random(f"0:{n}")`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import contains
from itnet_nas.results.record import TrialRecord, TrialState
from itnet_nas.space.space import TaskChoice
from itnet_nas.testing import searcher_grounds as grounds
from itnet_nas.testing import searcher_repeats as repeats
from itnet_nas.testing.bench import demand
from itnet_nas.testing.searcher_grounds import changed
from itnet_nas.testing.searcher_play import (
    demand_all,
    demand_new,
    in_words,
    play,
    some_fail,
    survived,
)
from itnet_nas.testing.searcher_process import Question, answer
from itnet_nas.testing.simulated import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.search.searcher import Searcher
    from itnet_nas.testing.searcher_grounds import Ground
    from itnet_nas.testing.searcher_play import Ending

TRIALS = 30
WORKERS = (2, 8, 64)


def proposals_are_new(searcher: Searcher) -> None:
    for ground in (grounds.chain(), grounds.graph()):
        records = play(searcher, ground.trials(TRIALS)).records
        demand_new(records, ground.name)
        demand_all(records, TRIALS, ground.name)


def proposals_are_members_and_feasible(searcher: Searcher) -> None:
    for ground in (grounds.graph(), grounds.rest()):
        for record in play(searcher, ground.trials(TRIALS)).records:
            one = record.architecture
            where = f"{ground.name}, proposal {record.number}, {one.label}"
            demand(contains(ground.space, one), f"{where}: not a member of the space")
            demand(feasible(ground.space, one), f"{where}: breaks {ground.space.constraints[0]}")


def proposals_say_how_they_came_about(searcher: Searcher) -> None:
    for number, said in enumerate(play(searcher, grounds.chain().trials(TRIALS)).answers):
        by = said[1] if said else ""
        demand(
            by in {"random", searcher.name},
            f'proposal {number} is by "{by}"; it must be "random", for a draw that no result had '
            f'a part in, or "{searcher.name}"',
        )


def small_spaces_are_proposed_to_the_last(searcher: Searcher) -> None:
    for ground in (grounds.few(), grounds.rest(), grounds.point()):
        for workers in (1, 64):
            records = play(searcher, ground.trials(30), workers).records
            where = f"{ground.name} with {in_words(workers)}"
            demand_new(records, where)
            demand(
                len(records) == ground.size,
                f"{where}: {len(records)} proposals, there are {ground.size} architectures",
            )


def many_workers_are_served(searcher: Searcher) -> None:
    for workers in WORKERS:
        trials = max(30, workers + 8)
        records = play(searcher, grounds.chain().trials(trials), workers).records
        demand_new(records, f"chain with {in_words(workers)}")
        demand_all(records, trials, f"chain with {in_words(workers)}")


def any_number_of_objectives_is_served(searcher: Searcher) -> None:
    for ground in (grounds.chain(), grounds.measured(), grounds.graph()):
        names = ", ".join(objective.name for objective in ground.space.objectives)
        where = f"with the objectives {names}"
        with survived(where):
            demand_all(play(searcher, ground.trials(30)).records, 30, where)


def every_ending_is_survived(searcher: Searcher) -> None:
    endings: dict[str, Ending] = {
        "some trials fail": some_fail,
        "all trials fail": lambda number: TrialState.FAILED,
        "all trials are stopped early": lambda number: TrialState.STOPPED,
        "all trials break a measured constraint": lambda number: TrialState.INFEASIBLE,
        "all but one trial fail": lambda number: (
            TrialState.COMPLETE if number == 4 else TrialState.FAILED
        ),
    }
    for name, ending in endings.items():
        with survived(name):
            records = play(searcher, grounds.chain().trials(30), 2, ending).records
        demand_new(records, name)
        demand_all(records, 30, name)


def ties_are_survived(searcher: Searcher) -> None:
    ground = grounds.chain().trials(30)
    names = [objective.name for objective in ground.space.objectives]
    for equal in (names, names[:1]):
        where = f"with the same {' and '.join(equal)} everywhere"
        with survived(where):
            records = run(searcher, ground.space, partial(_tied, ground, equal))
        demand_new(records, where)
        demand_all(records, 30, where)


def records_of_another_space_are_survived(searcher: Searcher) -> None:
    """As after `--extend`: old records may hold what the space no longer offers."""
    wide, narrow = grounds.graph().trials(30), grounds.graph().trials(30)
    layers = tuple(
        layer.model_copy(update={"choices": layer.choices[:4]}) for layer in narrow.space.layers
    )
    space = changed(narrow.space, layers=layers)
    records = play(searcher, wide).records
    with survived("after records of another space"):
        proposal = answer(searcher, Question(space, records, (), "0:30"))
    demand(proposal is not None, "after records of another space it proposes nothing")
    if proposal is not None:
        one = proposal.architecture
        demand(contains(space, one), f"{one.label} is no member; records of another space are old")
        demand(one.key not in {record.key for record in records}, f"{one.label} is known already")


def records_of_another_task_are_no_results(searcher: Searcher) -> None:
    """They stand before the others; what was tried there may be proposed here."""
    ground = grounds.few().trials(30)
    told_before = [
        record.model_copy(update={"task": TaskChoice(name="another", params={})})
        for record in play(searcher, ground).records
    ]
    records: list[TrialRecord] = []
    while len(records) < 30:
        number = len(records)
        asked = Question(ground.space, [*told_before, *records], (), f"0:{number}")
        proposal = answer(searcher, asked)
        if proposal is None:
            break
        records.append(ground.record(number, proposal.architecture, proposal.by, number))
    demand_new(records, "after records of another task")
    demand(
        len(records) == ground.size,
        f"after records of another task {len(records)} of {ground.size} architectures are "
        f"proposed; those were no results of this search",
    )


def _tied(
    ground: Ground,
    equal: Sequence[str],
    number: int,
    architecture: Architecture,
    by: str,
    seed: int,
) -> TrialRecord:
    record = ground.record(number, architecture, by, seed)
    objectives = {**record.objectives, **dict.fromkeys(equal, 0.5)}
    return record.model_copy(update={"objectives": objectives})


CHECKS: dict[str, tuple[Callable[[Searcher], None], ...]] = {
    "proposals": (
        proposals_are_new,
        proposals_are_members_and_feasible,
        proposals_say_how_they_came_about,
        small_spaces_are_proposed_to_the_last,
        many_workers_are_served,
        any_number_of_objectives_is_served,
    ),
    "repeatability": (
        repeats.the_same_question_has_the_same_answer,
        repeats.another_process_gives_the_same_answer,
        repeats.nothing_is_kept_between_questions,
        repeats.asking_changes_nothing,
        repeats.a_killed_search_goes_on_as_it_would_have,
    ),
    "endings": (
        every_ending_is_survived,
        ties_are_survived,
        records_of_another_space_are_survived,
        records_of_another_task_are_no_results,
    ),
}
