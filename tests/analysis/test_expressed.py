from __future__ import annotations

import pytest
from analysis.probes import (
    ALONE,
    ATTENTION,
    BLIND,
    CAUSAL,
    CLOUD,
    CONV,
    GRID,
    KNOWN,
    LINEAR_ATTENTION,
    LONG,
    SEQUENCE,
    SSM,
    any_scores,
    around,
    biases,
    probe,
    scores,
)
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.analysis.expressed import express
from itnet_nas.axes import AXES, Bias, Sharing, Support
from itnet_nas.results.measured import Estimate


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_layer_acts_like_what_it_is(name: str) -> None:
    trained, bias, domain, wanted = KNOWN[name]

    assert express(bias, probe(trained), domain).acts_like == wanted


def test_axes_are_words_with_the_figures_behind_them() -> None:
    trained, bias, domain, _ = KNOWN["window attention"]
    found = express(bias, probe(trained), domain)

    assert {axis: one.marked for axis, one in found.axes.items()} == {
        "support": "● near: 90 % within 4",
        "sharing": "● the same everywhere",
        "state": "○ none",
        "content": "● decides where it looks",
    }
    assert {axis: one.figures for axis, one in found.axes.items()} == {
        "support": "r90 4.0 [3.6, 4.4] · extent 0.20 [0.18, 0.22]",
        "sharing": "sharing 1.00 [0.98, 1.00]",
        "state": "it looks both ways, so no past is apart from a future",
        "content": "routing 0.60 [0.58, 0.62] · pattern 0.97 [0.95, 0.99] · "
        "content 0.95 [0.93, 0.97]",
    }


def test_each_axis_keeps_what_the_family_declares() -> None:
    trained, bias, domain, _ = KNOWN["GRU"]
    found = express(bias, probe(trained), domain)

    assert {axis: one.declared for axis, one in found.axes.items()} == {
        "support": "full",
        "sharing": "translation",
        "state": "feedback(1)",
        "content": "path in transition",
    }


def test_a_memory_is_counted_in_states_and_positions() -> None:
    trained, bias, domain, _ = KNOWN["S4D"]

    found = express(bias, probe(trained), domain).axes["state"]

    assert found.marked == "● about 4 states, 7.7 positions long"
    assert found.figures == "state 0.25 [0.23, 0.27] · horizon 7.7 [7.3, 8.1]"


def test_a_memory_of_uncertain_size_says_how_many_states_at_least() -> None:
    trained, bias, domain, _ = KNOWN["GRU"]
    unsure = trained.model_copy(update={"state": Estimate(value=0.16, low=0.0, high=0.33)})

    found = express(bias, probe(unsure), domain).axes["state"]

    assert found.marked == "● 3 states or more, 3.3 positions long"


def test_a_state_that_no_jacobian_can_tell_is_declared_and_proved_by_its_step() -> None:
    trained = scores(0.17, 0.59, 16, 1.0, 1.0, 0.0, 0.0, 0.0, 0.04, 7.7)

    found = express(SSM, probe(trained, step_error=2e-7), CAUSAL)

    assert found.acts_like == "recurrence"
    assert found.leaning == "that it carries a state is declared"
    assert found.axes["state"].marked == "○ linear(4)"
    assert found.axes["state"].figures == (
        "too many states to be told from none (state 0.04 [0.02, 0.06]); "
        "decoding step by step repeats it within 2e-07"
    )


def test_a_memory_too_short_to_judge_is_not_judged() -> None:
    trained, bias, domain, _ = KNOWN["fast S4D"]

    found = express(bias, probe(trained), domain).axes["state"]

    assert found.evidence == "declared"
    assert found.figures == "a memory of 1.3 positions is too short to judge"


def test_what_is_missing_says_why_in_the_words_of_the_probe() -> None:
    trained = scores(0.5, 0.3, 3, content=0.0, pattern=0.0, routing=0.0)

    found = express(CONV, probe(trained, notes={"sharing": "too short to shift"}), SEQUENCE)

    assert found.axes["sharing"].marked == "○ translation"
    assert found.axes["sharing"].figures == "too short to shift"


def test_content_that_changes_loudness_alone_is_not_called_dependence() -> None:
    trained, bias, domain, _ = KNOWN["conv and GELU"]

    assert express(bias, probe(trained), domain).axes["content"].words == "changes loudness alone"


def test_a_layer_that_mixes_nothing_has_one_measured_axis() -> None:
    found = express(LONG, probe(ALONE), SEQUENCE)

    assert found.acts_like == "pointwise"
    assert {axis: one.evidence for axis, one in found.axes.items()} == {
        "support": "measured",
        "sharing": "declared",
        "state": "declared",
        "content": "declared",
    }
    assert found.axes["support"].figures == "self share 1.00 [0.98, 1.00]"


