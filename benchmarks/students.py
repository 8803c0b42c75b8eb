"""Is a layer of the general kernel read as what it has learned to do?

    python benchmarks/students.py [--only NAME,…] [--steps 900] [--lr 1e-2] [--hidden 16] [--seed 0]

Five teachers with known kernels, and for each a student: one `integral` layer that learns to give
what the teacher gives, on white noise. Both are probed alike, on inputs that neither has seen, and
the nearest known families of both are named. Prints Markdown: the fit stands beside what was read,
since a probe reads what the student computes.

    conv       a dense convolution over two positions on each side
    mixer      a free matrix over positions
    mean       a running mean with one rate, 0.2; then a map of the channels
    attention  two heads, logits of a deviation of about 3, blind to positions
    min_gru    the family as it begins; its gates read the input

Domains have 32 positions and 16 channels. They are causal where the teacher is (mean, min_gru), as
those of a task would be: the student is not asked to find out by itself that the future is dark.
The loss is the mean squared error over the variance of the teacher; Adam, cosine to a twentieth.
R² = 1 − Σ (y − ŷ)² / Σ (y − mean y)² on inputs of their own.

Shapes  B examples, N positions, D channels
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor, nn

from itnet_nas.analysis.nearest import Nearest, nearest_families
from itnet_nas.kernels import Domain, Site
from itnet_nas.nn.probe import FULL
from itnet_nas.nn.probe.probe import probe_operator
from itnet_nas.registry import KERNELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.results.measured import Scores

LENGTH, WIDTH, BATCH = 32, 16, 32
RATE = 0.2  # of the running mean: it forgets in five positions


@final
class RunningMean(nn.Module):
    """y[n] = M h[n],  h[n] = (1 − a) h[n − 1] + a u[n]: one memory, the same for every channel."""

    def __init__(self, width: int, rate: float) -> None:
        super().__init__()
        self.rate = rate
        # A mean of white noise has a variance of a / (2 − a); y is made as loud as u.
        loud = math.sqrt((2 - rate) / rate)
        self.mix_DD = nn.Parameter(torch.randn(width, width) * loud / math.sqrt(width))

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """As one sum over lags."""
        n_N = torch.arange(u_BND.shape[1])
        lag_NN = n_N[:, None] - n_N[None, :]
        weight_NN = torch.where(lag_NN >= 0, self.rate * (1 - self.rate) ** lag_NN, 0.0)
        return (weight_NN.to(u_BND) @ u_BND) @ self.mix_DD.T


@dataclass(frozen=True)
class Teacher:
    """`family` is the known family that it is one of; `build` makes it at a site."""

    name: str
    family: str
    causal: bool
    build: Callable[[Site], nn.Module]

    @property
    def domain(self) -> Domain:
        """Where it stands, and its student too."""
        return Domain(kind="sequence", shape=(LENGTH,), causal=self.causal)


def family(name: str, **params: Any) -> Callable[[Site], nn.Module]:
    """Builds an operator of an installed family."""

    def build(site: Site) -> nn.Module:
        kernel = KERNELS.load(name)
        operator: nn.Module = kernel.build(site, kernel.Params(**params))
        return operator

    return build


def sharp_attention(site: Site) -> nn.Module:
    """Attention whose queries and keys are √3 times as loud as they begin."""
    operator = family("attention", heads=2, position="none", window=None)(site)
    with torch.no_grad():
        operator.qkv.weight[: 2 * site.width] *= math.sqrt(3)
    return operator


TEACHERS = (
    Teacher("conv", "conv", False, family("conv", radius=2, channels="dense")),
    Teacher("mixer", "position_mixer", False, family("position_mixer", groups=1)),
    Teacher("mean", "ssm", True, lambda site: RunningMean(site.width, RATE)),
    Teacher("attention", "attention", False, sharp_attention),
    Teacher("min_gru", "min_gru", True, family("min_gru")),
)


def noise(examples: int, generator: torch.Generator) -> Tensor:
    """u_BND, standard normal."""
    return torch.randn(examples, LENGTH, WIDTH, generator=generator)


def learn(teacher: nn.Module, student: nn.Module, steps: int, lr: float, seed: int) -> float:
    """Train the student; R² on fresh inputs."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        fresh_BND = noise(256, generator)
        wanted_BND = teacher(fresh_BND, None, None)
        loud = wanted_BND.var()
    optimiser = torch.optim.Adam(student.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, eta_min=lr / 20)
    for _ in range(steps):
        u_BND = noise(BATCH, generator)
        with torch.no_grad():
            target_BND = teacher(u_BND, None, None)
        loss = (student(u_BND, None, None) - target_BND).square().mean() / loud
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        missed = (student(fresh_BND, None, None) - wanted_BND).square().sum()
    return float(1 - missed / (wanted_BND - wanted_BND.mean()).square().sum())


