"""Edges, order and motifs of a space, and what can be wrong with its graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from itnet_nas.space.space import Repeat, Space

SpaceOf = Callable[..., Space]
WrongIn = Callable[..., str]

HEAD = "version: 1\ntask: {name: symbols}\nlayers:\n"


def edges(space: Space) -> list[str]:
    return [f"{e.source} {'.' if e.optional else '-'}> {e.target}" for e in space.edges]


@pytest.fixture(scope="session")
def graph_of(space_of: SpaceOf) -> Callable[[str], Space]:
    """`a; b < a, ~input` -> a space of such layers; ~ marks an optional edge."""

    def made(text: str) -> Space:
        return space_of(HEAD + "".join(f"  - {layer(one)}\n" for one in text.split(";")))

    return made


def layer(text: str) -> str:
    name, _, after = text.partition("<")
    sources = [
        f"{{from: {one.strip()[1:]}, optional: true}}" if "~" in one else one.strip()
        for one in after.split(",")
        if one.strip()
    ]
    return f"{{name: {name.strip()}, after: [{', '.join(sources)}], kernels: {{gru: }}}}"


GraphOf = Callable[[str], Space]


def test_layers_without_after_read_the_input_and_layers_that_nothing_reads_are_read_by_the_output(
    graph_of: GraphOf,
) -> None:
    space = graph_of("a; b; c < a")

    assert edges(space) == ["input -> a", "input -> b", "a -> c", "b -> output", "c -> output"]


def test_layers_stand_in_topological_order_with_ties_in_the_order_of_the_file(
    graph_of: GraphOf,
) -> None:
    space = graph_of("d < c; z; c < a; a; b")

    assert [one.name for one in space.layers] == ["z", "a", "c", "d", "b"]


def test_edges_do_not_depend_on_the_order_under_after(graph_of: GraphOf) -> None:
    assert (
        graph_of("a; b; c < a, b, ~input").fingerprint
        == graph_of("a; b; c < ~input, b, a").fingerprint
    )


def test_an_edge_may_be_left_out_where_another_is_required(graph_of: GraphOf) -> None:
    space = graph_of("a; b < a; c < b, ~a; d < input, ~c")

    assert edges(space)[2:6] == ["a .> c", "b -> c", "input -> d", "c .> d"]


MOTIF = """
  - {name: stem, kernels: {gru: }}
  - repeat: body
    count: [1, 3]
    tied: true
    after: [stem, {from: input, optional: true}]
    layers:
      - {name: x, kernels: {gru: }, optional: true}
      - {name: y, after: [x, {from: input, optional: true}], kernels: {conv: }}
      - {name: z, kernels: {gru: }}
  - {name: end, after: [body], kernels: {gru: }}
