"""The choices of a layer: which combinations stand, and what is said of those that cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from itnet_nas.axes import Support
from itnet_nas.space.space import Space

SpaceOf = Callable[..., Space]
WrongIn = Callable[..., str]


@pytest.fixture(scope="session")
def labels_of(space_of: SpaceOf) -> Callable[..., list[str]]:
    def made(kernels: str, task: str = "{name: symbols}", **options: Any) -> list[str]:
        text = f"version: 1\ntask: {task}\nlayers: [{{name: a, kernels: {kernels}}}]\n"
        (layer,) = space_of(text, **options).layers
        return [choice.label for choice in layer.choices]

    return made


Labels = Callable[..., list[str]]


def test_choices_are_every_combination_in_the_order_of_the_file(labels_of: Labels) -> None:
    assert labels_of("{gru: {}, attention: {rope: [false, true], heads: [4, 2]}}") == [
        "gru",
        "attention(heads=4, rope=False)",
        "attention(heads=4, rope=True)",
        "attention(heads=2, rope=False)",
        "attention(heads=2, rope=True)",
    ]


def test_a_missing_param_takes_the_familys_own_values(labels_of: Labels) -> None:
    assert labels_of("{conv: {dilation: [2]}}") == [
        "conv(radius=1, dilation=2)",
        "conv(radius=3, dilation=2)",
        "conv(radius=6, dilation=2)",
    ]


def test_a_value_that_is_no_list_is_one_value(labels_of: Labels) -> None:
    assert labels_of("{conv: {radius: 2}}") == ["conv(radius=2, dilation=1)"]


def test_a_family_with_nothing_behind_it_takes_all_its_own_values(labels_of: Labels) -> None:
    assert (
        labels_of("{conv: }") == labels_of("{conv: {}}") == labels_of("{conv: {radius: [1, 3, 6]}}")
    )


def test_choices_that_are_the_same_operator_are_one(labels_of: Labels) -> None:
    assert labels_of("{conv: {radius: [30, 2, 20, 15]}}") == [
        "conv(radius=15, dilation=1)",
        "conv(radius=2, dilation=1)",
    ]


def test_one_value_in_two_spellings_is_one_choice_of_the_fields_type(labels_of: Labels) -> None:
    assert labels_of("{spline: {low: [0, 0.0, 0e0], high: 1}}") == [
        "spline(low=0.0, high=1.0, basis=hat)"
    ]


def test_combinations_that_cannot_be_are_left_out_quietly(labels_of: Labels) -> None:
    assert labels_of("{spline: {low: [0, 1.5], high: [1, 2]}}") == [
        "spline(low=0.0, high=1.0, basis=hat)",
        "spline(low=0.0, high=2.0, basis=hat)",
        "spline(low=1.5, high=2.0, basis=hat)",
    ]


def test_any_is_every_family_that_can_stand_here_and_notes_name_the_others(
    labels_of: Labels,
) -> None:
    notes: list[str] = []

    found = labels_of("any", "{name: symbols, length: 3}", notes=notes)

    assert found == [
        "attention(heads=2, rope=True)",
        "attention(heads=2, rope=False)",
        "attention(heads=4, rope=True)",
        "attention(heads=4, rope=False)",
        "conv(radius=1, dilation=1)",
        "conv(radius=2, dilation=1)",
        "gru",
        "spline(low=0.0, high=1.0, basis=hat)",
        "spline(low=0.0, high=2.0, basis=hat)",
    ]
    fakes = "itnet_nas_space_fakes"
    assert notes == [
        'kernels: any leaves out "broken": kernel family "broken" from an unknown package 0 did '
        f"not load: importing {fakes}:NOT_THERE raised AttributeError: module '{fakes}' has no "
        "attribute 'NOT_THERE'; reinstall or uninstall an unknown package",
        'kernels: any leaves out "crash": it raised RuntimeError: no such formula; tell the '
        "author of an unknown package 0, or leave the family out",
        'kernels: any leaves out "huge": its default values make 22500 combinations',
        'kernels: any leaves out "number": kernel family "number" from an unknown package 0: '
        f"{fakes}:NO_FAMILY is no instance of a subclass of itnet_nas.kernels.KernelFamily; "
        "reinstall or uninstall an unknown package",
        f'kernels: any leaves out "silent": {fakes}.SilentParams.size states no values to try; '
        "annotate it with itnet_nas.kernels.Values(…)",
        'kernels: any leaves out "twice": kernel family "twice" is offered twice, by an unknown '
        f"package 0 ({fakes}:CONV) and by an unknown package 0 ({fakes}:GRU); uninstall one of "
        "them",
        "kernels: any leaves out grid_only: a sequence is no grid",
    ]


def test_axes_keep_choices_with_such_a_bias(space_of: SpaceOf) -> None:
    space = space_of(
        """
        version: 1
        task: {name: symbols}
        layers:
          - {name: a, kernels: any, axes: {support: [window, full], content: [none]}}
        """
    )

    (layer,) = space.layers
    assert {choice.family for choice in layer.choices} == {"conv", "gru"}
    assert {choice.bias.support for choice in layer.choices} == {Support.WINDOW, Support.FULL}


FAKES = "itnet_nas_space_fakes"


@pytest.mark.parametrize(
    ("kernels", "said"),
    [
        (
            "{}",
            "a.yaml:3:29: layers[0].kernels\n  no kernel family is named\n"
            "  name one, or write: kernels: any",
        ),
        (
            "{broken: {}}",
            "a.yaml:3:30: layers[0].kernels.broken\n"
            f'  kernel family "broken" from an unknown package 0 did not load: importing {FAKES}:'
            f"NOT_THERE raised AttributeError: module '{FAKES}' has no attribute 'NOT_THERE'\n"
            "  reinstall or uninstall an unknown package",
        ),
        (
            "{twice: {}}",
            "a.yaml:3:30: layers[0].kernels.twice\n"
            f'  kernel family "twice" is offered twice, by an unknown package 0 ({FAKES}:CONV) and '
            f"by an unknown package 0 ({FAKES}:GRU)\n"
            "  uninstall one of them",
        ),
        (
            "{silent: {}}",
            "a.yaml:3:30: layers[0].kernels.silent\n"
            f"  {FAKES}.SilentParams.size states no values to try\n"
            "  annotate it with itnet_nas.kernels.Values(…)",
        ),
        (
            "{crash: {}}",
            "a.yaml:3:30: layers[0].kernels.crash\n"
            '  the kernel family "crash" raised RuntimeError: no such formula\n'
            "  tell the author of an unknown package 0, or leave the family out",
        ),
        (
            "{huge: {}}",
            "a.yaml:3:30: layers[0].kernels.huge\n"
            '  the values of "huge" make 22500 combinations, more than 10000\n'
            "  write fewer values for some parameter",
        ),
        (
            "{grid_only: {}}",
            "a.yaml:3:30: layers[0].kernels.grid_only\n"
            '  "grid_only" cannot stand here: a sequence is no grid',
        ),
        (
            "{conv: {radus: [1]}}",
            "a.yaml:3:37: layers[0].kernels.conv.radus\n"
            '  "conv" has no parameter "radus"\n'
            '  did you mean "radius"? its parameters: radius, dilation',
        ),
        (
            "{conv: {radius: []}}",
            "a.yaml:3:45: layers[0].kernels.conv.radius\n  no value to try\n"
            "  leave the key out for the family's own: [1, 3, 6]",
        ),
        (
            '{conv: {radius: [1, big, 65, "3", true, 2.5]}}',
            "a.yaml:3:49: layers[0].kernels.conv.radius[1]\n"
            '  must be a whole number, got "big"\n\n'
            "a.yaml:3:54: layers[0].kernels.conv.radius[2]\n"
            "  must be at most 64, got 65\n\n"
            "a.yaml:3:58: layers[0].kernels.conv.radius[3]\n"
            '  must be a number, got "3"\n'
            "  write it without quotes\n\n"
            "a.yaml:3:63: layers[0].kernels.conv.radius[4]\n"
            "  must be a number, got true\n\n"
            "a.yaml:3:69: layers[0].kernels.conv.radius[5]\n"
            "  must be a whole number, got 2.5",
        ),
        (
            "{attention: {rope: yes}}",
            "a.yaml:3:48: layers[0].kernels.attention.rope\n"
            '  must be true or false, got "yes"\n'
            "  write true",
        ),
        (
            "{spline: {basis: cubik}}",
            "a.yaml:3:46: layers[0].kernels.spline.basis\n"
            '  must be hat or cubic, got "cubik"\n'
            '  did you mean "cubic"?',
        ),
        (
            "{attention: {heads: [3, 4, 5]}}",
            "a.yaml:3:50: layers[0].kernels.attention.heads[0]\n"
            '  "attention" cannot have 3 here: 3 heads do not divide width 64\n\n'
            "a.yaml:3:56: layers[0].kernels.attention.heads[2]\n"
            '  "attention" cannot have 5 here: 5 heads do not divide width 64',
        ),
        (
            "{spline: {low: [0, 5], high: [1, 2]}}",
            "a.yaml:3:48: layers[0].kernels.spline.low[1]\n"
            '  "spline" cannot have 5 here: low 5.0 is not below high 1.0',
        ),
        (
            "{spline: {low: 5, high: 2}}",
            "a.yaml:3:30: layers[0].kernels.spline\n"
            '  "spline" cannot stand here: low 5.0 is not below high 2.0',
        ),
    ],
)
def test_what_is_wrong_with_a_family_is_said_at_its_place(
    wrong_in: WrongIn, kernels: str, said: str
) -> None:
    assert wrong_in(f"layers: [{{name: a, kernels: {kernels}}}]\n") == said


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        (
            "{suport: [window]}",
            "a.yaml:3:45: layers[0].axes.suport\n"
            '  no axis is called "suport"\n'
            '  did you mean "support"? axes: support, sharing, state, content',
        ),
        (
            "{state: []}",
            "a.yaml:3:52: layers[0].axes.state\n  no value to keep\n"
            "  values of state: none, linear, feedback",
        ),
        (
            "{content: [none, pear]}",
            "a.yaml:3:61: layers[0].axes.content[1]\n"
            '  the axis content has no value "pear"\n'
            '  did you mean "pair"? values: none, one-sided, pair, path',
        ),
        (
            "{support: [window, ball], state: [none]}",
            "a.yaml:3:38: layers[0].axes\n"
            "  no kernel of this layer has support window or ball and state none\n"
            "  its kernels are gru: full · translation · feedback · no content",
        ),
    ],
)
def test_what_is_wrong_with_axes_is_said(wrong_in: WrongIn, axes: str, said: str) -> None:
    assert wrong_in(f"layers: [{{name: a, kernels: {{gru: }}, axes: {axes}}}]\n") == said
