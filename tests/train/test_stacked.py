"""Networks side by side."""

from __future__ import annotations

import pytest
import torch
from tiny_builders import ORIGINS, architecture
from tiny_plugins import EchoParams, EchoTask
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from itnet_nas.nn.network import ITNet, build_network, load_families
from itnet_nas.tasks.batch import Batch
from itnet_nas.tasks.facts import Recipe
from itnet_nas.train.stacked import Apart, Stacked

TASK = EchoTask(EchoParams())
RECIPE = Recipe(steps=3, batch_size=4, lr=1e-2)


def networks(count: int = 3, radius: int = 2) -> list[ITNet]:
    member = architecture({"mix": ("shift", {"radius": radius})})
    families = load_families({"shift": ORIGINS["shift"]})
    found = []
    for seed in range(count):
        torch.manual_seed(seed)
        found.append(build_network(member, families, TASK))
    return found


def batches(*sizes: int) -> list[Batch]:
    return [TASK.train_batch(0, size, seed) for seed, size in enumerate(sizes)]


def test_each_network_reads_its_own_batch() -> None:
    ready, given = networks(), batches(4, 4, 4)

    out_K = Stacked(ready, RECIPE).forward(given)

    for out, network, batch in zip(out_K, ready, given, strict=True):
        torch.testing.assert_close(out, network(*batch.inputs, **batch.beside))


def test_all_networks_may_read_the_same_batch() -> None:
    ready, (given,) = networks(), batches(4)

    out_K = Stacked(ready, RECIPE).forward_same(given)

    for out, network in zip(out_K, ready, strict=True):
        torch.testing.assert_close(out, network(*given.inputs, **given.beside))


def test_norms_are_taken_and_shortened_network_by_network() -> None:
    ready, given = networks(), batches(4, 4, 4)
    stacked = Stacked(ready, RECIPE)
    stacked.forward(given).square().sum().backward()

    norm_K = stacked.clip(0.5)

    for k, (network, batch) in enumerate(zip(ready, given, strict=True)):
        network(*batch.inputs, **batch.beside).square().sum().backward()
        torch.testing.assert_close(norm_K[k], clip_grad_norm_(network.parameters(), 0.5))
        left = torch.cat([flat.grad[k] for flat in stacked.flat if flat.grad is not None]).norm()
        assert left == pytest.approx(0.5, rel=1e-4)


def test_weights_that_do_not_decay_lie_apart() -> None:
    stacked = Stacked(networks(), RECIPE)

    sizes = {group["weight_decay"]: group["params"][0].shape[1] for group in stacked.groups}

    plain = networks(1)[0]
    assert sizes[0.0] == sum(w.numel() for w in plain.parameters() if w.ndim < 2)
    assert sizes[0.01] == sum(w.numel() for w in plain.parameters() if w.ndim >= 2)


def test_batches_of_different_sizes_are_refused() -> None:
    stacked = Stacked(networks(2), RECIPE)

    with pytest.raises(Apart, match="the seeds' batches have different shapes"):
        stacked.forward(batches(4, 3))


def test_networks_of_different_shapes_are_refused() -> None:
    with pytest.raises(Apart, match="the seeds' networks differ in shape"):
        Stacked([*networks(1, radius=1), *networks(1, radius=2)], RECIPE)


def test_weights_of_two_precisions_are_refused() -> None:
    ready = networks(2)
    for network in ready:
        network.head.double()

    with pytest.raises(Apart, match="not all real numbers of one precision"):
        Stacked(ready, RECIPE)


class Counting(nn.Module):
    """Counts its steps in a buffer, in place or by another tensor."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        self.in_place = in_place
        self.weight = nn.Parameter(torch.ones(2))
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, u: Tensor, **_: Tensor | None) -> Tensor:
        if self.in_place:
            self.steps += 1
        else:
            self.steps = self.steps + 1
        return self.weight * u


def test_a_buffer_that_changes_in_place_is_given_back() -> None:
    ready = [Counting(in_place=True) for _ in range(2)]
    stacked = Stacked(ready, RECIPE)
    batch = Batch((torch.ones(3, 2),), torch.zeros(3))

    stacked.forward([batch, batch])
    stacked.write_back()

    assert [float(network.steps) for network in ready] == [1.0, 1.0]


def test_a_buffer_that_is_replaced_is_refused() -> None:
    stacked = Stacked([Counting(in_place=False) for _ in range(2)], RECIPE)
    batch = Batch((torch.ones(3, 2),), torch.zeros(3))

    with pytest.raises(Apart, match="another tensor in the place of a weight or a buffer"):
        stacked.forward([batch, batch])
