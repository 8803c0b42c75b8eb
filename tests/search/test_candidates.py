from __future__ import annotations

from random import Random

from support.landscape import planted_space

from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import genotype_of, realise
from itnet_nas.arch.sample import sample
from itnet_nas.search.candidates import children

SPACE = planted_space(4)
PARENT = genotype_of(SPACE, sample(SPACE, Random(0)))
assert PARENT is not None


def test_children_are_new_different_and_what_their_genotypes_give() -> None:
    found = children(SPACE, [PARENT], 50, {PARENT}, Random(1))

    genotypes = [one.genotype for one in found]
    assert len(set(genotypes)) == 50
    assert PARENT not in genotypes
    assert all(realise(SPACE, one.genotype) == one.architecture for one in found)


def test_most_children_differ_from_their_parent_in_one_layer() -> None:
    found = children(SPACE, [PARENT], 30, {PARENT}, Random(1))

    far = [
        sum(a != b for a, b in zip(one.genotype.choices, PARENT.choices, strict=True))
        for one in found
    ]
    assert 1 <= sorted(far)[15] <= 2


def test_children_meet_the_constraints() -> None:
    tight = planted_space(4, constraints=["flops <= 12000"])
    parent = next(
        genotype
        for seed in range(1000)
        if feasible(tight, drawn := sample(tight, Random(seed)))
        and (genotype := genotype_of(tight, drawn)) is not None
    )

    found = children(tight, [parent], 20, (), Random(1))

    assert found
    assert all(feasible(tight, one.architecture) for one in found)


def test_without_parents_they_come_from_the_whole_space() -> None:
    found = children(SPACE, [], 40, (), Random(1))

    assert len({one.genotype.choices[0] for one in found}) > 5


def test_a_space_of_one_point_has_no_children() -> None:
    one = planted_space(1)
    layer = one.layers[0].model_copy(update={"choices": one.layers[0].choices[:1]})
    lone = one.model_validate(one.model_dump() | {"layers": [layer.model_dump()]})
    parent = genotype_of(lone, sample(lone, Random(0)))
    assert parent is not None

    assert children(lone, [parent], 10, {parent}, Random(0)) == []