"""


def test_a_motif_is_written_out_for_the_most_copies(space_of: SpaceOf) -> None:
    space = space_of(HEAD + MOTIF.lstrip("\n"))

    assert space.repeats == (
        Repeat(
            name="body",
            counts=(1, 3),
            copies=tuple((f"body_{k}_x", f"body_{k}_y", f"body_{k}_z") for k in (1, 2, 3)),
            tied=True,
        ),
    )
    assert space.layer["body_2_x"].optional
    assert space.layer["body_3_y"].choices == space.layer["body_1_y"].choices
    assert {c.family for c in space.layer["body_3_y"].choices} == {"conv"}


def test_copies_are_chained_and_the_last_is_what_others_read(space_of: SpaceOf) -> None:
    space = space_of(HEAD + MOTIF.lstrip("\n"))

    assert edges(space) == [
        "input -> stem",
        "input .> body_1_x",
        "stem -> body_1_x",
        "input .> body_1_y",
        "stem .> body_1_y",
        "body_1_x -> body_1_y",
        "input .> body_1_z",
        "stem -> body_1_z",
        "body_1_y -> body_2_x",
        "body_1_z -> body_2_x",
        "body_1_y .> body_2_y",
        "body_1_z .> body_2_y",
        "body_2_x -> body_2_y",
        "body_1_y -> body_2_z",
        "body_1_z -> body_2_z",
        "body_2_y -> body_3_x",
        "body_2_z -> body_3_x",
        "body_2_y .> body_3_y",
        "body_2_z .> body_3_y",
        "body_3_x -> body_3_y",
        "body_2_y -> body_3_z",
        "body_2_z -> body_3_z",
        "body_3_y -> end",
        "body_3_z -> end",
        "end -> output",
    ]


def test_a_motif_may_come_first_and_last(space_of: SpaceOf) -> None:
    space = space_of(HEAD + "  - {repeat: r, count: 2, layers: [{name: x, kernels: {gru: }}]}\n")

    assert edges(space) == ["input -> r_1_x", "r_1_x -> r_2_x", "r_2_x -> output"]
    assert space.repeats[0].counts == (2,)


def test_motifs_may_follow_each_other_with_the_same_names_inside(space_of: SpaceOf) -> None:
    space = space_of(
        HEAD
        + "  - {repeat: r, count: 1, layers: [{name: x, kernels: {gru: }}]}\n"
        + "  - {repeat: s, count: 1, after: [r], layers: [{name: x, kernels: {gru: }}]}\n"
    )

    assert edges(space) == ["input -> r_1_x", "r_1_x -> s_1_x", "s_1_x -> output"]


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (
            [layer("a"), layer("a")],
            "a.yaml:5:12: layers[1].name\n"
            '  the name "a" is used at line 4 already\n'
            "  names must be unique",
        ),
        (
            [layer("input"), layer("output")],
            "a.yaml:4:12: layers[0].name\n"
            '  "input" is taken: it stands for the input of the network\n'
            "  rename it\n\n"
            "a.yaml:5:12: layers[1].name\n"
            '  "output" is taken: it stands for the output of the network\n'
            "  rename it",
        ),
        (
            [layer("mix1"), layer("mix2 < mix, ~inptu, mix1")],
            "a.yaml:5:26: layers[1].after[0]\n"
            '  no layer is called "mix"\n'
            '  did you mean "mix1"? layers: mix1\n\n'
            "a.yaml:5:38: layers[1].after[1].from\n"
            '  no layer is called "inptu"\n'
            '  did you mean "input"? layers: mix1',
        ),
        (
            [layer("a"), layer("b < a, a")],
            'a.yaml:5:26: layers[1].after[1]\n  "a" is given twice\n  keep one of them',
        ),
        (
            [layer("a < a")],
            'a.yaml:4:23: layers[0].after[0]\n  "a" reads itself\n  name a layer before it',
        ),
        (
            [layer("a"), layer("b < ~a")],
            "a.yaml:5:22: layers[1].after\n"
            '  every edge into "b" is optional, so it could end up reading nothing\n'
            "  make one of them required, or add input",
        ),
        (
            [
                layer("a < c"),
                layer("b < a"),
                layer("c < b"),
                layer("x < y"),
                layer("y < x"),
                layer("z < y"),
            ],
            "a.yaml:4:22: layers[0].after\n"
            "  layers wait for each other in a circle: a -> b -> c -> a\n"
            "  leave one of these edges out\n\n"
            "a.yaml:7:22: layers[3].after\n"
            "  layers wait for each other in a circle: x -> y -> x\n"
            "  leave one of these edges out",
        ),
        (
            [f"{{repeat: r, count: [2, 2], layers: [{layer('x < y')}, {layer('y < x, q')}]}}"],
            "a.yaml:4:28: layers[0].count[1]\n"
            "  2 is given twice\n"
            "  keep one of them\n\n"
            "a.yaml:4:58: layers[0].layers[0].after\n"
            "  layers wait for each other in a circle: x -> y -> x\n"
            "  leave one of these edges out\n\n"
            "a.yaml:4:103: layers[0].layers[1].after[1]\n"
            '  no layer is called "q"\n'
            "  layers: x; inside a repeat, input is what the repeat reads",
        ),
        (
            [f"{{repeat: r, count: [], layers: [{layer('x')}]}}"],
            "a.yaml:4:24: layers[0].count\n  no number to try\n  such as: count: [1, 2, 3]",
        ),
        (
            [layer("r_2_x"), f"{{repeat: r, count: 2, layers: [{layer('x')}]}}"],
            "a.yaml:4:12: layers[0].name\n"
            '  "r_2_x" is also the name of a layer in a copy of a repeat\n'
            "  rename one of them",
        ),
        (
            [
                f"{{repeat: r, count: 1, layers: [{layer('x_1_y')}]}}",
                f"{{repeat: r_1_x, count: 1, layers: [{layer('y')}]}}",
            ],
            "a.yaml:5:14: layers[1].repeat\n"
            '  the copies of the repeats r, r_1_x give two layers the name "r_1_x_1_y"\n'
            "  rename one of the repeats",
        ),
        (
            [layer("r"), f"{{repeat: r, count: 1, layers: [{layer('x')}]}}"],
            "a.yaml:5:14: layers[1].repeat\n"
            '  the name "r" is used at line 4 already\n'
            "  names must be unique",
        ),
    ],
)
def test_what_is_wrong_with_the_graph_is_said(
    wrong_in: WrongIn, layers: list[str], said: str
) -> None:
    text = "layers:\n" + "".join(f"  - {one}\n" for one in layers)

    assert wrong_in(text) == said
