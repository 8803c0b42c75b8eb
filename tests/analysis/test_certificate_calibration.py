"""How often a verdict is wrong: whole certificates on figures that are drawn."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from analysis.retrained import SEEDS, certified, lone, trial

from itnet_nas.analysis.certificate import (
    Verdict,
    certificate,
)
from itnet_nas.arch.architecture import Architecture
from itnet_nas.space.space import Space

OF = lone("conv3", "gru", "attention")


def verdicts_of(
    of: Space,
    figure: Callable[[Architecture, Random], float],
    repetitions: int,
    seeds: tuple[int, ...] = SEEDS,
) -> list[list[Verdict]]:
    """The verdicts of whole certificates, sequential plan included, of figures that are drawn."""
    candidate = trial(of, 0)
    found = []
    for repetition in range(repetitions):
        records = certified(of, candidate, figure, rng=Random(repetition), seeds=seeds)
        axes = certificate(of, candidate, records, seeds=seeds).axes
        found.append([one.verdict for one in axes if one.alternatives])
    return found


def identical(architecture: Architecture, rng: Random) -> float:
    """Every network is the same, and trains unevenly."""
    return rng.gauss(2.0, 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [SEEDS[:3], SEEDS], ids=["3 seeds", "3 to 5 seeds"])
def test_an_identical_copy_is_not_identified_in_95_of_100(seeds: tuple[int, ...]) -> None:
    """A single replacement: the hardest case, since any that does as well settles a question."""
    found = verdicts_of(lone("conv3", "gru"), identical, 400, seeds)

    right = sum(set(verdicts) == {Verdict.NOT_IDENTIFIED} for verdicts in found)
    assert right / len(found) >= 0.95


def test_an_identical_copy_is_hardly_ever_necessary() -> None:
    found = verdicts_of(lone("conv3", "gru"), identical, 60)

    assert sum(Verdict.NECESSARY in verdicts for verdicts in found) <= 1


@pytest.mark.slow
def test_any_false_necessary_is_rarer_than_alpha() -> None:
    """Every replacement loses exactly as much as the floor, which is a hundredth of 8 − 2."""

    def at_the_floor(architecture: Architecture, rng: Random) -> float:
        return 2.0 if architecture.layers[0].family == "conv" else 2.06 + rng.gauss(0.0, 0.3)

    found = verdicts_of(OF, at_the_floor, 400)

    assert sum(Verdict.NECESSARY in verdicts for verdicts in found) / len(found) <= 0.05


@pytest.mark.parametrize("seeds", [SEEDS[:3], SEEDS], ids=["3 seeds", "3 to 5 seeds"])
def test_a_large_loss_is_found_necessary(seeds: tuple[int, ...]) -> None:
    """25 times the spread of a training, as on a task with a planted bias."""

    def planted(architecture: Architecture, rng: Random) -> float:
        loses = architecture.layers[0].family != "conv"
        return 2.0 + 0.5 * loses + rng.gauss(0.0, 0.02)

    found = verdicts_of(OF, planted, 30, seeds)

    assert sum(set(verdicts) == {Verdict.NECESSARY} for verdicts in found) >= 28


@pytest.mark.slow
def test_seeds_are_added_where_three_are_too_few() -> None:
    """Six times the spread: three seeds say so in half of the cases, up to five in most."""

    def middling(architecture: Architecture, rng: Random) -> float:
        loses = architecture.layers[0].family != "conv"
        return 2.0 + 0.3 * loses + rng.gauss(0.0, 0.05)

    few = verdicts_of(OF, middling, 60, SEEDS[:3])
    more = verdicts_of(OF, middling, 60)

    def share(found: list[list[Verdict]]) -> float:
        flat = [verdict for verdicts in found for verdict in verdicts]
        return flat.count(Verdict.NECESSARY) / len(flat)

    assert share(few) < 0.6
    assert share(more) > 0.75
