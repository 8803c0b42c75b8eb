from __future__ import annotations

from random import Random

import pytest
from analysis.retrained import lone, member
from analysis.support import choice, deep_space, space
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.analysis.swaps import AxisSwaps, axis_swaps, swaps, value_words
from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import Genotype, bias_of, contains, realise
from itnet_nas.arch.sample import sample
from itnet_nas.axes import AXES, Bias, Sharing, State, Support
from itnet_nas.kernels import Cost
from itnet_nas.space.space import Choice, Edge, Layer, Repeat, Space

DEEP = deep_space(3)


def kernel(family: str, bias: Bias, flops: int = 1000) -> Choice:
    return Choice(family=family, params={}, bias=bias, cost=Cost(flops=flops, params=1))


def full(sharing: Sharing = Sharing.TRANSLATION, **more: object) -> Bias:
    return Bias(support=Support.FULL, sharing=sharing, **more)


def window(radius: int, **more: object) -> Bias:
    fields = {"sharing": Sharing.TRANSLATION, **more}
    return Bias(support=Support.WINDOW, radius=radius, **fields)


def of_choices(*choices: Choice, optional: bool = False, **changes: object) -> Space:
    layer = Layer(name="mix", choices=choices, optional=optional)
    return lone("identity", **{"layers": (layer,), **changes})


def asked(of: Space, architecture: Architecture, axis: str, most: int = 2) -> AxisSwaps:
    (found,) = [one for one in axis_swaps(of, architecture, most=most) if one.axis == axis]
    return found


def labels(of: Space, axis: str, place: int = 0, most: int = 2) -> list[str]:
    return [swap.label for swap in asked(of, member(of, place), axis, most).swaps]


def test_one_that_differs_in_the_axis_alone_is_all_that_the_axis_asks_for() -> None:
    of = of_choices(
        kernel("conv", window(2)),
        kernel("long_conv", full()),
        kernel("gru", full(state=State.FEEDBACK)),
        kernel("identity", Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)),
    )

    swap, *beside = asked(of, member(of, 0), "support").swaps

    assert (swap.label, swap.value, swap.other) == ("long_conv", "window", "full")
    assert (swap.differs, swap.also) == ("value", ())
    # The state asks for the gru, and the sharing for the identity: they are trained anyway.
    assert [one.label for one in beside] == ["identity", "gru"]


def test_what_another_axis_asks_for_counts_where_it_differs_in_this_one_too() -> None:
    of = of_choices(
        kernel("conv", window(2)),
        kernel("attention", full(Sharing.PERMUTATION, content="pair")),
        kernel("mamba", full(state=State.LINEAR, content="path")),
        kernel("gru", full(state=State.FEEDBACK, content="path")),
    )

    content = asked(of, member(of, 0), "content", most=1).swaps

    assert "gru" in [swap.label for swap in content]
    assert [swap.label for swap in content[:2]] == ["attention", "mamba"]
    assert all(swap.other != "none" for swap in content)


def test_without_such_a_one_it_goes_by_how_many_other_axes_differ() -> None:
    of = of_choices(
        kernel("conv", window(2)),
        kernel("gru", full(state=State.FEEDBACK, content="path")),
        kernel("ssm", full(state=State.LINEAR)),
    )

    first, second = asked(of, member(of, 0), "state").swaps

    assert (first.label, first.also) == ("ssm", ("support",))
    assert (second.label, second.also) == ("gru", ("support", "content"))


def test_equally_near_ones_go_by_cost() -> None:
    of = of_choices(
        kernel("long_conv", full(), 1000),
        kernel("mixer", full(Sharing.POSITION_SPECIFIC), 90000),
        kernel("cheap_mixer", full(Sharing.POSITION_SPECIFIC), 100),
        kernel("near_mixer", full(Sharing.POSITION_SPECIFIC), 1500),
    )

    assert labels(of, "sharing") == ["near_mixer", "cheap_mixer"]


def test_other_values_come_before_more_of_the_same() -> None:
    of = of_choices(
        kernel("long_conv", full(), 1000),
        kernel("conv1", window(1), 900),
        kernel("conv2", window(2), 950),
        kernel("point", Bias(support=Support.POINT, sharing=Sharing.TRANSLATION), 10),
    )

    assert labels(of, "support") == ["conv2", "point"]


def test_up_to_four_equally_near_values_are_kept() -> None:
    of = of_choices(
        kernel("long_conv", full()),
        *(
            kernel(str(value), Bias(support=value, sharing=Sharing.TRANSLATION))
            for value in (Support.POINT, Support.WINDOW, Support.BLOCK, Support.BALL, Support.KNN)
        ),
    )

    assert labels(of, "support", most=1) == ["point", "window", "block", "ball"]


def test_most_bounds_how_many_there_are_of_one_value() -> None:
    of = of_choices(kernel("long_conv", full()), *(kernel(f"c{r}", window(r)) for r in range(1, 9)))

    assert len(labels(of, "support", most=3)) == 3


def test_where_no_other_value_is_offered_another_size_is() -> None:
    of = of_choices(
        kernel("c2", window(2)), kernel("c9", window(9)), kernel("c3", window(3, dilation=3))
    )

    found = asked(of, member(of, 0), "support").swaps

    assert [(swap.label, swap.differs, swap.other) for swap in found] == [
        ("c3", "size", "window"),
        ("c9", "size", "window"),
    ]


