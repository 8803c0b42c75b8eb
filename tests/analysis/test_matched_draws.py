from __future__ import annotations

import numpy as np
from analysis.support import choice, deep_space, space

from itnet_nas.analysis.matched_draws import MatchedDraws
from itnet_nas.analysis.option_groups import groups_of
from itnet_nas.space.space import Edge, Layer, Repeat
from itnet_nas.surrogate.encoding import encoding_of


def test_twins_differ_in_the_columns_of_their_layer_and_in_the_shares_alone() -> None:
    of = space()
    encoding = encoding_of(of)
    draws = MatchedDraws(of, 20)
    group = groups_of(of)[0]

    rows, bases = draws.twins([group.decision], [(option,) for option in group.options], 20)

    features = rows.features.reshape(bases, len(group.options), -1)
    varied = (np.ptp(features, axis=1) > 0).any(axis=0)
    names = {encoding.names[v] for v in encoding.variable_of[varied]}
    assert bases == 20
    assert names
    assert all(name.startswith("local ") or name == "shares of biases" for name in names)


def test_the_same_seed_gives_the_same_bases() -> None:
    assert MatchedDraws(space(), 30, 3).bases == MatchedDraws(space(), 30, 3).bases
    assert MatchedDraws(space(), 30, 3).bases != MatchedDraws(space(), 30, 4).bases


def test_places_are_the_options_of_the_bases() -> None:
    of = deep_space(2)
    draws = MatchedDraws(of, 40)
    presence = next(group for group in groups_of(of) if group.of == ("presence",))

    places = draws.places(presence)

    assert places.tolist() == [int(base.choices[1] is None) for base in draws.bases]


def test_bases_in_which_a_copy_does_not_stand_are_left_out() -> None:
    names = ("block.1", "block.2")
    choices = (choice("conv3"), choice("gru"))
    of = space(
        layers=tuple(Layer(name=name, choices=choices) for name in names),
        edges=tuple(
            Edge(source=a, target=b)
            for a, b in zip(["input", *names], [*names, "output"], strict=True)
        ),
        repeats=(Repeat(name="block", counts=(1, 2), copies=(names[:1], names[1:]), tied=False),),
    )
    draws = MatchedDraws(of, 50)
    second = next(group for group in groups_of(of) if group.place == "block.2")

    _, bases = draws.twins([second.decision], [(option,) for option in second.options], 50)

    assert bases == sum(base.counts == (2,) for base in draws.bases)
    assert 0 < bases < 50


def test_an_option_that_leaves_no_layer_takes_its_base_with_it() -> None:
    alone = Layer(name="local", choices=(choice("conv3"), choice("gru")), optional=True)
    second = Layer(name="memory", choices=(choice("gru"),), optional=True)
    of = space(layers=(alone, second))
    draws = MatchedDraws(of, 60)
    presence = groups_of(of)[0]

    _, bases = draws.twins([presence.decision], [(option,) for option in presence.options], 60)

    assert bases == sum(base.choices[1] is not None for base in draws.bases)