@dataclass(frozen=True)
class Outcome:
    """One teacher and its student, read alike."""

    teacher: Teacher
    fit: float
    taught: Scores
    learned: Scores
    taught_near: Nearest
    learned_near: Nearest
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the teacher's family stands at the least distance from the student."""
        near = (self.learned_near.label, *self.learned_near.as_near)
        return any(label.split("(")[0] == self.teacher.family for label in near)


def study(teacher: Teacher, steps: int, lr: float, hidden: int, seed: int) -> Outcome:
    """Train a student of the teacher, and probe both."""
    began = time.monotonic()
    torch.manual_seed(seed)
    site = Site(domain=teacher.domain, width=WIDTH)
    known = teacher.build(site).requires_grad_(False)
    student = family("integral", hidden=hidden, heads=4, hadamard=8)(site)
    fit = learn(known, student, steps, lr, seed)
    inputs_BND = noise(FULL.inputs, torch.Generator().manual_seed(seed + 1_000))
    taught, learned = (
        probe_operator(op, inputs_BND, domain=teacher.domain, budget=FULL, seed=seed).scores
        for op in (known, student)
    )
    return Outcome(
        teacher=teacher,
        fit=fit,
        taught=taught,
        learned=learned,
        taught_near=nearest_families(taught, teacher.domain)[0],
        learned_near=nearest_families(learned, teacher.domain)[0],
        seconds=time.monotonic() - began,
    )


COLUMNS = ("self_share", "r90", "causality", "sharing", "routing", "pattern", "state", "horizon")


def row(outcome: Outcome) -> str:
    """Two lines: what the student was read as, then the teacher."""
    lines = []
    for who, scores, near in (
        ("student", outcome.learned, outcome.learned_near),
        ("teacher", outcome.taught, outcome.taught_near),
    ):
        figures = [
            "–" if (one := getattr(scores, name)) is None else f"{one.value:.2f}"
            for name in COLUMNS
        ]
        fit = f"{outcome.fit:.2f}" if who == "student" else ""
        right = ("yes" if outcome.right else "**no**") if who == "student" else ""
        cells = [f"{outcome.teacher.name}, {who}", fit, *figures, str(near), right]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, and how many were read right."""
    names = [teacher.name for teacher in TEACHERS]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--only", default=",".join(names), help="teachers, with commas between")
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--hidden", type=int, default=16, help="hidden units of the student")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    unknown = set(given.only.split(",")) - set(names)
    if unknown:
        parser.error(f"no teacher is called {', '.join(sorted(unknown))}; there are {names}")
    torch.set_num_threads(given.threads)
    print(
        f"{given.steps} steps of {BATCH} examples at {given.lr:g}, {given.hidden} hidden units, "
        f"seed {given.seed}; torch {torch.__version__}, {given.threads} threads\n"
    )
    head = ["", "R²", *(name.replace("_", " ") for name in COLUMNS), "nearest", "right"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    outcomes = []
    for teacher in TEACHERS:
        if teacher.name in given.only.split(","):
            outcome = study(teacher, given.steps, given.lr, given.hidden, given.seed)
            outcomes.append(outcome)
            print(row(outcome), flush=True)
    right = sum(outcome.right for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    print(f"\n{right} of {len(outcomes)} are read as their teacher; {seconds:.0f} s in all")


if __name__ == "__main__":
    main()
