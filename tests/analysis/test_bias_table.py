from __future__ import annotations

import itertools

import pytest
from analysis.support import deep_space, record, run, space

from itnet_nas.analysis.bias_table import bias_table, member
from itnet_nas.analysis.pareto import front
from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.axes import Support
from itnet_nas.results.record import TrialError, TrialRecord
from itnet_nas.space.space import Space

GRU = LayerChoice(name="", family="gru", params={})
CONV = LayerChoice(name="", family="conv", params={"radius": 6})
IDENTITY = LayerChoice(name="", family="identity", params={})


def trial(
    of: Space, number: int, *kernels: LayerChoice, bits: float = 3.0, fails: bool = False
) -> TrialRecord:
    layers = tuple(
        kernel.model_copy(update={"name": layer.name})
        for kernel, layer in zip(kernels, of.layers, strict=False)
    )
    names = ["input", *(layer.name for layer in layers), "output"]
    architecture = Architecture(
        width=of.width,
        mlp_ratio=of.mlp_ratio,
        layers=layers,
        edges=tuple(sorted(itertools.pairwise(names))),
    )
    failure = TrialError(kind="non_finite", message="nan") if fails else None
    return record(of, number, architecture, failure, bits_per_byte=bits)


def test_shares_stand_beside_chance() -> None:
    of = space()
    records = [
        trial(of, 0, CONV, GRU, bits=2.0),
        trial(of, 1, CONV, CONV, bits=3.0),
        trial(of, 2, GRU, GRU, bits=4.0),
    ]

    table = bias_table(of, records, best=2)

    local = {share.family: share for share in table.layers[0].shares}
    assert list(local) == ["identity", "conv", "attention", "gru"]
    assert [share.chance for share in local.values()] == [0.25] * 4
    assert local["conv"].in_best == 1.0
    assert local["gru"].in_best == 0.0
    assert local["gru"].complete == 1
    memory = {share.family: share for share in table.layers[1].shares}
    assert memory["gru"].in_best == 0.5
    assert memory["gru"].chance == 0.2


@pytest.mark.parametrize("trials", [1, 20, 200])
def test_shares_of_a_layer_add_up_to_one(trials: int) -> None:
    of = deep_space()

    table = bias_table(of, run(of, trials, failing=0))

    for row in table.layers:
        assert sum(share.chance for share in row.shares) == pytest.approx(1)
        if row.present_in_best:
            assert sum(share.in_best or 0 for share in row.shares) == pytest.approx(1)
        if row.present_on_front:
            assert sum(share.on_front or 0 for share in row.shares) == pytest.approx(1)


def test_the_best_are_a_tenth_of_the_complete_trials_but_at_least_five() -> None:
    of = space()

    counts = [bias_table(of, run(of, trials, failing=0)).best for trials in (0, 3, 30, 61)]

    assert counts == [0, 3, 5, 7]


def test_a_family_that_only_failed_was_not_tested() -> None:
    of = space()

    table = bias_table(of, [trial(of, 0, CONV, CONV), trial(of, 1, GRU, CONV, fails=True)])

    gru = next(share for share in table.layers[0].shares if share.family == "gru")
    assert (gru.complete, gru.failed) == (0, 1)
    assert ("local", "gru") in table.untested
    assert ("local", "conv") not in table.untested


def test_members_are_those_of_the_front_with_every_layer_of_the_space() -> None:
    of = deep_space(3)
    records = [trial(of, 0, CONV, GRU, bits=2.0), trial(of, 1, IDENTITY, bits=4.0)]

    table = bias_table(of, records)

    assert [row.trial for row in table.members] == [r.number for r in front(of, records)]
    cheap = table.members[0]
    assert cheap.kernels["mix1"] is not None
    assert cheap.kernels["mix1"].bias.support is Support.POINT
    assert cheap.kernels["mix2"] is None
    assert list(cheap.kernels) == ["mix1", "mix2", "mix3"]


@pytest.mark.parametrize(
    ("kernels", "differ"),
    [((CONV, GRU), True), ((CONV, CONV), False), ((GRU,), False)],
    ids=["window then memory", "window twice", "one layer"],
)
def test_layers_differ_when_their_coordinates_do(
    kernels: tuple[LayerChoice, ...], differ: bool
) -> None:
    of = deep_space(2)

    assert member(of, trial(of, 0, *kernels)).layers_differ is differ


def test_radius_alone_makes_no_other_bias() -> None:
    of = deep_space(2)
    near = CONV.model_copy(update={"params": {"radius": 3}})

    assert member(of, trial(of, 0, near, CONV)).layers_differ is False


def test_a_layer_that_the_space_has_lost_is_still_shown() -> None:
    of = deep_space(2)
    record_ = trial(of, 0, CONV, GRU)
    smaller = of.model_copy(update={"layers": of.layers[:1]})

    assert list(member(smaller, record_).kernels) == ["mix1", "mix2"]
