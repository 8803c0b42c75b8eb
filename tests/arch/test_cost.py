"""Costs, worked out by hand and compared with every architecture of small spaces."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from itnet_nas.arch.cost import bounds, costs
from itnet_nas.arch.count import enumerate_all, raw_count
from itnet_nas.arch.genotype import Genotype, realise
from itnet_nas.arch.sample import sample
from itnet_nas.kernels import Cost
from itnet_nas.space.space import Choice, Edge, Layer, Repeat, Space

Chain = Callable[..., Space]
MakeSpace = Callable[..., Space]
MakeChoice = Callable[..., Choice]

# Width 4, ratio 2, length 8: two norms 16, an MLP 64 + 8 + 4; coding 18, the last norm 8.
BLOCK_PARAMS = 92
BLOCK_FLOPS = 4 * 8 * 2 * 16


def test_costs_are_the_sums_of_the_formula(chain: Chain, make_choice: MakeChoice) -> None:
    first = make_choice("gru", Cost(flops=5, params=7, state_bytes=16))
    second = make_choice("conv", Cost(flops=11, params=13, state_bytes=32), radius=1)
    space = chain([first], [second])

    found = costs(space, sample(space, Random(0)))

    assert found == {
        "flops": 100 + 5 + 11 + 2 * BLOCK_FLOPS,
        "params": 18 + 8 + 7 + 13 + 2 * BLOCK_PARAMS,
        "state_bytes": 48,
        "depth": 2,
    }


def test_a_network_that_cannot_decode_has_no_state(chain: Chain, make_choice: MakeChoice) -> None:
    space = chain([make_choice("gru")], [make_choice("attention", heads=2)])

    assert costs(space, sample(space, Random(0))).keys() == {"flops", "params", "depth"}


def test_depth_is_the_longest_way_through(make_space: MakeSpace, make_choice: MakeChoice) -> None:
    gru = (make_choice("gru"),)
    space = make_space(
        [Layer(name=name, choices=gru) for name in "abcd"],
        [
            Edge(source="input", target="a"),
            Edge(source="a", target="b"),
            Edge(source="b", target="d"),
            Edge(source="input", target="c"),
            Edge(source="c", target="d"),
            Edge(source="d", target="output"),
            Edge(source="a", target="output"),
        ],
    )

    assert costs(space, sample(space, Random(0)))["depth"] == 3


def test_a_choice_of_another_space_has_no_cost(chain: Chain, make_choice: MakeChoice) -> None:
    architecture = sample(chain([make_choice("conv", radius=9)]), Random(0))

    with pytest.raises(KeyError):
        costs(chain([make_choice("conv", radius=1)]), architecture)


@given(data=st.data())
def test_bounds_are_the_extremes_over_every_architecture(
    spaces: st.SearchStrategy[Space], data: st.DataObject
) -> None:
    space = data.draw(spaces)
    assume(raw_count(space) <= 200)
    every = [costs(space, architecture) for architecture in enumerate_all(space)]

    found = bounds(space)

    for name in ("flops", "params", "state_bytes", "depth"):
        values = [figures[name] for figures in every if name in figures]
        assert found.get(name) == ((min(values), max(values)) if values else None)


def test_the_bounds_of_a_space_of_optional_layers_have_one_layer(
    chain: Chain, make_choice: MakeChoice
) -> None:
    dear = make_choice("gru", Cost(flops=50, params=50, state_bytes=50))
    cheap = make_choice("gru", Cost(flops=3, params=3, state_bytes=3))
    space = chain([dear], [cheap], optional=True)

    assert bounds(space) == {
        "flops": (100 + 3 + BLOCK_FLOPS, 100 + 53 + 2 * BLOCK_FLOPS),
        "params": (26 + 3 + BLOCK_PARAMS, 26 + 53 + 2 * BLOCK_PARAMS),
        "state_bytes": (3, 53),
        "depth": (1, 2),
    }


@pytest.mark.parametrize("tied", [True, False])
def test_bounds_count_the_copies_of_a_repeat(
    make_space: MakeSpace, make_choice: MakeChoice, tied: bool
) -> None:
    kinds = (
        make_choice("gru", Cost(flops=0, params=1, state_bytes=1)),
        make_choice("conv", Cost(flops=0, params=2, state_bytes=10), radius=1),
    )
    space = make_space(
        [Layer(name=f"m_{i}", choices=kinds) for i in (1, 2, 3)],
        [
            Edge(source="input", target="m_1"),
            Edge(source="m_1", target="m_2"),
            Edge(source="m_2", target="m_3"),
            Edge(source="m_3", target="output"),
        ],
        (Repeat(name="m", counts=(3, 2), copies=(("m_1",), ("m_2",), ("m_3",)), tied=tied),),
    )

    found = bounds(space)

    assert found["state_bytes"] == (2, 30)
    assert found["depth"] == (2, 3)


def test_a_space_that_never_decodes_has_no_bounds_on_state(
    chain: Chain, make_choice: MakeChoice
) -> None:
    space = chain([make_choice("attention", heads=2)], [make_choice("gru")])

    assert bounds(space).keys() == {"flops", "params", "depth"}


def test_an_absent_layer_costs_nothing(chain: Chain, make_choice: MakeChoice) -> None:
    space = chain([make_choice("gru")], [make_choice("gru")], optional=True)

    one = costs(space, realise(space, Genotype((0, None), (), ())))
    two = costs(space, realise(space, Genotype((0, 0), (), ())))

    assert two["params"] - one["params"] == BLOCK_PARAMS + 10
