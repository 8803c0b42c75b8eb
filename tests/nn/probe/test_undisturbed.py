"""An operator is probed without a trace."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from itnet_nas.nn.probe.undisturbed import undisturbed

CPU = torch.device("cpu")


def layered() -> nn.Sequential:
    found = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    found[0].bias.requires_grad_(False)
    found[1].eval()
    return found


def test_modes_and_flags_are_put_back() -> None:
    op = layered()

    with undisturbed(op, 0, CPU) as run:
        assert run is op
        assert not any(module.training for module in op.modules())
        assert not any(parameter.requires_grad for parameter in op.parameters())

    assert [module.training for module in op.modules()] == [True, True, False]
    assert [parameter.requires_grad for parameter in op.parameters()] == [True, False]


def test_modes_and_flags_are_put_back_after_an_error() -> None:
    op = layered()

    with pytest.raises(ZeroDivisionError), undisturbed(op, 0, CPU):
        raise ZeroDivisionError

    assert [module.training for module in op.modules()] == [True, True, False]
    assert op[0].weight.requires_grad


def test_its_own_stream_is_fixed_by_the_seed() -> None:
    drawn = []
    for seed in (3, 3, 4):
        with undisturbed(nn.Identity(), seed, CPU):
            drawn.append(torch.rand(2).tolist())

    assert drawn[0] == drawn[1] != drawn[2]


def test_the_stream_around_a_probe_goes_on_as_without_it() -> None:
    torch.manual_seed(5)
    with undisturbed(nn.Linear(2, 2), 3, CPU):
        torch.rand(7)
    after = torch.rand(2)

    torch.manual_seed(5)
    nn.Linear(2, 2)

    assert torch.equal(after, torch.rand(2))


def test_half_precision_is_run_as_a_copy_in_float32() -> None:
    op = nn.Linear(2, 2).bfloat16()

    with undisturbed(op, 0, CPU) as run:
        assert run(torch.zeros(1, 2)).dtype == torch.float32

    assert op.weight.dtype == torch.bfloat16


def test_autocast_does_not_reach_in() -> None:
    op = nn.Linear(2, 2)

    with torch.autocast("cpu", dtype=torch.bfloat16), undisturbed(op, 0, CPU) as run:
        found = run(torch.zeros(1, 2))

    assert found.dtype == torch.float32


def test_loops_of_torch_without_dropout_stay_in_training_mode() -> None:
    """cuDNN refuses their gradient otherwise."""
    op = nn.Sequential(nn.GRU(2, 2), nn.GRU(2, 2, num_layers=2, dropout=0.5)).eval()

    with undisturbed(op, 0, CPU):
        assert [module.training for module in op] == [True, False]

    assert [module.training for module in op] == [False, False]
