"""Sense: every kind of mistake once, all mistakes of a file at once, and the resulting space."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from itnet_nas.errors import DataUnavailable
from itnet_nas.kernels import Cost
from itnet_nas.registry import Registry
from itnet_nas.space.check import check
from itnet_nas.space.parse import parse
from itnet_nas.space.source import parse_text
from itnet_nas.space.space import Objective, Space

SpaceOf = Callable[..., Space]
WrongIn = Callable[..., str]

GRU = "layers: [{name: a, kernels: {gru: {}}}]\n"


def test_a_file_with_ten_different_mistakes_gives_ten_messages(
    kernels: Registry, tasks: Registry
) -> None:
    text = """\
version: 1
task: {name: symbols, lenght: 16}
network: {width: 64, mlp_ratio: 0}
layers:
  - name: mix1
    optional: yes
    kernels:
      conv: {radius: [0, 3]}
      atention: {heads: [2]}
  - name: mix2
    after: [mix3, mix0]
    kernels: {attention: {haeds: 3}}
  - name: mix3
    after: [mix2]
    axes: {support: [widow]}
    kernels: any
objectives: [error, flop]
constraints: ["params <= 1e6", "flops + < 3"]
"""

    with pytest.raises(Exception, match="problems") as raised:
        check(parse_text(text, "bad.yaml"), kernels=kernels, tasks=tasks)

    assert (
        str(raised.value)
        == """\
bad.yaml: 11 problems

bad.yaml:2:23: task.lenght
  there is no key "lenght" here
  did you mean "length"? the keys here are length, folder, causal

bad.yaml:3:33: network.mlp_ratio
  must be at least 1, got 0

bad.yaml:6:15: layers[0].optional
  must be true or false, got "yes"
  write true

bad.yaml:8:23: layers[0].kernels.conv.radius[0]
  must be at least 1, got 0

bad.yaml:9:7: layers[0].kernels.atention
  no installed package offers a kernel family called "atention"
  did you mean "attention"? installed: attention, conv, gru, spline

bad.yaml:11:12: layers[1].after
  layers wait for each other in a circle: mix2 -> mix3 -> mix2
  leave one of these edges out

bad.yaml:11:19: layers[1].after[1]
  no layer is called "mix0"
  did you mean "mix3"? layers: mix1, mix3

bad.yaml:12:27: layers[1].kernels.attention.haeds
  "attention" has no parameter "haeds"
  did you mean "heads"? its parameters: heads, rope

bad.yaml:15:22: layers[2].axes.support[0]
  the axis support has no value "widow"
  did you mean "window"? values: point, window, block, ball, knn, full

bad.yaml:17:21: objectives[1]
  no cost is called "flop"
  did you mean "flops"? costs: flops, params, state_bytes, latency_ms, memory_mb, train_seconds

