"""Layers in their better form compute what they did."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from itnet_nas.train.mappable import FlatLinear, make_mappable


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (2, 4, 5, 3)], ids=str)
def test_a_linear_map_has_the_same_values(shape: tuple[int, ...]) -> None:
    layer = nn.Linear(3, 6).double()
    u = torch.randn(shape, dtype=torch.float64)
    before = layer(u)

    make_mappable(layer)

    assert type(layer) is FlatLinear
    torch.testing.assert_close(layer(u), before)


def test_layers_inside_others_are_found() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.GELU(), nn.Linear(4, 2)))

    make_mappable(network)

    assert [type(m) for m in network.modules()].count(FlatLinear) == 2


def test_a_subclass_is_left_alone() -> None:
    class Own(nn.Linear):
        """Somebody's."""

    layer = Own(3, 3)

    make_mappable(layer)

    assert type(layer) is Own
