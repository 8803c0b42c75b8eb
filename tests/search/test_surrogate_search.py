from __future__ import annotations

from random import Random

import numpy as np
import pytest
from support.landscape import planted_record, planted_space, propose, run_search, volume

from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.cost import costs
from itnet_nas.arch.sample import sample
from itnet_nas.results.record import TrialRecord, TrialState
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.search.guess import Guess, Observations
from itnet_nas.search.searcher import RANDOM
from itnet_nas.search.surrogate_search import SurrogateSearcher, random_start
from itnet_nas.space.space import Layer, Objective, Space, TaskChoice
from itnet_nas.space.spec import SearchSpec

SPACE = planted_space(8, trials=100)


def trials(space: Space, count: int, failing: str = "") -> list[TrialRecord]:
    """Random trials; those whose first layer is of the family `failing` came to nothing."""
    found = []
    for number in range(count):
        drawn = sample(space, Random(number))
        failed = drawn.layers[0].family == failing
        state = TrialState.FAILED if failed else TrialState.COMPLETE
        found.append(planted_record(space, number, drawn, state=state))
    return found


def test_it_finds_in_thirty_trials_what_evolution_has_not_found_in_a_hundred() -> None:
    ours = [volume(run_search(SurrogateSearcher(), SPACE, 30, seed)) for seed in range(3)]
    theirs = [volume(run_search(EvolutionSearcher(), SPACE, 100, seed)) for seed in range(3)]

    assert np.median(ours) > np.median(theirs)


@pytest.mark.parametrize(
    ("trials_of", "pending", "told", "expected"),
    [
        (100, 0, False, 20),
        (100, 15, False, 32),
        (100, 0, True, 8),
        (24, 0, False, 12),
        (4, 0, False, 5),
    ],
)
def test_so_many_proposals_are_random(
    trials_of: int, pending: int, told: bool, expected: int
) -> None:
    assert random_start(planted_space(2, trials=trials_of), pending, told) == expected


def test_a_proposal_says_whether_results_had_a_part_in_it() -> None:
    searcher, rng = SurrogateSearcher(), Random(0)

    first = searcher.ask(SPACE, [], [], rng)
    later = searcher.ask(SPACE, trials(SPACE, 30), [], rng)

    assert first is not None
    assert (first.by, first.why) == (RANDOM, "")
    assert later is not None
    assert later.by == "surrogate"
    assert "leave-one-out R²" in later.why


def test_with_too_few_complete_trials_it_goes_on_at_random() -> None:
    failed = [
        planted_record(SPACE, n, sample(SPACE, Random(n)), state=TrialState.FAILED)
        for n in range(40)
    ]

    proposal = SurrogateSearcher().ask(SPACE, failed, [], Random(0))

    assert proposal is not None
    assert proposal.by == RANDOM


def test_a_family_that_always_fails_is_proposed_less_and_less() -> None:
    seen = trials(SPACE, 60, failing="left")
    asked = [propose(SurrogateSearcher(), SPACE, seen, seed=seed) for seed in range(12)]

    families = [one.layers[0].family for one in asked if one is not None]

    # One in ten is blind, so it is never shut out altogether.
    assert families.count("left") <= 2


def test_what_is_pending_is_not_proposed_again_in_another_dress() -> None:
    seen = trials(SPACE, 40)
    pending: list[Architecture] = []
    for number in range(6):
        proposed = propose(SurrogateSearcher(), SPACE, seen, pending, seed=number)
        assert proposed is not None
        pending.append(proposed)

    different = [
        sum(a != b for a, b in zip(one.layers, other.layers, strict=True))
        for place, one in enumerate(pending)
        for other in pending[:place]
    ]

    assert min(different) >= 1
    assert np.mean(different) > 2


def test_a_choice_that_joins_in_the_middle_of_a_run_is_tried_soon() -> None:
    seen = run_search(SurrogateSearcher(), SPACE, 30)
    joined = [
        *SPACE.layers[0].choices,
        *(
            choice.model_copy(update={"family": "third", "cost": choice.cost})
            for choice in SPACE.layers[0].choices[:5]
        ),
    ]
    layers = [Layer(name=one.name, choices=tuple(joined)) for one in SPACE.layers]
    origins = {**SPACE.kernel_origins, "third": SPACE.kernel_origins["left"]}
    wider = SPACE.model_validate(
        {**SPACE.model_dump(), "layers": layers, "kernel_origins": origins}
    )
    records, keys = list(seen), {one.key for one in seen}
    for _ in range(10):
        proposed = propose(SurrogateSearcher(), wider, records)
        assert proposed is not None
        assert proposed.key not in keys
        keys.add(proposed.key)
        records.append(planted_record(wider, len(records), proposed))

    families = [layer.family for one in records[30:] for layer in one.architecture.layers]
    assert "third" in families


def told_of(space: Space, count: int) -> list[TrialRecord]:
    return [
        one.model_copy(update={"task": TaskChoice(name="another", params={})})
        for one in trials(space, count)
    ]


def test_another_task_shortens_the_random_start() -> None:
    searcher = SurrogateSearcher()

    proposal = searcher.ask(SPACE, [*told_of(SPACE, 30), *trials(SPACE, 10)], [], Random(0))

    assert proposal is not None
    assert proposal.by == "surrogate"


def test_a_cost_that_no_formula_gives_is_guessed_from_what_was_measured() -> None:
    objectives = (
        Objective(name="error", direction="min"),
        Objective(name="latency_ms", direction="min"),
    )
    measured = planted_space(4, trials=100).model_copy(update={"objectives": objectives})
    records = []
    for one in trials(measured.model_copy(update={"objectives": SPACE.objectives}), 40):
        figures = {"error": one.objectives["error"], "latency_ms": one.objectives["flops"] / 1e4}
        records.append(one.model_copy(update={"objectives": figures}))
    guess = Guess(measured, Observations.of(measured, records), [], costs)
    fresh = [sample(measured, Random(seed)) for seed in range(500, 540)]
    candidates = [guess.candidate(one) for one in fresh]

    middle = guess.costs(candidates)[2, :, 0]

    truth = np.log([costs(measured, one)["flops"] for one in fresh])
    assert np.corrcoef(middle, truth)[0, 1] > 0.95


def test_three_objectives_are_served() -> None:
    objectives = (*SPACE.objectives, Objective(name="params", direction="min"))
    three = planted_space(4, trials=100).model_copy(update={"objectives": objectives})
    records = []
    for number in range(30):
        drawn = sample(three, Random(number))
        one = planted_record(planted_space(4), number, drawn)
        figures = {**one.objectives, "params": costs(three, drawn)["params"]}
        records.append(one.model_copy(update={"objectives": figures}))

    proposal = SurrogateSearcher().ask(three, records, [], Random(3))

    assert proposal is not None
    assert proposal.by == "surrogate"


def test_settings_of_workers_lengthen_the_start() -> None:
    space = planted_space(2, trials=200).model_copy(
        update={"search": SearchSpec(trials=200, workers=40)}
    )

    assert random_start(space, 0, told=False) == 80
