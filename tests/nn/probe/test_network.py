"""The layers of a network, probed on what reaches them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_builders import BRANCHES, architecture
from tiny_plugins import SHIFT, CloudTask, EchoParams, EchoTask

from itnet_kernels import attention, point_attention
from itnet_nas.errors import UsageError
from itnet_nas.kernels import Domain
from itnet_nas.nn.network import ITNet, build_network
from itnet_nas.nn.probe import DEFAULT, probe_network, probe_operator
from itnet_nas.nn.probe.network import fitting, layer_inputs
from itnet_nas.tasks import TaskParams

FAMILIES = {
    "shift": SHIFT,
    "attention": attention.FAMILY,
    "point_attention": point_attention.FAMILY,
}
LOOKING = architecture({"look": ("attention", {"heads": 2}), "mix": ("shift", {"radius": 2})})


def echo(**task: object) -> EchoTask:
    return EchoTask(EchoParams(**task))


def network(member=BRANCHES, task=None) -> ITNet:
    torch.manual_seed(0)
    return build_network(member, FAMILIES, echo() if task is None else task)


def batches(task=None, size: int = 3):
    return (echo() if task is None else task).eval_batches("validation", size)


def test_every_layer_is_read_by_its_name() -> None:
    task = echo()

    found = probe_network(network(), batches(), task.facts().domain)

    assert list(found) == list(network().blocks)
    radii = {name: reading.scores.r90 for name, reading in found.items()}
    for name, radius in {"half": 1, "left": 2, "right": 3}.items():
        assert radii[name] is not None
        assert radii[name].value <= radius
    assert all(reading.scores.causality.value == 1 for reading in found.values())


def test_a_layer_is_given_what_stands_behind_its_norm() -> None:
    net = network(LOOKING).eval()
    symbols = torch.cat([batch.inputs[0] for batch in batches()])[:8]

    found = layer_inputs(net, batches(), 8)

    u_BND = net.encoder(symbols)
    look, mix = net.blocks.values()
    assert torch.allclose(found["look"].u_BND[:8], look.mixer_norm(u_BND), atol=1e-6)
    assert torch.allclose(found["mix"].u_BND[:8], mix.mixer_norm(look(u_BND)), atol=1e-6)


def test_a_reading_is_that_of_the_mixer_on_its_inputs() -> None:
    task, net = echo(), network(LOOKING)
    domain = task.facts().domain

    found = probe_network(net, batches(), domain, seed=4)

    given = layer_inputs(net, batches(), DEFAULT.inputs)["look"]
    alone = probe_operator(net.blocks["look"].mixer, given.u_BND, domain=domain, seed=4)
    assert found["look"].scores == alone.scores


def test_no_more_examples_are_run_than_the_budget_asks_for() -> None:
    net, seen = network(LOOKING), []
    net.encoder.register_forward_hook(lambda module, given, out: seen.append(len(out)))

    found = probe_network(net, batches(size=5), echo().facts().domain)

    assert seen == [5, 3]
    assert {reading.inputs for reading in found.values()} == {8}


def test_a_small_split_is_read_whole() -> None:
    few = replace(DEFAULT, inputs=99)

    found = probe_network(network(LOOKING), batches(), echo().facts().domain, few)

    assert found["look"].inputs == EchoTask.EXAMPLES["validation"]


def test_packed_examples_are_read_one_by_one() -> None:
    task = echo(packed=True)
    net = network(LOOKING, task)

    given = layer_inputs(net, batches(task), 8)["look"]
    found = probe_network(net, batches(task), task.facts().domain)["look"]

    assert given.mask_BN is not None
    assert sorted(set(given.mask_BN.sum(1).tolist())) == [4, 8]
    assert given.length == 8
    assert found.inputs == 8
    assert found.scores.causality is not None
    assert found.scores.causality.value == 1


def test_batches_of_other_lengths_are_padded_to_the_longest() -> None:
    net = network(LOOKING)
    several = [next(batches(echo(length=length))) for length in (12, 7)]

    given = layer_inputs(net, several, 8)["look"]

    assert given.mask_BN is not None
    assert given.mask_BN.sum(1).tolist() == [12] * 3 + [7] * 3


def test_masks_and_places_reach_the_layers() -> None:
    task = CloudTask(TaskParams())
    member = architecture({"near": ("point_attention", {"heads": 2, "neighbours": None})})
    net = network(member, task)

    found = probe_network(net, batches(task), task.facts().domain)["near"]

    assert set(found.scores.sharing_by_shift) == {"move", "turn"}
    assert found.scores.r90 is not None
    assert found.scores.r90.value <= 7  # of eight real points
    assert found.scores.content is not None


def test_the_network_is_left_as_it_was() -> None:
    net = network(LOOKING)
    net.train()
    net.head.eval()
    before = torch.get_rng_state()

    probe_network(net, batches(), echo().facts().domain)

    assert torch.equal(torch.get_rng_state(), before)
    assert net.training
    assert net.blocks["look"].mixer.training
    assert not net.head.training
    assert all(parameter.requires_grad for parameter in net.parameters())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not any(module._forward_pre_hooks for module in net.modules())


def test_hooks_are_gone_after_an_error() -> None:
    net = network(LOOKING)

    with pytest.raises(AttributeError):
        probe_network(net, [None], echo().facts().domain)

    assert not any(module._forward_pre_hooks for module in net.modules())


def test_batches_without_examples_are_refused() -> None:
    with pytest.raises(
        UsageError,
        match=r"there is nothing to probe the network on: the batches hold no example; "
        r"give those of a split that has some",
    ):
        probe_network(network(LOOKING), [], echo().facts().domain)


def test_an_architecture_without_layers_has_nothing_to_read() -> None:
    assert probe_network(network(architecture({})), batches(), echo().facts().domain) == {}


@pytest.mark.parametrize(
    ("domain", "shape"),
    [
        (Domain(kind="sequence", shape=(12,), causal=True), (8,)),
        (Domain(kind="points", shape=(12,), coordinates=2), (8,)),
        (Domain(kind="grid", shape=(2, 4)), (2, 4)),
    ],
    ids=str,
)
def test_a_domain_is_as_long_as_what_is_there(domain: Domain, shape: tuple[int, ...]) -> None:
    found = fitting(domain, 8)

    assert found.shape == shape
    assert found.model_copy(update={"shape": domain.shape}) == domain
