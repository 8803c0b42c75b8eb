from __future__ import annotations

import pytest
from analysis.probes import (
    ATTENTION,
    BLIND,
    CAUSAL,
    CONV,
    GRU,
    KNOWN,
    LONG,
    SEQUENCE,
    any_scores,
    around,
    biases,
    probe,
    scores,
)
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.analysis.partings import partings
from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.results.measured import Estimate, Scores


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_layer_that_is_what_it_declares_has_no_parting(name: str) -> None:
    trained, bias, domain, _ = KNOWN[name]
    wanted = {
        "fast S4D": ("a recurrence whose memory is 1.3 positions long",),
    }

    assert partings(bias, probe(trained), domain) == wanted.get(name, ())


@pytest.mark.parametrize(
    ("bias", "trained", "sentence"),
    [
        (
            BLIND,
            scores(0.5, 0.2, 3, 0.0, 1.0, 0.9, 0.9, 0.6),
            "looks no further than 3 positions (90 % of it): it became a band",
        ),
        (
            LONG,
            scores(0.5, 0.2, 5, 0.0, 1.0, 0.0, 0.0, 0.0),
            "may look everywhere, but 90 % lies within 5 of a position",
        ),
        (
            Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=8),
            scores(0.5, 0.1, 2, 0.0, 1.0, 0.0, 0.0, 0.0),
            "may look 8 positions far, but 90 % lies within 2",
        ),
        (
            CONV,
            scores(0.5, 0.3, 7, 0.0, 1.0, 0.0, 0.0, 0.0),
            "declares a window of 2, but 90 % takes 7 positions: what it declares is wrong",
        ),
        (
            ATTENTION,
            scores(0.5, 1.0, 22, 0.0, 1.0, 0.1, 0.05, 0.01),
            "may depend on content, but does not change with it (routing 0.01, pattern 0.05)",
        ),
        (
            ATTENTION,
            scores(0.5, 1.0, 22, 0.0, 1.0, 0.5, 0.5, 0.01),
            "may depend on content, but does not move with it (routing 0.01)",
        ),
        (
            LONG,
            scores(0.5, 1.0, 22, 0.0, 1.0, 0.9, 0.9, 0.60),
            "declares a fixed kernel, but where it looks changes with the input (routing 0.60): "
            "what it declares is wrong",
        ),
        (
            Bias(support=Support.FULL, sharing=Sharing.POSITION_SPECIFIC),
            scores(0.5, 1.0, 22, 0.0, 0.99, 0.0, 0.0, 0.0),
            "may know positions, but its rule is the same everywhere (sharing 0.99)",
        ),
        (
            LONG,
            scores(0.5, 1.0, 22, 0.0, 0.10, 0.0, 0.0, 0.0),
            "declares one rule for all positions, but has its own at each (sharing 0.10): "
            "what it declares is wrong",
        ),
        (
            GRU,
            scores(0.8, 0.1, 2, 1.0, 1.0, 0.6, 0.8, 0.06, None, 1.5),
            "a recurrence whose memory is 1.5 positions long",
        ),
        (
            BLIND,
            scores(0.5, 1.0, 22, 1.0, 1.0, 0.6, 0.6, 0.20, 0.8, 17),
            "writes all of its past into about 1.2 directions (state 0.80): "
            "it became a running mean",
        ),
        (
            LONG,
            scores(0.5, 1.0, 22, 0.97, 1.0, 0.0, 0.0, 0.0),
            "may look both ways, but looks back alone (causality 0.97)",
        ),
        (
            LONG,
            scores(1.0),
            "may look at others, but acts on each point alone (self share 1.00)",
        ),
        (
            Bias(support=Support.POINT, sharing=Sharing.PERMUTATION),
            scores(0.6, 1.0, 22, 0.0, 1.0, 0.0, 0.0, 0.0),
            "is declared pointwise, but mixes positions (self share 0.60)",
        ),
    ],
)
def test_where_declared_and_measured_part_one_sentence_says_so(
    bias: Bias, trained: Scores, sentence: str
) -> None:
    certain = trained.model_copy(update={"self_share": around(trained.self_share.value, 0.005)})

    domain = CAUSAL if bias is GRU or (bias is BLIND and "mean" in sentence) else SEQUENCE

    assert partings(bias, probe(certain), domain) == (sentence,)


def test_an_interval_that_holds_the_declared_reading_parts_nothing() -> None:
    wide = Estimate(value=3.0, low=2.0, high=18.0)
    unsure = scores(0.5, 0.2, sharing=1.0, content=0.9, pattern=0.9, routing=0.6, r90=3)

    found = partings(BLIND, probe(unsure.model_copy(update={"r90": wide})), SEQUENCE)

    assert found == ()


def test_a_layer_that_training_did_not_move_is_named() -> None:
    same = KNOWN["untrained attention"][0]

    assert partings(BLIND, probe(same, same), SEQUENCE) == (
        "untrained it read the same: it has not moved",
    )


def test_a_window_of_fixed_weights_cannot_move_so_nothing_is_said() -> None:
    same = KNOWN["conv"][0]

    assert partings(CONV, probe(same, same), SEQUENCE) == ()


@given(biases, any_scores, st.sampled_from([SEQUENCE, CAUSAL]))
def test_an_unknown_interval_parts_nothing(bias, trained, domain) -> None:  # type: ignore[no-untyped-def]
    """Scores whose interval is the whole range exclude no declared reading."""
    whole = {
        name: Estimate(value=one.value, low=-1.0, high=64.0)
        for name in Scores.model_fields
        if isinstance(one := getattr(trained, name), Estimate)
    }
    blank = Scores(**whole)

    assert partings(bias, probe(blank), domain) == ()
