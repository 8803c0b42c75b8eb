"""What changed between two spaces, in words."""

from __future__ import annotations

from support.tiny import tiny_space

from itnet_nas.space.difference import difference, incomparable


def test_equal_spaces_have_no_difference() -> None:
    assert difference(tiny_space(), tiny_space()) == []


def test_a_choice_that_came_and_one_that_went_are_named() -> None:
    old = tiny_space(layers=1)
    (layer,) = old.layers
    new_choice = layer.choices[0].model_copy(update={"family": "fourier", "params": {"modes": 4}})
    changed = layer.model_copy(update={"choices": (*layer.choices[1:], new_choice)})
    new = old.model_copy(update={"layers": (changed,)})

    assert difference(old, new) == ["- mix1: left", "+ mix1: fourier(modes=4)"]
    assert old.fingerprint != new.fingerprint


def test_a_layer_that_came_is_named_with_its_choices() -> None:
    lines = difference(tiny_space(layers=1), tiny_space(layers=2))

    assert "+ layer mix2: left, middle, right" in lines


def test_a_changed_setting_shows_both_values() -> None:
    assert difference(tiny_space(), tiny_space(width=8)) == ["~ width: 4 -> 8"]


def test_records_stay_comparable_under_other_choices_and_not_under_another_width() -> None:
    old = tiny_space(layers=1)

    assert incomparable(old, tiny_space(layers=2, constraints=("flops <= 1e6",))) == []
    assert incomparable(old, tiny_space(layers=1, width=8)) == ["width"]
