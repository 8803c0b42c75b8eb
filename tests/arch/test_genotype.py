"""From answers to architectures and back."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.arch.genotype import Genotype, bias_of, contains, genotype_of, realise
from itnet_nas.arch.sample import sample
from itnet_nas.space.space import Choice, Edge, Layer, Repeat, Space

Chain = Callable[..., Space]
MakeSpace = Callable[..., Space]
MakeChoice = Callable[..., Choice]


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_answers_found_for_an_architecture_give_it_again(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    space = data.draw(spaces)
    architecture = sample(space, Random(seed))

    genotype = genotype_of(space, architecture)

    assert genotype is not None
    assert realise(space, genotype) == architecture


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_every_sample_is_a_member_also_after_json(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    space = data.draw(spaces)

    again = Architecture.model_validate_json(sample(space, Random(seed)).model_dump_json())

    assert contains(space, again)


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_edges_of_a_sample_join_only_what_is_present_and_nothing_dangles(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    architecture = sample(data.draw(spaces), Random(seed))

    names = {layer.name for layer in architecture.layers}
    assert {source for source, _ in architecture.edges} == {"input", *names}
    assert {target for _, target in architecture.edges} == {"output", *names}


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_layers_of_a_sample_stand_in_topological_order(
    spaces: st.SearchStrategy[Space], data: st.DataObject, seed: int
) -> None:
    architecture = sample(data.draw(spaces), Random(seed))

    order = ["input", *(layer.name for layer in architecture.layers), "output"]
    assert all(order.index(source) < order.index(target) for source, target in architecture.edges)


def test_readers_of_an_absent_layer_read_its_sources(chain: Chain, make_choice: MakeChoice) -> None:
    space = chain([make_choice("gru")], [make_choice("gru")], [make_choice("gru")], optional=True)

    architecture = realise(space, Genotype((None, 0, None), (), ()))

    assert architecture.edges == (("input", "mix2"), ("mix2", "output"))


def test_an_absent_layer_takes_its_params_with_it(chain: Chain, make_choice: MakeChoice) -> None:
    space = chain(
        [make_choice("gru")],
        [make_choice("conv", radius=1), make_choice("conv", radius=2)],
        optional=True,
    )

    architecture = realise(space, Genotype((0, None), (), ()))

    assert [layer.label for layer in architecture.layers] == ["gru"]
    assert "radius" not in architecture.model_dump_json()


def test_a_network_without_layers_is_no_member(chain: Chain, make_choice: MakeChoice) -> None:
    space = chain([make_choice("gru")], optional=True)
    empty = Architecture(width=4, mlp_ratio=2, layers=(), edges=(("input", "output"),))

    assert not contains(space, empty)
    with pytest.raises(ValueError, match="no layer is left: at least one must be present"):
        realise(space, Genotype((None,), (), ()))


def branching(make_space: MakeSpace, make_choice: MakeChoice) -> Space:
    """a > b > c, an optional edge a > c, and b optional."""
    gru = (make_choice("gru"),)
    return make_space(
        [
            Layer(name="a", choices=gru),
            Layer(name="b", choices=gru, optional=True),
            Layer(name="c", choices=gru),
        ],
        [
            Edge(source="input", target="a"),
            Edge(source="a", target="b"),
            Edge(source="b", target="c"),
            Edge(source="a", target="c", optional=True),
            Edge(source="c", target="output"),
        ],
    )


def test_an_optional_edge_may_be_there_or_not(
    make_space: MakeSpace, make_choice: MakeChoice
) -> None:
    space = branching(make_space, make_choice)

    without = realise(space, Genotype((0, 0, 0), (False,), ()))
    with_it = realise(space, Genotype((0, 0, 0), (True,), ()))

    assert set(with_it.edges) - set(without.edges) == {("a", "c")}


def test_an_edge_that_bridging_gives_anyway_makes_no_other_architecture(
    make_space: MakeSpace, make_choice: MakeChoice
) -> None:
    space = branching(make_space, make_choice)

    without = realise(space, Genotype((0, None, 0), (False,), ()))
    with_it = realise(space, Genotype((0, None, 0), (True,), ()))

    assert with_it == without


def test_an_optional_edge_into_an_absent_layer_goes_with_it(
    make_space: MakeSpace, make_choice: MakeChoice
) -> None:
    gru = (make_choice("gru"),)
    space = make_space(
        [
            Layer(name="a", choices=gru),
            Layer(name="b", choices=gru),
            Layer(name="c", choices=gru, optional=True),
        ],
        [
            Edge(source="input", target="a"),
            Edge(source="a", target="b"),
            Edge(source="b", target="c"),
            Edge(source="a", target="c", optional=True),
            Edge(source="c", target="output"),
        ],
    )

    architecture = realise(space, Genotype((0, 0, None), (True,), ()))

    assert architecture.sources("output") == ["b"]


def test_a_layer_that_nothing_reads_is_absent(
    make_space: MakeSpace, make_choice: MakeChoice
) -> None:
    gru = (make_choice("gru"),)
    space = make_space(
        [Layer(name="a", choices=gru), Layer(name="side", choices=gru)],
        [
            Edge(source="input", target="a"),
            Edge(source="input", target="side"),
            Edge(source="a", target="output"),
            Edge(source="side", target="output", optional=True),
        ],
    )

    architecture = realise(space, Genotype((0, 0), (False,), ()))

    assert [layer.name for layer in architecture.layers] == ["a"]
    assert contains(space, architecture)


def test_a_node_with_optional_edges_alone_keeps_the_first(
    make_space: MakeSpace, make_choice: MakeChoice
) -> None:
    gru = (make_choice("gru"),)
    space = make_space(
        [Layer(name="a", choices=gru), Layer(name="b", choices=gru)],
        [
            Edge(source="input", target="a", optional=True),
            Edge(source="a", target="b", optional=True),
            Edge(source="input", target="b", optional=True),
            Edge(source="b", target="output"),
        ],
    )

    architecture = realise(space, Genotype((0, 0), (False, False, False), ()))

    assert architecture.edges == (("a", "b"), ("b", "output"), ("input", "a"))
    assert contains(space, architecture)


def repeated(
    make_space: MakeSpace, make_choice: MakeChoice, counts: tuple[int, ...], tied: bool
) -> Space:
    names = [f"m_{copy}" for copy in range(1, max(counts) + 1)]
    kinds = (make_choice("gru"), make_choice("conv", radius=1))
    ends = ["input", *names, "output"]
    return make_space(
        [Layer(name=name, choices=kinds) for name in names],
        [Edge(source=a, target=b) for a, b in itertools.pairwise(ends)],
        (Repeat(name="m", counts=counts, copies=tuple((n,) for n in names), tied=tied),),
    )


def test_copies_beyond_the_count_are_absent(make_space: MakeSpace, make_choice: MakeChoice) -> None:
    space = repeated(make_space, make_choice, (1, 2, 4), tied=False)

    architecture = realise(space, Genotype((0, 1, 0, 0), (), (2,)))

    assert architecture.label == "gru > conv(radius=1)"
    assert architecture.sources("output") == ["m_2"]


@given(seed=st.integers(0, 2**32))
def test_copies_of_a_tied_repeat_agree(
    make_space: MakeSpace, make_choice: MakeChoice, seed: int
) -> None:
    space = repeated(make_space, make_choice, (2, 4), tied=True)

    architecture = sample(space, Random(seed))

    assert len(architecture.layers) in {2, 4}
    assert len({layer.label for layer in architecture.layers}) == 1


def test_copies_of_a_tied_repeat_that_differ_are_no_member(
    make_space: MakeSpace, make_choice: MakeChoice
) -> None:
    free = repeated(make_space, make_choice, (2,), tied=False)
    tied = repeated(make_space, make_choice, (2,), tied=True)
    architecture = realise(free, Genotype((0, 1), (), (2,)))

    assert contains(free, architecture)
    assert not contains(tied, architecture)


def test_a_number_of_copies_that_is_not_offered_is_no_member(
    make_space: MakeSpace, make_choice: MakeChoice
) -> None:
    two = realise(repeated(make_space, make_choice, (2,), tied=False), Genotype((0, 0), (), (2,)))

    assert not contains(repeated(make_space, make_choice, (1, 3), tied=False), two)


@pytest.mark.parametrize(
    "params", [{"radius": 2}, {"radius": 1.0}, {"radius": True}, {}, {"radius": 1, "more": 1}]
)
def test_params_that_no_choice_has_are_no_member(
    chain: Chain, make_choice: MakeChoice, params: dict[str, object]
) -> None:
    space = chain([make_choice("conv", radius=1)])
    layer = LayerChoice(name="mix1", family="conv", params=params)
    architecture = Architecture(
        width=4, mlp_ratio=2, layers=(layer,), edges=(("input", "mix1"), ("mix1", "output"))
    )

    assert not contains(space, architecture)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 8},
        {"mlp_ratio": 4},
        {"edges": (("input", "mix1"), ("input", "output"), ("mix1", "output"))},
        {"edges": (("input", "other"), ("other", "output"))},
    ],
)
def test_another_width_ratio_or_wiring_is_no_member(
    chain: Chain, make_choice: MakeChoice, change: dict[str, object]
) -> None:
    space = chain([make_choice("conv", radius=1)])
    architecture = sample(space, Random(0))

    assert contains(space, architecture)
    assert not contains(space, architecture.model_copy(update=change))


def test_the_bias_of_an_architecture_is_that_of_its_choices(
    chain: Chain, make_choice: MakeChoice
) -> None:
    gru, conv = make_choice("gru"), make_choice("conv", radius=1)
    space = chain([gru, conv], [gru, conv])

    architecture = realise(space, Genotype((1, 0), (), ()))

    assert bias_of(space, architecture) == {"mix1": conv.bias, "mix2": gru.bias}


def test_a_copy_with_another_family_is_told_apart_by_its_own_text() -> None:
    layer = LayerChoice(name="mix1", family="conv", params={"radius": 1})
    before = layer.text

    copied = layer.model_copy(update={"family": "gru"})

    assert (before, copied.text) == ('conv {"radius": 1}', 'gru {"radius": 1}')
