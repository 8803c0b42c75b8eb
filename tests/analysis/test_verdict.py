from __future__ import annotations

from random import Random

from analysis.support import record, run, space

from itnet_nas.analysis.verdict import biases_differ, trust, verdict
from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.arch.sample import sample
from itnet_nas.space.space import Objective

OF = space()


def chain(first: LayerChoice, second: LayerChoice) -> Architecture:
    return Architecture(
        width=OF.width,
        mlp_ratio=OF.mlp_ratio,
        layers=(
            first.model_copy(update={"name": "local"}),
            second.model_copy(update={"name": "memory"}),
        ),
        edges=(("input", "local"), ("local", "memory"), ("memory", "output")),
    )


CONV = LayerChoice(name="", family="conv", params={"radius": 6})
GRU = LayerChoice(name="", family="gru", params={})
KNEE = record(OF, 3, chain(CONV, GRU), bits_per_byte=2.98, flops=1.2e6)
BEST = record(OF, 7, chain(GRU, GRU), bits_per_byte=2.86, flops=4.2e6)


def test_the_verdict_says_what_the_candidate_costs_against_the_best() -> None:
    assert verdict(OF, KNEE, BEST) == (
        "conv(radius=6) then gru: 2.98 bits/byte at 1.2 MFLOP; 0.12 bits/byte worse than the best "
        "found (trial 7), for 3.5 times less FLOP."
    )


def test_the_best_itself_is_worse_than_nothing() -> None:
    assert verdict(OF, BEST, BEST) == ("2 × gru: 2.86 bits/byte at 4.2 MFLOP; no trial was better.")


def test_with_two_costs_both_are_told() -> None:
    of = space(objectives=(*OF.objectives, Objective(name="latency_ms", direction="min")))
    knee = record(of, 3, chain(CONV, GRU), bits_per_byte=2.98, flops=1.2e6, latency_ms=3.0)
    best = record(of, 7, chain(GRU, GRU), bits_per_byte=2.86, flops=4.2e6, latency_ms=2.0)

    assert verdict(of, knee, best).endswith("for 3.5 times less FLOP and 1.5 times more latency.")


def test_an_equal_quality_is_not_called_worse() -> None:
    of = space(objectives=(*OF.objectives, Objective(name="latency_ms", direction="min")))
    knee = record(of, 3, chain(CONV, GRU), bits_per_byte=2.9, flops=3e6, latency_ms=2.0)
    best = record(of, 7, chain(GRU, GRU), bits_per_byte=2.9, flops=2e6, latency_ms=4.0)

    assert verdict(of, knee, best).endswith(
        "; as good as the best found (trial 7), for 1.5 times more FLOP and 2.0 times less latency."
    )


def test_biases_are_compared_in_words() -> None:
    assert biases_differ(OF, KNEE) == "Its layers have different biases."
    assert biases_differ(OF, BEST) == "All its layers have the same bias."


def test_the_same_bias_in_another_size_is_told() -> None:
    far = LayerChoice(name="", family="conv", params={"radius": 3})
    windows = record(OF, 8, chain(far, CONV), bits_per_byte=2.9, flops=1e6)

    assert biases_differ(OF, windows) == "All its layers have the same bias, in different sizes."


def test_one_seed_per_trial_is_a_warning() -> None:
    points = trust(OF, [KNEE, BEST], KNEE)

    assert "one seed per trial: differences below the seed-to-seed spread are ties" in [
        point.text for point in points if point.warns
    ]


def test_architectures_trained_twice_are_counted() -> None:
    again = KNEE.model_copy(update={"number": 9, "seed": 77})

    texts = [point.text for point in trust(OF, [KNEE, BEST, again], KNEE)]

    assert "1 of 2 architectures were trained more than once" in texts


def test_a_candidate_below_a_baseline_is_a_warning() -> None:
    poor = record(OF, 3, chain(CONV, GRU), bits_per_byte=3.5)
    points = {point.text: point.warns for point in trust(OF, [poor], poor)}

    assert points["no better than order 2 model (3.2 bits/byte)"] is True
    assert points["better than chance (8 bits/byte)"] is False


def test_a_front_that_still_moves_is_a_warning() -> None:
    one = sample(OF, Random(0))
    moving = [record(OF, n, one, bits_per_byte=4 - n / 4) for n in range(12)]
    settled = [record(OF, n, one, bits_per_byte=3.0) for n in range(12)]

    assert any("still improving" in point.text for point in trust(OF, moving, moving[-1]))
    assert not any("still improving" in point.text for point in trust(OF, settled, settled[-1]))


def test_many_failures_are_a_warning_and_few_are_told() -> None:
    many, few = run(OF, 40, failing=0.5), run(OF, 40, failing=0.03)

    for records, warns in ((many, True), (few, False)):
        failed = sum(record_.error is not None for record_ in records)
        told = [p for p in trust(OF, records, None) if p.text == f"{failed} of 40 trials failed"]
        assert [point.warns for point in told] == [warns]


def test_warnings_come_first() -> None:
    warns = [point.warns for point in trust(OF, run(OF, 40), KNEE)]

    assert warns == sorted(warns, reverse=True)
