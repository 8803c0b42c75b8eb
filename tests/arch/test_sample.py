"""Random architectures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from itnet_nas.arch.sample import sample
from itnet_nas.errors import InfeasibleError
from itnet_nas.space.space import Choice, Space

Chain = Callable[..., Space]
MakeChoice = Callable[..., Choice]


def test_the_same_generator_gives_the_same_samples(chain: Chain, make_choice: MakeChoice) -> None:
    space = chain(*([make_choice("gru"), make_choice("conv", radius=1)] for _ in range(8)))

    a, b = Random(3), Random(3)

    assert [sample(space, a) for _ in range(20)] == [sample(space, b) for _ in range(20)]


def test_a_family_with_many_choices_is_drawn_no_more_often(
    chain: Chain, make_choice: MakeChoice
) -> None:
    many = [make_choice("conv", radius=radius) for radius in range(1, 10)]
    space = chain([*many, make_choice("gru")])

    rng = Random(0)
    drawn = Counter(sample(space, rng).layers[0].family for _ in range(2000))

    # 2000 fair coins: six standard deviations are 134.
    assert 866 < drawn["gru"] < 1134


def test_an_optional_layer_is_there_half_the_time(chain: Chain, make_choice: MakeChoice) -> None:
    space = chain(*([make_choice("gru")] for _ in range(10)), optional=True)

    rng = Random(0)
    layers = sum(len(sample(space, rng).layers) for _ in range(400))

    # 4000 fair coins, and the empty draw (one in 1024) repeated.
    assert 1810 < layers < 2190


def test_a_space_of_optional_layers_never_gives_an_empty_network(
    chain: Chain, make_choice: MakeChoice
) -> None:
    space = chain([make_choice("gru")], optional=True)

    rng = Random(0)
    assert all(sample(space, rng).layers for _ in range(200))


def test_a_space_whose_layers_never_reach_the_output_says_so(
    chain: Chain, make_choice: MakeChoice
) -> None:
    space = chain([make_choice("gru")])
    cut = space.model_copy(
        update={"edges": tuple(e.model_copy(update={"target": "output"}) for e in space.edges[:1])}
    )

    with pytest.raises(InfeasibleError) as caught:
        sample(Space.model_validate(cut.model_dump()), Random(0))

    assert str(caught.value) == (
        "toy: no architecture has a layer: nothing was left in 1000 draws. "
        "Make one layer mandatory, with edges to the output that are not optional."
    )
