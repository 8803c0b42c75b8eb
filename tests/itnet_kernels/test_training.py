"""Two layers of width 48 learn bytes of Python's own library, at the rate of the quick start."""

import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from itnet_nas.kernels import Domain, Site
from itnet_nas.nn.block import Block
from itnet_nas.registry import KERNELS

SITE = Site(domain=Domain(kind="sequence", shape=(64,), causal=True), width=48)


@cache
def _bytes() -> Tensor:
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:60]
    return torch.tensor(list(b"".join(file.read_bytes() for file in files)))


def _windows(text: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    starts = torch.randint(0, len(text) - 65, (count,), generator=generator)
    both = torch.stack([text[start : start + 65] for start in starts])
    return both[:, :-1], both[:, 1:]


@cache
def _loss(family: str, params: tuple[tuple[str, Any], ...]) -> float:
    """Nats per byte on held-out text after 300 steps at 1.5e-2, linearly down to 0."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    found = KERNELS.load(family)
    chosen = found.Params(**dict(params))
    mixers = [Block(found.build(SITE, chosen), 48, 2) for _ in range(2)]
    net = nn.Sequential(nn.Embedding(256, 48), *mixers, nn.LayerNorm(48), nn.Linear(48, 256))
    optimiser = torch.optim.AdamW(net.parameters(), lr=1.5e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1, (step + 1) / 20) * (1 - step / 300)
    )
    train, held_out = _bytes()[:-40_000], _bytes()[-40_000:]
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        inputs, targets = _windows(train, 16, generator)
        loss = F.cross_entropy(net(inputs).flatten(0, 1), targets.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        inputs, targets = _windows(held_out, 128, generator)
        return float(F.cross_entropy(net(inputs).flatten(0, 1), targets.flatten()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "params"),
    [
        ("conv", {"radius": 6}),
        ("attention", {"heads": 4, "position": "rotary"}),
        ("attention", {"heads": 2}),
        ("gru", {}),
        ("ssm", {"state": 16}),
        ("position_mixer", {}),
    ],
)
def test_a_family_that_looks_around_learns_more_than_one_that_does_not(
    family: str, params: dict[str, Any]
) -> None:
    assert _loss(family, tuple(params.items())) < _loss("identity", ()) - 0.02
