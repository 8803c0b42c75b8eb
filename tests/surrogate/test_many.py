from __future__ import annotations

from random import Random

import numpy as np
import pytest
from analysis.support import choice, deep_space, space

from itnet_nas.arch.genotype import genotype_of
from itnet_nas.arch.sample import sample
from itnet_nas.space.space import Edge, Layer, Repeat, Space
from itnet_nas.surrogate.encoding import Encoding, encoding_of
from itnet_nas.surrogate.many import ManyRows

NAMES = ("block.1", "block.2")


def repeated() -> Space:
    return space(
        layers=tuple(
            Layer(name=name, choices=(choice("conv3"), choice("conv6"), choice("gru")))
            for name in NAMES
        ),
        edges=(
            Edge(source="input", target="block.1"),
            Edge(source="block.1", target="block.2"),
            Edge(source="block.2", target="output"),
            Edge(source="input", target="output", optional=True),
        ),
        repeats=(Repeat(name="block", counts=(1, 2), copies=(NAMES[:1], NAMES[1:]), tied=False),),
    )


@pytest.mark.parametrize("of", [space(), deep_space(), repeated()], ids=["chain", "deep", "motif"])
def test_rows_of_genotypes_are_those_of_their_architectures(of: Space) -> None:
    rng = Random(0)
    architectures = [sample(of, rng) for _ in range(60)]
    genotypes = [genotype_of(of, one) for one in architectures]

    rows = ManyRows(of).of([one for one in genotypes if one is not None])

    expected = Encoding(of).rows(architectures)
    assert np.abs(rows.features - expected.features).max() < 1e-12
    assert np.abs(rows.active - expected.active).max() < 1e-12


def test_no_genotypes_are_no_rows() -> None:
    rows = ManyRows(space()).of([])

    assert rows.features.shape == (0, len(encoding_of(space()).variable_of))
