from __future__ import annotations

import pytest
from analysis.support import choice, deep_space, space

from itnet_nas.analysis.option_groups import groups_of, whole_of
from itnet_nas.space.space import Edge, Layer, Repeat


def test_a_layer_is_split_by_family_and_by_each_axis_that_varies() -> None:
    groups = groups_of(space())

    assert [group.name for group in groups] == [
        "local family", "local support", "local sharing", "local state", "local content",
        "memory family", "memory support", "memory sharing", "memory state", "memory content",
    ]  # fmt: skip


def test_probabilities_are_those_of_drawing_a_family_first() -> None:
    family, support, *_ = groups_of(space())

    assert {option.name: option.probability for option in family.options} == dict.fromkeys(
        ("identity", "conv", "attention", "gru"), 0.25
    )
    # conv has two choices, and is drawn no more often for that
    assert {option.name: option.probability for option in support.options} == {
        "point": 0.25,
        "window": 0.25,
        "full": 0.5,
    }
    assert support.options[1].answers == ((1, 0.5), (2, 0.5))


def test_a_value_knows_the_families_that_have_it() -> None:
    _, support, *_ = groups_of(space())

    assert [option.families for option in support.options] == [
        ("identity",),
        ("conv",),
        ("attention", "gru"),
    ]


def test_splits_that_no_choice_tells_apart_are_one_group() -> None:
    twins = Layer(name="local", choices=(choice("conv3"), choice("conv6"), choice("gru")))
    of = space(layers=(twins, *space().layers[1:]))

    group, *rest = (group for group in groups_of(of) if group.place == "local")

    assert not rest
    assert group.of == ("family", "support", "state", "content")
    assert [option.name for option in group.options] == [
        "conv · window · none",
        "gru · full · feedback · path",
    ]


def test_a_layer_that_may_be_left_out_has_presence_and_the_others_are_given_that_it_is_there() -> (
    None
):
    groups = [group for group in groups_of(deep_space(2)) if group.place == "mix2"]

    assert groups[0].of == ("presence",)
    assert [option.name for option in groups[0].options] == ["there", "left out"]
    assert groups[0].option_of(None) == 1
    assert groups[1].of == ("family",)
    assert groups[1].option_of(None) is None
    assert sum(groups[1].probabilities) == pytest.approx(1)


def test_a_layer_of_one_family_is_split_by_its_params() -> None:
    only = Layer(name="local", choices=(choice("conv3"), choice("conv6")))
    of = space(layers=(only, *space().layers[1:]))

    (group,) = (group for group in groups_of(of) if group.place == "local")

    assert group.of == ("radius",)
    assert [option.name for option in group.options] == ["3", "6"]


def test_copies_and_optional_edges_are_places_of_their_own() -> None:
    names = ("block.1", "block.2")
    of = space(
        layers=tuple(Layer(name=name, choices=(choice("conv3"),)) for name in names),
        edges=(
            Edge(source="input", target="block.1"),
            Edge(source="block.1", target="block.2"),
            Edge(source="block.2", target="output"),
            Edge(source="input", target="output", optional=True),
        ),
        repeats=(Repeat(name="block", counts=(1, 2), copies=(names[:1], names[1:]), tied=True),),
    )

    assert [(group.name, group.probabilities) for group in groups_of(of)] == [
        ("block copies", (0.5, 0.5)),
        ("input > output edge", (0.5, 0.5)),
    ]


def test_all_answers_of_a_layer_add_up_to_one() -> None:
    of = deep_space(3)

    for group in groups_of(of):
        assert sum(chance for _, chance in whole_of(of, group.decision)) == pytest.approx(1)
        assert sum(group.probabilities) == pytest.approx(1)
        for option in group.options:
            assert sum(weight for _, weight in option.answers) == pytest.approx(1)
