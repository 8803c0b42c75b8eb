from __future__ import annotations

from itertools import permutations

import pytest
from analysis.probes import (
    ATTENTION,
    BLIND,
    CAUSAL,
    CONV,
    DYNAMIC,
    GRID,
    GRU,
    HYENA,
    KNOWN,
    LOCAL_OWN,
    LONG,
    MAMBA,
    MIXER,
    POINT,
    SEQUENCE,
    SSM,
    WINDOWED,
    any_scores,
    around,
    biases,
    scores,
)
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.analysis.matching import (
    cheapest_match,
    distance,
    lacks,
    matches,
    mismatch,
    nearest,
    surplus,
)
from itnet_nas.axes import AXES, Bias, Sharing, Support
from itnet_nas.kernels import Cost
from itnet_nas.space.space import Choice

FAMILIES = {
    "identity": POINT,
    "conv": CONV,
    "locally_connected": LOCAL_OWN,
    "dynamic_conv": DYNAMIC,
    "long_conv": LONG,
    "position_mixer": MIXER,
    "attention": BLIND,
    "window attention": WINDOWED,
    "ssm": SSM,
    "mamba": MAMBA,
    "gru": GRU,
}


def choice(family: str, flops: int, bias: Bias | None = None, **params: int) -> Choice:
    cost = Cost(flops=flops, params=flops, state_bytes=0)
    return Choice(family=family, params=params, bias=bias or FAMILIES[family], cost=cost)


CHOICES = [
    choice("identity", 1),
    choice("conv", 10),
    choice("long_conv", 40),
    choice("attention", 80),
    choice("gru", 60),
    choice("position_mixer", 90),
]


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_layer_matches_its_own_bias(name: str) -> None:
    trained, bias, domain, _ = KNOWN[name]

    assert matches(bias, trained, domain)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("conv", "conv"),
        ("conv and GELU", "conv"),
        ("locally connected", "locally_connected"),
        ("position mixer", "position_mixer"),
        ("dynamic conv", "dynamic_conv"),
        ("long conv", "long_conv"),
        ("sharp attention", "attention"),
        ("sharp causal attention", "attention"),
        ("window attention", "window attention"),
        ("S4D", "ssm"),
        ("Mamba", "mamba"),
        ("identity", "identity"),
    ],
)
def test_the_nearest_family_of_a_known_layer_is_its_own(name: str, wanted: str) -> None:
    trained, _, domain, _ = KNOWN[name]

    ranked = nearest(FAMILIES, trained, domain)

    assert ranked[0][0] == wanted
    assert ranked[0][1] < ranked[1][1] or wanted == "mamba"  # a GRU's map has the same bias


def test_a_gru_is_nearest_to_a_gated_recurrence() -> None:
    trained, _, domain, _ = KNOWN["GRU"]

    assert {name for name, _ in nearest(FAMILIES, trained, domain)[:2]} == {"mamba", "gru"}


@pytest.mark.parametrize(
    ("name", "bias", "axis"),
    [
        ("conv", POINT, "support"),
        ("long conv", CONV, "support"),
        ("conv", CONV.model_copy(update={"radius": 4, "dilation": 2}), "support"),
        ("window attention", BLIND, "support"),
        ("locally connected", CONV, "sharing"),
        ("position mixer", LONG, "sharing"),
        ("long conv", BLIND, "sharing"),
        ("sharp causal attention", GRU, "state"),
        ("sharp attention", LONG, "content"),
        ("Mamba", LONG, "content"),
        ("dynamic conv", CONV, "content"),
    ],
)
def test_what_a_bias_lacks_is_named_by_its_axis(name: str, bias: Bias, axis: str) -> None:
    trained, _, domain, _ = KNOWN[name]
    found = lacks(bias, trained, domain)

    assert max(found, key=lambda one: found[one]) == axis
    assert not matches(bias, trained, domain)


def test_a_window_may_be_a_tenth_short() -> None:
    trained = scores(0.2, 0.3, 2.4, 0.0, 1.0, 0.0, 0.0, 0.0)

    assert matches(CONV, trained, SEQUENCE)
    assert not matches(CONV.model_copy(update={"radius": 1}), trained, SEQUENCE)


def test_a_wider_window_matches_and_lies_further_off() -> None:
    trained, _, domain, _ = KNOWN["conv"]
    wide = CONV.model_copy(update={"radius": 9})

    assert matches(wide, trained, domain)
    assert distance(wide, trained, domain) > distance(CONV, trained, domain) == 0


def test_a_kernel_that_may_do_anything_matches_but_is_not_nearest() -> None:
    trained, _, domain, _ = KNOWN["conv"]
    anything = ATTENTION.model_copy(update={"sharing": Sharing.POSITION_SPECIFIC})

    assert matches(anything, trained, domain)
    assert distance(anything, trained, domain) > 0.5