bad.yaml:18:41: constraints[1]
  expected a number or the name of a cost, found <
  such as flops <= 50e6"""
    )


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (
            "{name: symbol}",
            "a.yaml:2:14: task.name\n"
            '  no installed package offers a task called "symbol"\n'
            '  did you mean "symbols"? installed: number, symbols',
        ),
        (
            "{name: number}",
            "a.yaml:2:14: task.name\n"
            '  task "number" from an unknown package 0: itnet_nas_space_fakes:NO_FAMILY is no '
            "subclass of itnet_nas.tasks.Task\n"
            "  reinstall or uninstall an unknown package",
        ),
        (
            "{name: symbols, length: 0}",
            "a.yaml:2:31: task.length\n  must be at least 1, got 0",
        ),
        (
            "{name: symbols, causal: maybe}",
            'a.yaml:2:31: task.causal\n  must be true or false, got "maybe"',
        ),
        (
            "{name: symbols, folder: worse}",
            "a.yaml:2:7: task\n"
            '  the task "symbols" raised RuntimeError: the folder is upside down\n'
            "  see to its parameters, or tell the author of an unknown package 0",
        ),
    ],
)
def test_what_is_wrong_with_the_task_is_said_at_its_line(
    wrong_in: WrongIn, task: str, said: str
) -> None:
    assert wrong_in(GRU, head=f"version: 1\ntask: {task}\n") == said


def test_missing_data_is_an_error_of_its_own_when_nothing_else_is_wrong(space_of: SpaceOf) -> None:
    with pytest.raises(DataUnavailable) as raised:
        space_of("version: 1\ntask: {name: symbols, folder: nowhere}\n" + GRU)

    assert str(raised.value) == ("the symbols are not on this machine; put them into a folder")


def test_missing_data_is_one_problem_among_others(wrong_in: WrongIn) -> None:
    head = "version: 1\ntask: {name: symbols, folder: nowhere}\n"

    assert wrong_in("layers: [{name: a, kernels: {gro: {}}}]\n", head=head) == (
        "a.yaml:2:7: task\n"
        "  the symbols are not on this machine; put them into a folder\n\n"
        "a.yaml:3:30: layers[0].kernels.gro\n"
        '  no installed package offers a kernel family called "gro"\n'
        '  did you mean "gru"? installed: attention, broken, conv, crash, grid_only, gru, huge, '
        "number, silent, spline, twice"
    )


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        (
            "[error]",
            "a.yaml:4:13: objectives\n  a search has 2 or 3 objectives, got 1\n"
            "  first the quality, then one or two costs, such as [error, flops]",
        ),
        (
            "[error, flops, params, memory_mb]",
            "a.yaml:4:13: objectives\n  a search has 2 or 3 objectives, got 4\n"
            "  first the quality, then one or two costs, such as [error, flops]",
        ),
        (
            "[eror, flops]",
            "a.yaml:4:14: objectives[0]\n"
            '  the first objective is a quality, and the task has none called "eror"\n'
            '  did you mean "error"? its metrics: error, accuracy',
        ),
        (
            "[error, accuracy]",
            "a.yaml:4:21: objectives[1]\n"
            '  no cost is called "accuracy"\n'
            "  costs: flops, params, state_bytes, latency_ms, memory_mb, train_seconds",
        ),
        (
            "[error, flops, flops]",
            'a.yaml:4:28: objectives[2]\n  "flops" is given twice\n  keep one of them',
        ),
    ],
)
def test_what_is_wrong_with_objectives_is_said(
    wrong_in: WrongIn, objectives: str, said: str
) -> None:
    assert wrong_in(GRU + f"objectives: {objectives}\n") == said


def test_a_constraint_is_wrong_at_its_column(wrong_in: WrongIn) -> None:
    assert wrong_in(GRU + "constraints:\n  - parms <= 3\n  - 'flops <= parms'\n") == (
        "a.yaml:5:5: constraints[0]\n"
        '  no cost is called "parms"\n'
        '  did you mean "params"? the figures are flops, params, state_bytes, depth, latency_ms, '
        "memory_mb, train_seconds\n\n"
        "a.yaml:6:15: constraints[1]\n"
        '  no cost is called "parms"\n'
        '  did you mean "params"? the figures are flops, params, state_bytes, depth, latency_ms, '
        "memory_mb, train_seconds"
    )


def test_a_wrong_ratio_does_not_hide_what_cannot_stand_at_this_width(wrong_in: WrongIn) -> None:
    found = wrong_in(
        """
        network: {width: 10, mlp_ratio: 0}
        layers: [{name: a, kernels: {attention: {heads: [3]}}}]
        """
    )

    assert "must be at least 1, got 0" in found
    assert "3 heads do not divide width 10" in found


def test_objectives_are_the_tasks_quality_and_flops_unless_given(space_of: SpaceOf) -> None:
    space = space_of("version: 1\ntask: {name: symbols}\n" + GRU)

    assert space.objectives == (
        Objective(name="error", direction="min"),
        Objective(name="flops", direction="min"),
    )


def test_objectives_have_the_direction_of_the_metric_and_costs_go_down(space_of: SpaceOf) -> None:
    space = space_of(
        "version: 1\ntask: {name: symbols}\n" + GRU + "objectives: [accuracy, params, latency_ms]\n"
    )

    assert [(one.name, one.direction) for one in space.objectives] == [
        ("accuracy", "max"),
        ("params", "min"),
        ("latency_ms", "min"),
    ]


def test_everything_that_the_file_leaves_open_is_spelled_out(space_of: SpaceOf) -> None:
    space = space_of(
        "version: 1\ntask: {name: symbols, length: 4}\n" + GRU + "training: {steps: 7, lr: 1}\n"
    )

    assert space.name == "a"
    assert space.task.params == {"length": 4, "folder": "here", "causal": False}
    assert space.facts.domain.shape == (4,)
    assert (space.width, space.mlp_ratio) == (64, 2)
    assert (space.recipe.steps, space.recipe.lr, space.recipe.batch_size) == (7, 1.0, 4)
    assert space.coding_cost == Cost(flops=2 * 4 * 64 * 8, params=8 * 64 + 65 * 8, state_bytes=0)
    assert space.kernel_origins["gru"].path == "itnet_nas_space_fakes:GRU"
    assert space.task_origin.path == "itnet_nas_space_fakes:Symbols"


def test_origins_are_kept_for_the_families_in_use_alone(space_of: SpaceOf) -> None:
    space = space_of(
        """
        version: 1
        task: {name: symbols}
        layers: [{name: a, kernels: {gru: {}, conv: {}}, axes: {state: [none]}}]
        """
    )

    assert list(space.kernel_origins) == ["conv"]


def test_a_spec_can_be_checked_without_its_text(kernels: Registry, tasks: Registry) -> None:
    source = parse_text("version: 1\ntask: {name: symbols, length: 4}\n" + GRU, "space.yaml")

    by_spec = check(parse(source), kernels=kernels, tasks=tasks)

    assert by_spec == check(source, kernels=kernels, tasks=tasks)
