"""Small tasks, each solved by one kind of kernel, and a lone layer that has to learn one.

    wave     y[n] = Σ_{|o| ≤ 2} a[o] u[n + o]      a local rule, the same everywhere
    echo     y[n] = Σ_t a^t u[n − t], a = 0.9      a fading memory of everything before
    far      y[n] = u[n − 19]                      one distant position
    places   y[n] = u[π(n)], π fixed               a rule of its own at each position
    recall   y[n] = the value that was shown beside the kind that stands at n
    parity   y[n] = whether the bits so far have an odd sum
    count    y[n] = mean of u over all positions whose first channel is positive
    ball     points: y[n] = mean of u over the points within a distance of 0.7

The layer stands between two linear maps, nothing else looks across positions. `score` is the share
of the target's variance that is explained on fresh examples: 1 at best, 0 for a constant.

Shapes  B examples, N positions, D channels, A coordinates
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from itnet_nas.kernels import Domain, Site
from itnet_nas.registry import KERNELS

LENGTH, WIDTH, CHANNELS = 32, 16, 4


class Examples(NamedTuple):
    """Inputs, targets, and for points where they stand."""

    u_BNC: Tensor
    y_BNC: Tensor
    x_BNA: Tensor | None = None


def examples(task: str, count: int, generator: torch.Generator) -> Examples:
    """`count` fresh examples."""
    u_BNC = torch.randn(count, LENGTH, CHANNELS, generator=generator)
    if task == "wave":
        weights = (0.5, -1.0, 0.7, 1.0, -0.6)
        return Examples(
            u_BNC, sum((w * _moved(u_BNC, o - 2) for o, w in enumerate(weights)), 0 * u_BNC)
        )
    if task == "echo":
        y_BNC = sum((0.9**t * _moved(u_BNC, -t) for t in range(LENGTH)), 0 * u_BNC)
        return Examples(u_BNC, y_BNC)
    if task == "far":
        return Examples(u_BNC, _moved(u_BNC, -19))
    if task == "places":
        order_N = torch.randperm(LENGTH, generator=torch.Generator().manual_seed(7))
        return Examples(u_BNC, u_BNC[:, order_N])
    if task == "recall":
        return _recall(count, generator)
    if task == "parity":
        bits_BN = torch.randint(0, 2, (count, LENGTH), generator=generator)
        odd_BN = bits_BN.cumsum(1) % 2
        return Examples(_signs(bits_BN), _signs(odd_BN))
    if task == "count":
        there_BN1 = (u_BNC[..., :1] > 0).float()
        mean_B1C = (there_BN1 * u_BNC).sum(1, keepdim=True) / there_BN1.sum(1, keepdim=True).clamp(
            1
        )
        return Examples(u_BNC, mean_B1C.expand_as(u_BNC))
    x_BNA = torch.rand(count, LENGTH, 2, generator=generator) * 2 - 1
    near_BNN = (torch.cdist(x_BNA, x_BNA) < 0.7).float()
    return Examples(u_BNC, near_BNN @ u_BNC / near_BNN.sum(-1, keepdim=True), x_BNA)


def _moved(u_BNC: Tensor, by: int) -> Tensor:
    """u[n + by], 0 beyond the ends."""
    padded = nn.functional.pad(u_BNC, (0, 0, max(-by, 0), max(by, 0)))
    start = max(by, 0)
    return padded[:, start : start + u_BNC.shape[1]]


def _signs(bits_BN: Tensor) -> Tensor:
    return (2.0 * bits_BN - 1).unsqueeze(-1).expand(-1, -1, CHANNELS)


def _recall(count: int, generator: torch.Generator) -> Examples:
    """Four kinds (two signs) are shown with a value each, then asked for again and again."""
    kinds_BN = torch.randint(0, 4, (count, LENGTH), generator=generator)
    kinds_BN[:, :4] = torch.argsort(torch.rand(count, 4, generator=generator), 1)
    values_BN = torch.zeros(count, LENGTH)
    values_BN[:, :4] = torch.randn(count, 4, generator=generator)
    table_B4 = torch.zeros(count, 4).scatter(1, kinds_BN[:, :4], values_BN[:, :4])
    shown_BN = (torch.arange(LENGTH) < 4).float().expand(count, -1)
    codes = [((kinds_BN >> bit) & 1) * 2.0 - 1 for bit in range(2)]
    y_BN1 = table_B4.gather(1, kinds_BN).unsqueeze(-1)
    return Examples(torch.stack([*codes, values_BN, shown_BN], -1), y_BN1.expand(-1, -1, CHANNELS))


def site_of(task: str, causal: bool) -> Site:
    """Where the lone layer stands."""
    if task == "ball":
        domain = Domain(kind="points", shape=(LENGTH,), coordinates=2)
    else:
        domain = Domain(kind="sequence", shape=(LENGTH,), causal=causal)
    return Site(domain=domain, width=WIDTH)


def score(
    family: str, params: dict[str, Any], task: str, causal: bool = True, steps: int = 400
) -> float:
    """Share of variance explained after `steps` of AdamW at 1e-2, linearly down to 0."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    found = KERNELS.load(family)
    op = found.build(site_of(task, causal), found.Params(**params))
    first, last = nn.Linear(CHANNELS, WIDTH), nn.Linear(WIDTH, CHANNELS)
    parts = nn.ModuleList([first, op, last])
    optimiser = torch.optim.AdamW(parts.parameters(), lr=1e-2, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        given = examples(task, 32, generator)
        y_BNC = last(op(first(given.u_BNC), None, given.x_BNA))
        loss = nn.functional.mse_loss(y_BNC, given.y_BNC)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    given = examples(task, 256, generator)
    with torch.no_grad():
        y_BNC = last(op(first(given.u_BNC), None, given.x_BNA))
    left = float((y_BNC - given.y_BNC).square().mean())
    return 1 - left / float(given.y_BNC.var())
