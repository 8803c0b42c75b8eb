from __future__ import annotations

from random import Random

import numpy as np
import pytest
from arch.conftest import choice, drawn_spaces, space_of
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.arch.genotype import genotype_of
from itnet_nas.arch.sample import sample
from itnet_nas.space.space import Edge, Layer, Repeat, Space
from itnet_nas.surrogate.encoding import Encoding, encoding_of


def chain(*kinds: list, optional: bool = False) -> Space:
    names = [f"mix{place + 1}" for place in range(len(kinds))]
    layers = [
        Layer(name=name, choices=tuple(kind), optional=optional)
        for name, kind in zip(names, kinds, strict=True)
    ]
    ends = zip(["input", *names], [*names, "output"], strict=True)
    return space_of(layers, [Edge(source=a, target=b) for a, b in ends])


def far(encoding: Encoding, one: int, other: int, space: Space) -> dict[str, float]:
    """D per variable between two choices of the only layer."""
    members = {
        genotype_of(space, drawn): drawn for drawn in (sample(space, Random(s)) for s in range(300))
    }
    found = {genotype.choices[0]: drawn for genotype, drawn in members.items() if genotype}
    rows = encoding.rows([found[one], found[other]])
    distances = {}
    for v, name in enumerate(encoding.names):
        columns = encoding.variable_of == v
        alike = rows.features[0, columns] @ rows.features[1, columns]
        both = 0.5 * rows.active[:, v].sum()
        distances[name] = float(encoding.half[v] * (both - alike))
    return distances


def test_numbers_are_as_far_apart_as_their_places_in_order() -> None:
    space = chain([choice("conv", radius=radius) for radius in (1, 2, 4, 8, 16)])

    apart = far(encoding_of(space), 0, 2, space)

    assert apart["mix1 conv radius"] == pytest.approx(0.5)


def test_other_families_are_one_apart_and_their_params_a_quarter() -> None:
    space = chain([choice("gru"), choice("conv", radius=1), choice("conv", radius=2)])

    apart = far(encoding_of(space), 0, 1, space)

    assert apart["mix1 choice"] == 1.0
    assert apart["mix1 conv radius"] == pytest.approx(0.25)


def test_names_are_alike_or_not() -> None:
    space = chain([choice("attention", heads=2, rope=rope) for rope in (True, False)])

    assert far(encoding_of(space), 0, 1, space)["mix1 attention rope"] == 1.0


def test_a_coordinate_that_says_what_the_family_says_is_left_out() -> None:
    space = chain([choice("gru"), choice("conv", radius=1)])

    assert encoding_of(space).names == ["mix1 choice"]


def test_a_bias_that_several_layers_may_have_has_its_share() -> None:
    kinds = [choice("gru"), choice("conv", radius=1)]

    assert encoding_of(chain(kinds, kinds)).names[-1] == "shares of biases"


def test_how_many_copies_stand_is_a_number() -> None:
    kinds = (choice("gru"), choice("conv", radius=1))
    names = ("m_1", "m_2", "m_3")
    ends = zip(["input", *names], [*names, "output"], strict=True)
    space = space_of(
        [Layer(name=name, choices=kinds) for name in names],
        [Edge(source=a, target=b) for a, b in ends],
        (Repeat(name="m", counts=(1, 2, 3), copies=tuple((n,) for n in names), tied=True),),
    )

    assert "count of m" in encoding_of(space).names


@settings(max_examples=60, deadline=None)
@given(space=drawn_spaces(), seed=st.integers(0, 2**32))
def test_every_member_has_a_row_and_is_at_no_distance_from_itself(space: Space, seed: int) -> None:
    encoding = Encoding(space)
    drawn = sample(space, Random(seed))

    rows = encoding.rows([drawn])

    for v in range(len(encoding.names)):
        columns = encoding.variable_of == v
        if encoding.half[v]:
            alike = float((rows.features[0, columns] ** 2).sum())
            few = len(np.flatnonzero(columns)) == 1 and alike == 0  # one number alone
            assert few or alike == pytest.approx(rows.active[0, v])


@settings(max_examples=40, deadline=None)
@given(space=drawn_spaces(), seed=st.integers(0, 2**32))
def test_distances_are_at_least_nothing_and_never_more_than_one(space: Space, seed: int) -> None:
    encoding, rng = Encoding(space), Random(seed)

    rows = encoding.rows([sample(space, rng) for _ in range(6)])

    for v in range(len(encoding.names)):
        block = rows.features[:, encoding.variable_of == v]
        both = 0.5 * np.add.outer(rows.active[:, v], rows.active[:, v])
        apart = encoding.half[v] * (both - block @ block.T)
        assert apart.min() > -1e-12
        assert apart.max() < 1 + 1e-12


@settings(max_examples=60, deadline=None)
@given(space=drawn_spaces(), seed=st.integers(0, 2**32))
def test_what_was_asked_before_changes_no_row(space: Space, seed: int) -> None:
    """Two networks that compute the same have one key, and may have different rows."""
    rng = Random(seed)
    drawn = [sample(space, rng) for _ in range(12)]
    used = Encoding(space)
    used.rows(drawn)

    for one in drawn:
        assert (used.rows([one]).features == Encoding(space).rows([one]).features).all()