@pytest.mark.parametrize("name", ["S4D", "Mamba", "GRU", "LSTM", "linear attention", "Hyena"])
def test_what_fades_within_sight_is_no_surplus_of_full_support(name: str) -> None:
    trained, bias, domain, _ = KNOWN[name]

    assert surplus(bias, trained, domain)["support"] == 0


def test_periodic_rules_need_a_family_that_repeats() -> None:
    shifts = {"1": around(0.3), "8": around(0.99)}
    trained = scores(0.5, 0.2, 3, 0.0, 0.65, 0.0, 0.0, 0.0, sharing_by_shift=shifts)
    repeating = CONV.model_copy(update={"sharing": Sharing.PERIODIC, "radius": 3})

    assert matches(repeating, trained, SEQUENCE)
    assert matches(LOCAL_OWN.model_copy(update={"radius": 3}), trained, SEQUENCE)
    assert not matches(CONV.model_copy(update={"radius": 3}), trained, SEQUENCE)


def test_the_cheapest_match_is_not_the_cheapest() -> None:
    trained, _, domain, _ = KNOWN["conv"]
    found = cheapest_match(CHOICES, trained, domain)

    assert found is not None
    assert found.family == "conv"


def test_a_family_can_be_left_out_of_the_match() -> None:
    trained, _, domain, _ = KNOWN["conv"]
    found = cheapest_match(CHOICES, trained, domain, but="conv")

    assert found is not None
    assert found.family == "long_conv"


def test_nothing_matches_where_the_families_are_too_poor() -> None:
    trained, _, domain, _ = KNOWN["sharp attention"]

    assert cheapest_match(CHOICES[:3], trained, domain) is None


def test_the_mismatch_is_as_dear_as_the_match_or_dearer() -> None:
    trained, _, domain, _ = KNOWN["conv"]
    rivals = [*CHOICES[:2], choice("attention", 15), choice("attention", 12, heads=2)]
    found = mismatch(rivals, trained, domain, than=rivals[1])

    assert found is not None
    assert found.label == "attention(heads=2)"


def test_a_mismatch_among_cheaper_ones_is_the_dearest() -> None:
    trained, _, domain, _ = KNOWN["position mixer"]
    found = mismatch(CHOICES, trained, domain, than=CHOICES[5])

    assert found is not None
    assert found.family == "attention"


def test_there_is_no_mismatch_where_everything_matches() -> None:
    trained, _, domain, _ = KNOWN["identity"]

    assert mismatch(CHOICES, trained, domain, than=CHOICES[0]) is None


def test_the_order_of_the_choices_changes_nothing() -> None:
    trained, _, domain, _ = KNOWN["conv"]
    twins = [choice("conv", 10, radius=2), choice("conv", 10, groups=4), choice("attention", 20)]

    found = {
        (
            one.label if (one := cheapest_match(order, trained, domain)) else "",
            two.label if (two := mismatch(order, trained, domain, than=twins[0])) else "",
        )
        for order in permutations(twins)
    }

    assert found == {("conv(groups=4)", "attention")}


def test_a_layer_read_on_a_grid_needs_its_reach_in_rows_and_columns() -> None:
    trained = scores(0.2, 0.4, 3, sharing=1.0, content=0.0, pattern=0.0, routing=0.0)

    assert matches(CONV.model_copy(update={"radius": 3}), trained, GRID)
    assert not matches(CONV.model_copy(update={"radius": 1}), trained, GRID)


def test_hyena_lies_nearer_to_its_own_bias_than_to_a_recurrence() -> None:
    trained, _, domain, _ = KNOWN["Hyena"]

    assert distance(HYENA, trained, domain) < distance(GRU, trained, domain)


@given(biases, any_scores, st.sampled_from([SEQUENCE, CAUSAL, GRID]))
def test_lacks_and_surplus_are_parts(bias, trained, domain) -> None:  # type: ignore[no-untyped-def]
    for part in (lacks(bias, trained, domain), surplus(bias, trained, domain)):
        assert list(part) == list(AXES)
        assert all(0 <= value <= 1 for value in part.values())


@given(any_scores, st.integers(1, 20), st.integers(0, 20))
def test_a_wider_window_never_lacks_more(trained, radius, more) -> None:  # type: ignore[no-untyped-def]
    narrow = CONV.model_copy(update={"radius": radius})
    wide = CONV.model_copy(update={"radius": radius + more})

    assert sum(lacks(wide, trained, SEQUENCE).values()) <= sum(
        lacks(narrow, trained, SEQUENCE).values()
    )


@given(any_scores)
def test_a_kernel_without_restriction_lacks_nothing(trained) -> None:  # type: ignore[no-untyped-def]
    everything = ATTENTION.model_copy(update={"sharing": Sharing.POSITION_SPECIFIC})

    assert everything.support is Support.FULL
    assert not any(lacks(everything, trained, SEQUENCE).values())