def test_scores_that_training_moved_are_shown_from_where_they_came() -> None:
    before, after = KNOWN["untrained attention"][0], KNOWN["window attention"][0]

    found = express(BLIND, probe(after, before), SEQUENCE)

    assert found.axes["support"].change == "r90 22.0 → 4.0, extent 1.00 → 0.20"
    assert found.axes["content"].change == (
        "routing 0.12 → 0.60, pattern 0.61 → 0.97, content 0.40 → 0.95"
    )
    assert found.axes["sharing"].change == ""
    assert found.scores["routing"].initial == pytest.approx((0.12, 0.10, 0.14))


def test_a_mean_over_all_is_called_pooling() -> None:
    flat = scores(0.02, 1.0, 22, 0.0, 1.0, 0.0, 0.0, 0.0)

    found = express(BLIND, probe(flat), SEQUENCE)

    assert found.acts_like == "pooling"
    assert found.leaning == "that it is blind to positions is declared"


def test_attention_that_became_a_running_mean_is_called_so() -> None:
    flat = scores(0.41, 1.0, 22, 1.0, 1.0, 0.1, 0.1, 0.01, 0.67, 17)

    assert express(BLIND, probe(flat), CAUSAL).acts_like == "running mean"


def test_a_period_is_named_by_the_shift_that_leaves_the_rule_alone() -> None:
    shifts = {"1": 0.6, "3": 0.3, "8": 0.99, "16": 0.98}
    blocks = scores(
        0.52, 0.24, 5, 0.05, 0.52, 0.94, 0.96, 0.70,
        sharing_by_shift={name: around(value) for name, value in shifts.items()},
    )  # fmt: skip
    found = express(ATTENTION, probe(blocks), SEQUENCE)

    assert found.acts_like == "periodic attention"
    assert found.axes["sharing"].words == "repeats every 8"
    assert found.axes["sharing"].figures.endswith("by shift 1: 0.60, 3: 0.30, 8: 0.99, 16: 0.98")
    assert "its rule repeats every 8 positions, which its family does not declare" in found.partings


def test_a_period_that_no_shift_shows_is_partly_shared() -> None:
    shifts = {"1": 0.63, "3": 0.32, "7": 0.63}
    blocks = scores(
        0.52, 0.24, 5, 0.05, 0.52, 0.94, 0.96, 0.70,
        sharing_by_shift={name: around(value) for name, value in shifts.items()},
    )  # fmt: skip

    found = express(ATTENTION, probe(blocks), SEQUENCE)

    assert found.axes["sharing"].words == "partly the same everywhere"


def test_a_rule_that_drifts_with_position_is_not_called_periodic() -> None:
    shifts = {"0,1": 0.97, "1,0": 0.96, "0,3": 0.72, "3,0": 0.55}
    drifting = scores(
        0.8, 0.99, 8, sharing=0.8, content=0.9, pattern=0.9, routing=0.16,
        sharing_by_shift={name: around(value, 0.01) for name, value in shifts.items()},
    )  # fmt: skip

    found = express(ATTENTION, probe(drifting), GRID).axes["sharing"]

    assert found.words == "partly the same everywhere"
    assert found.figures.endswith("by shift 0,1: 0.97, 1,0: 0.96, 0,3: 0.72, 3,0: 0.55")


def test_linear_attention_that_follows_no_content_is_no_recurrence() -> None:
    flat = scores(0.07, 0.81, 32, 0.0, 1.0, 0.07, 0.14, 0.02)

    assert express(LINEAR_ATTENTION, probe(flat), SEQUENCE).acts_like == "low-rank mixing"


def test_a_grid_repeats_along_one_axis() -> None:
    shifts = {"0,1": 0.4, "0,4": 0.97, "4,0": 0.97, "0,8": 0.96}
    patches = scores(
        0.5, 0.4, 3, sharing=0.8, content=0.0, pattern=0.0, routing=0.0,
        sharing_by_shift={name: around(value) for name, value in shifts.items()},
    )  # fmt: skip

    assert express(CONV, probe(patches), GRID).axes["sharing"].words == "repeats every 0,4"


def test_a_cloud_counts_nearest_points() -> None:
    near = scores(0.3, 0.2, 8, sharing=1.0, content=0.0, pattern=0.0, routing=0.0)
    knn = Bias(support=Support.KNN, sharing=Sharing.TRANSLATION)

    found = express(knn, probe(near), CLOUD)

    assert found.acts_like == "neighbourhood convolution"
    assert found.axes["support"].words == "near: the nearest 8 hold 90 %"
    assert found.axes["state"].figures == "there is no order to remember along"


@given(biases, any_scores, st.none() | any_scores, st.sampled_from([SEQUENCE, CAUSAL, GRID, CLOUD]))
def test_every_probe_has_words_on_every_axis(bias, trained, initial, domain) -> None:  # type: ignore[no-untyped-def]
    found = express(bias, probe(trained, initial), domain)

    assert found.acts_like
    assert list(found.axes) == list(AXES)
    assert all(one.words and one.figures for one in found.axes.values())
