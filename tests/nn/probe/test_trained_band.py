"""An attention that has to become a band is read as that band.

A causal attention with rotary positions learns, by gradient, to fetch what stood r positions back:
    y[n] = u[n − r]
It may look everywhere; the probe has to say how far it does.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from itnet_kernels import attention
from itnet_nas.kernels import Domain, Operator, Site
from itnet_nas.nn.probe import FULL, probe_operator

LENGTH, WIDTH = 48, 32
DOMAIN = Domain(kind="sequence", shape=(LENGTH,), causal=True)


def trained(radius: int, steps: int) -> tuple[Operator, Tensor, float]:
    """The attention, inputs that it has not seen, and the share of variance that it explains."""
    torch.manual_seed(radius)
    family = attention.FAMILY
    operator = family.build(
        Site(domain=DOMAIN, width=WIDTH), family.Params(heads=4, position="rotary")
    )
    head = nn.Linear(WIDTH, WIDTH)
    parameters = [*operator.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-2, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        loss = missed(operator, head, torch.randn(32, LENGTH, WIDTH), radius)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    u_BND = torch.randn(24, LENGTH, WIDTH)
    return operator, u_BND, 1 - missed(operator, head, u_BND, radius).item()


def missed(operator: Operator, head: nn.Module, u_BND: Tensor, radius: int) -> Tensor:
    """Mean squared error where there is something to fetch; the variance of u is 1."""
    said_BND = head(operator(u_BND))[:, radius:]
    return (said_BND - u_BND[:, :-radius]).square().mean()


@pytest.mark.slow
@pytest.mark.parametrize("radius", [2, 5, 9])
def test_the_radius_of_a_planted_band_is_read_to_one_position(radius: int) -> None:
    operator, u_BND, explained = trained(radius, steps=600)

    scores = probe_operator(operator, u_BND, domain=DOMAIN, budget=FULL).scores

    assert explained > 0.5, "it has not learned the band, so there is none to read"
    assert scores.r90 is not None
    assert abs(scores.r90.value - radius) <= 1