def test_the_size_of_a_state_belongs_to_state() -> None:
    of = of_choices(
        kernel("s8", full(state=State.LINEAR, state_size=8)),
        kernel("s16", full(state=State.LINEAR, state_size=16)),
    )

    assert labels(of, "state") == ["s16"]
    assert labels(of, "support") == []


def test_leaving_an_optional_layer_out_is_point_support() -> None:
    of = deep_space(2)

    found = asked_of(of, member(of, 3, 3), "mix2", "support")

    assert [(s.label, s.other, s.differs) for s in found.swaps][-1] == (
        "left out",
        "point",
        "absent",
    )
    assert found.swaps[-1].family is None
    assert [layer.name for layer in found.swaps[-1].architecture.layers] == ["mix1"]


def asked_of(of: Space, architecture: Architecture, layer: str, axis: str) -> AxisSwaps:
    found = axis_swaps(of, architecture)
    return next(one for one in found if (one.layer, one.axis) == (layer, axis))


def test_a_point_layer_that_is_left_out_stays_a_point() -> None:
    of = deep_space(2)

    found = asked_of(of, member(of, 3, 0), "mix2", "support")

    assert "left out" not in [swap.label for swap in found.swaps]


def test_the_last_layer_is_never_left_out() -> None:
    of = lone("conv3", optional=True)

    found = asked(of, member(of, 0), "support")

    assert found.swaps == ()
    assert found.reason == "the space offers nothing else here"


def test_a_layer_with_one_choice_says_so() -> None:
    of = lone("conv3")

    assert {one.reason for one in axis_swaps(of, member(of, 0))} == {
        "the space offers nothing else here"
    }


def test_a_layer_whose_choices_agree_says_in_what() -> None:
    of = lone("conv3", "conv6")

    reasons = {one.axis: one.reason for one in axis_swaps(of, member(of, 0))}

    assert reasons == {
        "support": "",
        "sharing": "every choice here has translation sharing",
        "state": "every choice here has no state",
        "content": "every choice here has no content",
    }


def test_what_breaks_a_constraint_is_not_offered() -> None:
    of = lone("conv3", "attention", constraints=("flops <= 1e6",))

    found = asked(of, member(of, 0), "support")

    assert found.swaps == ()
    assert found.reason == "no choice here with other support meets the constraints"


def test_what_breaks_a_constraint_makes_room_for_the_next() -> None:
    kernels = (
        kernel("conv", window(2)),
        kernel("long_conv", full(), 10**12),
        kernel("mixer", full(Sharing.POSITION_SPECIFIC)),
    )

    assert labels(of_choices(*kernels), "support")[0] == "long_conv"
    assert labels(of_choices(*kernels, constraints=("flops <= 1e11",)), "support") == ["mixer"]


def test_tied_layers_are_swapped_together_and_named_by_the_first() -> None:
    of = tied()

    found = axis_swaps(of, realise(of, Genotype((0,), (), (2,))))
    after = found[0].swaps[0].architecture

    assert {(one.layer, one.tied) for one in found} == {("a", ("b",))}
    assert after.layers[0].family == after.layers[1].family == "attention"


def tied() -> Space:
    choices = (choice("conv3"), choice("attention"))
    edges = [("input", "a"), ("a", "b"), ("b", "output")]
    return space(
        layers=(Layer(name="a", choices=choices), Layer(name="b", choices=choices)),
        edges=tuple(Edge(source=source, target=target) for source, target in edges),
        repeats=(Repeat(name="motif", counts=(2,), copies=(("a",), ("b",)), tied=True),),
    )


def test_an_architecture_of_another_space_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no member of the space lone.*certify a trial of this"):
        swaps(lone("conv3"), member(lone("attention"), 0))


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_a_swap_is_a_feasible_member_that_differs_in_its_layer_alone(seed: int, most: int) -> None:
    architecture = sample(DEEP, Random(seed))
    before = {layer.name: layer for layer in architecture.layers}

    for swap in swaps(DEEP, architecture, most=most):
        after = {layer.name: layer for layer in swap.architecture.layers}
        assert contains(DEEP, swap.architecture)
        assert feasible(DEEP, swap.architecture)
        assert swap.architecture.key != architecture.key
        names = before.keys() | after.keys()
        assert {name for name in names if before.get(name) != after.get(name)} == {swap.layer}


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_a_swap_says_which_axes_it_changes(seed: int) -> None:
    architecture = sample(DEEP, Random(seed))
    before = bias_of(DEEP, architecture)

    for swap in swaps(DEEP, architecture):
        if swap.differs == "value":
            after = bias_of(DEEP, swap.architecture)[swap.layer]
            differ = {
                axis for axis in AXES if getattr(after, axis) != getattr(before[swap.layer], axis)
            }
            assert differ == {swap.axis, *swap.also}


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_every_layer_is_asked_about_every_axis(seed: int) -> None:
    architecture = sample(DEEP, Random(seed))

    asked_about = [(one.layer, one.axis) for one in axis_swaps(DEEP, architecture)]

    assert asked_about == [(layer.name, axis) for layer in architecture.layers for axis in AXES]


def test_no_value_has_its_own_words() -> None:
    assert [value_words("support", "window"), value_words("state", "none")] == [
        "window support",
        "no state",
    ]
