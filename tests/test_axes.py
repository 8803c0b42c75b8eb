"""The four axes: their words, and the short form of a bias."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from itnet_nas.axes import AXES, Bias, Content, Entry, Sharing, State, Support


def test_the_axes_are_four_and_their_words_are_fixed() -> None:
    """Files and records are written with these words."""
    assert {axis: [str(value) for value in values] for axis, values in AXES.items()} == {
        "support": ["point", "window", "block", "ball", "knn", "full"],
        "sharing": ["permutation", "translation", "periodic", "position-specific"],
        "state": ["none", "linear", "feedback"],
        "content": ["none", "one-sided", "pair", "path"],
    }


@pytest.mark.parametrize(
    ("bias", "text"),
    [
        (
            Bias(support=Support.WINDOW, radius=3, sharing=Sharing.TRANSLATION),
            "window(3) · translation · no state · no content",
        ),
        (
            Bias(support=Support.WINDOW, radius=6, dilation=2, sharing=Sharing.TRANSLATION),
            "window(6 by 2) · translation · no state · no content",
        ),
        (
            Bias(
                support=Support.FULL,
                sharing=Sharing.TRANSLATION,
                state=State.LINEAR,
                state_size=16,
            ),
            "full · translation · linear(16) · no content",
        ),
        (
            Bias(
                support=Support.FULL,
                sharing=Sharing.PERMUTATION,
                content=Content.PAIR,
                entry=(Entry.AMPLITUDE,),
            ),
            "full · permutation · no state · pair content",
        ),
    ],
)
def test_the_short_form_says_all_four(bias: Bias, text: str) -> None:
    assert str(bias) == text


def test_a_bias_is_frozen_closed_and_survives_json() -> None:
    bias = Bias(support=Support.FULL, sharing=Sharing.POSITION_SPECIFIC)

    assert Bias.model_validate_json(bias.model_dump_json()) == bias
    with pytest.raises(ValidationError):
        bias.state = State.LINEAR  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Bias.model_validate({"support": "full", "sharing": "translation", "reach": 3})
