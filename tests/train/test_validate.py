"""Metrics over a split."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from tiny_builders import architecture
from tiny_plugins import SHIFT, EchoParams, EchoTask

from itnet_nas.nn.network import ITNet, build_network
from itnet_nas.tasks import Batch
from itnet_nas.train.device import Device
from itnet_nas.train.finite import NonFiniteLoss
from itnet_nas.train.validate import validate

CPU = Device(torch.device("cpu"), "cpu: pretended")


def network(task: EchoTask) -> ITNet:
    torch.manual_seed(0)
    return build_network(architecture(), {"shift": SHIFT}, task)


@pytest.mark.parametrize("padded", [False, True])
def test_the_size_of_batches_does_not_change_a_metric(padded: bool) -> None:
    task = EchoTask(EchoParams(padded=padded))
    net = network(task)

    whole = validate(net, task, "validation", 24, CPU)
    ragged = validate(net, task, "validation", 7, CPU)

    assert whole["error"] == ragged["error"]
    assert whole["bits"] == pytest.approx(ragged["bits"], rel=1e-6)


def test_the_error_is_wrong_over_scored() -> None:
    task = EchoTask(EchoParams())
    net = network(task)
    batch = next(task.eval_batches("validation", 24))
    wrong = (net(*batch.inputs).argmax(-1) != batch.target)[:, 1:]

    assert validate(net, task, "validation", 24, CPU)["error"] == float(wrong.double().mean())


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_the_network_is_put_back(training: bool) -> None:
    task = EchoTask(EchoParams())
    net = network(task).train(training)

    validate(net, task, "validation", 24, CPU)

    assert net.training is training


class Unscored(EchoTask):
    def eval_batches(self, split: str, batch_size: int) -> Iterator[Batch]:
        for batch in super().eval_batches("validation", batch_size):
            yield Batch(batch.inputs, torch.full_like(batch.target, -100), batch.mask)


def test_a_split_that_scores_nothing_is_an_error() -> None:
    task = Unscored(EchoParams())

    with pytest.raises(
        ValueError, match=r'^nothing in the split "test" is scored by the metric "error"$'
    ):
        validate(network(task), task, "test", 24, CPU)


def test_a_metric_that_is_not_finite_is_an_error() -> None:
    task = EchoTask(EchoParams())
    net = network(task)
    torch.nn.init.constant_(net.head.linear.bias, torch.nan)

    with pytest.raises(NonFiniteLoss, match=r"^the validation bits is nan"):
        validate(net, task, "validation", 24, CPU)
