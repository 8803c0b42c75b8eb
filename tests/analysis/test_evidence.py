from __future__ import annotations

import math

import pytest
from analysis.retrained import SEEDS, each, lone, member, trained, trial
from analysis.support import record

from itnet_nas.analysis.evidence import Evidence
from itnet_nas.analysis.significance import t_quantile
from itnet_nas.analysis.swaps import swaps
from itnet_nas.results.record import TrialRecord, TrialState
from itnet_nas.space.space import Objective, Space
from itnet_nas.tasks import Metric

OF = lone("conv3", "gru")
CANDIDATE = trial(OF, 0)
MINE, OTHER = member(OF, 0), member(OF, 1)
(SWAP, *_) = swaps(OF, MINE)


def evidence(
    *records: TrialRecord, of: Space = OF, seeds: tuple[int, ...] = SEEDS, alpha: float = 0.05
) -> Evidence:
    return Evidence(of, CANDIDATE, records, seeds=seeds, alpha=alpha)


def with_metric(**changes: object) -> Space:
    fields = {"name": "bits_per_byte", "direction": "min", **changes}
    facts = OF.facts.model_copy(update={"metrics": (Metric(**fields),)})
    return OF.model_copy(update={"facts": facts})


def test_losses_are_differences_at_the_same_seed() -> None:
    found = evidence(*each(OF, MINE, 2.0, 2.1, 2.2), *each(OF, OTHER, 2.5, 2.4, 2.9)).compare(SWAP)

    assert [seed for seed, _ in found.losses] == [11, 12, 13]
    assert [loss for _, loss in found.losses] == pytest.approx([0.5, 0.3, 0.7])
    assert found.comparison is not None
    assert found.comparison.loss == pytest.approx(0.5)


def test_more_is_a_gain_where_the_objective_says_so() -> None:
    of = lone(
        "conv3",
        "gru",
        objectives=(
            Objective(name="accuracy", direction="max"),
            Objective(name="flops", direction="min"),
        ),
    )

    def at(seed: int, place: int, accuracy: float) -> TrialRecord:
        made = record(of, 100, member(of, place), accuracy=accuracy)
        return made.model_copy(update={"seed": seed})

    found = evidence(at(11, 0, 0.9), at(11, 1, 0.6), of=of).compare(SWAP)

    assert found.losses[0][1] == pytest.approx(0.3)


def test_the_floor_is_what_an_identical_copy_would_exceed_one_time_in_forty() -> None:
    found = evidence(*each(OF, MINE, 2.0, 3.0, 4.0)).floor(3)

    assert found == pytest.approx(t_quantile(0.975, 2) * math.sqrt(2) * 1.0 / math.sqrt(3))


def test_the_floor_is_at_least_a_hundredth_of_the_gain_over_chance() -> None:
    """Chance is 8 bits per byte, the candidate needs 2."""
    assert evidence(*each(OF, MINE, 2.0, 2.0, 2.0)).floor(3) == pytest.approx(0.06)


def test_without_chance_the_gain_is_that_over_the_worst_baseline() -> None:
    of = with_metric(baselines={"order 2": 3.0, "order 0": 5.0})

    assert evidence(*each(OF, MINE, 2.0, 2.0), of=of).floor(2) == pytest.approx(0.03)


def test_without_any_line_the_gain_is_the_figure_itself() -> None:
    assert evidence(*each(OF, MINE, 2.0, 2.0), of=with_metric()).floor(2) == pytest.approx(0.02)


def test_more_seeds_of_the_candidate_sharpen_the_floor() -> None:
    few = evidence(*each(OF, MINE, 2.0, 3.0, 4.0)).floor(3)
    many = evidence(*each(OF, MINE, 2.0, 3.0, 4.0, 2.5, 3.5)).floor(3)

    assert many < few


def test_the_trial_by_which_it_was_chosen_does_not_count() -> None:
    """Its seed is none of the certificate's; neither is that of a search trial of the swap."""
    found = evidence(CANDIDATE, record(OF, 4, OTHER, bits_per_byte=9.0))

    assert found.figures(CANDIDATE.key) == {}
    assert found.figures(OTHER.key) == {}


