"""An architecture as a network."""

from __future__ import annotations

import pytest
import torch
from tiny_builders import BRANCHES, ORIGINS, architecture, job
from tiny_plugins import NEAR, SHIFT, CloudTask, EchoParams, EchoTask

from itnet_nas.errors import BrokenPlugin, UsageError
from itnet_nas.kernels import Site
from itnet_nas.nn.network import ITNet, build_network, load_families, load_network
from itnet_nas.train.evaluate import evaluate

FAMILIES = {"shift": SHIFT}


def network(member=BRANCHES, **task: object) -> ITNet:
    torch.manual_seed(0)
    return build_network(member, FAMILIES, EchoTask(EchoParams(**task))).eval()


def test_the_parameters_are_those_of_the_formula() -> None:
    task = EchoTask(EchoParams())
    site = Site(domain=task.facts().domain, width=8)
    d, r = 8, 2

    count = sum(p.numel() for p in network().parameters())

    kernels = sum(
        SHIFT.cost(site, SHIFT.Params(**layer.params)).params for layer in BRANCHES.layers
    )
    blocks = 3 * (4 * d + 2 * r * d * d + r * d + d)
    assert count == task.coding_cost(d).params + kernels + blocks + 2 * d


def test_branches_meet_in_sums() -> None:
    found = network()
    symbols = torch.randint(5, (2, 12))

    out = found(symbols)

    blocks = found.blocks
    u = found.encoder(symbols)
    half = blocks["half"](u)
    left = blocks["left"](half)
    right = blocks["right"](half + u)
    assert torch.equal(out, found.head(found.norm(half + left + right)))


def test_an_architecture_without_layers_is_encoder_norm_and_head() -> None:
    found = network(architecture({}))
    symbols = torch.randint(5, (2, 12))

    assert torch.equal(found(symbols), found.head(found.norm(found.encoder(symbols))))


def test_a_causal_network_does_not_look_ahead() -> None:
    found = network()
    symbols = torch.randint(5, (3, 12))
    whole = found(symbols)
    for cut in range(1, 12):
        changed = symbols.clone()
        changed[:, cut:] = (changed[:, cut:] + 1) % 5

        assert torch.equal(found(changed)[:, :cut], whole[:, :cut])


@pytest.mark.parametrize("where", ["pooled", "last"])
def test_padding_does_not_change_what_is_said_of_an_example(where: str) -> None:
    found = network(where=where)
    symbols = torch.randint(5, (2, 12))
    mask_BN = torch.ones(2, 12, dtype=torch.bool)
    mask_BN[:, 9:] = False

    padded = found(symbols, mask_BN=mask_BN)

    assert torch.allclose(padded, found(symbols[:, :9]), rtol=0, atol=1e-6)


PACKED = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2], [4] * 7 + [9] * 5])


def parts(symbols: torch.Tensor) -> list[torch.Tensor]:
    """The examples that PACKED keeps apart, each on its own."""
    return [
        symbols[row : row + 1, segment_N == number]
        for row, segment_N in enumerate(PACKED)
        for number in segment_N.unique()
    ]


def test_packed_examples_are_what_each_is_on_its_own() -> None:
    found = network()
    symbols = torch.randint(5, (2, 12))

    packed = found(symbols, segment_BN=PACKED)

    alone = torch.cat([found(part)[0] for part in parts(symbols)])
    assert torch.allclose(packed.flatten(0, 1), alone, rtol=0, atol=1e-6)
    assert not torch.allclose(packed, found(symbols), rtol=0, atol=1e-3)


@pytest.mark.parametrize("where", ["pooled", "last"])
def test_a_head_that_sums_up_is_heard_once_for_each_packed_example(where: str) -> None:
    found = network(where=where)
    symbols = torch.randint(5, (2, 12))

    packed = found(symbols, segment_BN=PACKED)

    alone = torch.cat([found(part) for part in parts(symbols)])
    assert torch.allclose(packed, alone, rtol=0, atol=1e-6)


def test_padding_beside_packed_examples_changes_nothing() -> None:
    found = network()
    symbols = torch.randint(5, (2, 12))
    mask_BN = torch.ones(2, 12, dtype=torch.bool)
    mask_BN[:, 10:] = False

    padded = found(symbols, mask_BN=mask_BN, segment_BN=PACKED)

    expected = found(symbols[:, :10], segment_BN=PACKED[:, :10])
    assert torch.allclose(padded[:, :10], expected, rtol=0, atol=1e-6)


def cloud() -> ITNet:
    torch.manual_seed(0)
    member = architecture({"near": ("near", {}), "again": ("near", {})})
    return build_network(member, {"near": NEAR}, CloudTask(CloudTask.Params())).eval()


def test_every_layer_is_told_where_points_stand() -> None:
    found = cloud()
    one_BN1, x_BNA = torch.ones(2, 10, 1), torch.randn(2, 10, 2)
    u = found.encoder(one_BN1)

    out = found(one_BN1, x_BNA=x_BNA)

    for block in found.blocks.values():
        u = block(u, None, x_BNA)
    assert torch.equal(out, found.head(found.norm(u)))


def test_packed_clouds_keep_their_places() -> None:
    found = cloud()
    one_BN1, x_BNA = torch.ones(1, 12, 1), torch.randn(1, 12, 2)

    packed = found(one_BN1, x_BNA=x_BNA, segment_BN=PACKED[:1])

    cuts = [slice(0, 3), slice(3, 8), slice(8, 12)]
    alone = torch.cat([found(one_BN1[:, cut], x_BNA=x_BNA[:, cut]) for cut in cuts])
    assert torch.allclose(packed, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["half", "type", "class", "forward", "encoder", "keys"])
def test_a_layer_may_have_any_name(name: str) -> None:
    found = network(architecture({name: ("shift", {"radius": 1})}))

    assert list(found.blocks) == [name]


def test_a_choice_that_cannot_stand_is_refused_with_its_reason() -> None:
    with pytest.raises(UsageError) as caught:
        network(architecture({"mix": ("shift", {"radius": 4})}), length=4)

    assert str(caught.value) == (
        'layer "mix": shift(radius=4) cannot stand here (causal sequence of 4, width 8): '
        "a radius of 4 leaves the 4 positions; choose other params for this layer"
    )


def test_loaded_weights_give_the_trained_network() -> None:
    outcome = evaluate(job(BRANCHES, steps=3))
    assert outcome.weights is not None

    first = load_network(outcome.record, outcome.weights)
    again = load_network(outcome.record, outcome.weights)

    symbols = torch.randint(5, (2, 12))
    assert torch.equal(first(symbols), again(symbols))
    assert not first.training


def test_loading_a_network_leaves_the_random_state() -> None:
    outcome = evaluate(job(steps=1))
    assert outcome.weights is not None
    before = torch.get_rng_state()

    load_network(outcome.record, outcome.weights)

    assert torch.equal(torch.get_rng_state(), before)


def test_a_family_that_is_not_installed_is_named() -> None:
    missing = ORIGINS["shift"].model_copy(update={"path": "nowhere_at_all:FAMILY"})

    with pytest.raises(BrokenPlugin, match=r'^kernel family "shift" from tiny 1 did not load'):
        load_families({"shift": missing})