def test_a_failed_training_is_no_figure() -> None:
    found = evidence(*each(OF, MINE, 2.0, 2.1, 2.2, 2.1), *each(OF, OTHER, 2.5, None, 2.9, 2.8))

    assert found.failures(OTHER.key) == {1: "out_of_memory"}
    assert found.compare(SWAP).failures == ("out_of_memory",)
    assert [seed for seed, _ in found.compare(SWAP).losses] == [11, 13, 14]


def test_a_training_that_was_stopped_is_no_figure() -> None:
    stopped = trained(OF, MINE, 11, 2.0).model_copy(update={"state": TrialState.STOPPED})

    assert evidence(stopped).figures(CANDIDATE.key) == {}
    assert evidence(stopped).failures(CANDIDATE.key) == {0: "stopped"}


def test_of_two_trainings_of_the_same_the_complete_one_counts() -> None:
    failed, done = trained(OF, MINE, 11, None, number=1), trained(OF, MINE, 11, 2.0, number=2)

    assert evidence(failed, done).figures(CANDIDATE.key) == {0: 2.0}
    assert evidence(done, failed).failures(CANDIDATE.key) == {}


def test_a_swap_waits_until_it_has_three_pairs() -> None:
    found = evidence(*each(OF, MINE, 2.0, 2.1, 2.2), *each(OF, OTHER, 2.5, 2.4)).compare(SWAP)

    assert (found.state, found.comparison) == ("waiting", None)


def test_a_swap_that_failed_three_times_is_given_up() -> None:
    found = evidence(*each(OF, MINE, 2.0, 2.1, 2.2), *each(OF, OTHER, None, None, None))

    assert found.compare(SWAP).state == "failed"


def test_a_swap_that_can_no_longer_have_three_pairs_is_given_up() -> None:
    found = evidence(*each(OF, MINE, 2.0, None, 2.2), *each(OF, OTHER, None, 2.5, 2.5, None))

    assert found.compare(SWAP).state == "failed"


def test_with_two_seeds_two_pairs_are_enough() -> None:
    found = evidence(*each(OF, MINE, 2.0, 2.1), *each(OF, OTHER, 2.5, 2.4), seeds=SEEDS[:2])

    assert found.compare(SWAP).state == "tested"


def test_a_p_value_pays_for_every_look() -> None:
    records = [*each(OF, MINE, 2.0, 2.1, 2.2), *each(OF, OTHER, 2.9, 2.8, 3.4)]

    once = evidence(*records, seeds=SEEDS[:3]).compare(SWAP).comparison
    thrice = evidence(*records).compare(SWAP).comparison

    assert once is not None
    assert thrice is not None
    assert thrice.p == pytest.approx(3 * once.p)


def test_solved_is_open_before_three_seeds() -> None:
    of = with_metric(solved=2.5)

    assert evidence(*each(OF, MINE, 2.0, 2.0), of=of).solved is None


@pytest.mark.parametrize(("bits", "solved"), [(2.4, True), (2.5, True), (2.6, False)])
def test_solved_reads_the_mean(bits: float, solved: bool) -> None:
    of = with_metric(solved=2.5)

    assert evidence(*each(OF, MINE, bits, bits, bits), of=of).solved is solved


def test_solved_of_a_figure_that_should_be_large() -> None:
    objectives = (
        Objective(name="bits_per_byte", direction="max"),
        Objective(name="flops", direction="min"),
    )
    of = with_metric(solved=0.98, direction="max").model_copy(update={"objectives": objectives})

    assert evidence(*each(OF, MINE, 0.99, 0.99, 0.99), of=of).solved is True
    assert evidence(*each(OF, MINE, 0.99, 0.9, 0.99), of=of).solved is False


def test_a_task_that_does_not_say_leaves_it_open() -> None:
    assert evidence(*each(OF, MINE, 2.0, 2.0, 2.0)).solved is None


def test_one_seed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"trial 0: got 1 seed.*shows no spread.*give at least 2"):
        evidence(seeds=(11,))


def test_a_seed_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a seed is given twice in \[11, 12, 11\]"):
        evidence(seeds=(11, 12, 11))


def test_the_seed_of_the_search_is_refused() -> None:
    with pytest.raises(ValueError, match=r"seed 1000 is the one it was chosen by.*fresh seeds"):
        evidence(seeds=(11, 1000))


def test_an_alpha_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1, got 1"):
        evidence(alpha=1.0)
