"""What the checks of a kernel family work on: the family at given params, at one site."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from itnet_nas.integral.dense import apply_dense
from itnet_nas.integral.masks import zero_masked
from itnet_nas.kernels import Domain, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from itnet_nas.kernels import KernelFamily, KernelParams, Operator

SITES = tuple(
    Site(domain=domain, width=8)
    for domain in (
        # 21 and 4 x 5: no power of two, no multiple of a block, no square.
        Domain(kind="sequence", shape=(21,), causal=True),
        Domain(kind="sequence", shape=(21,)),
        Domain(kind="grid", shape=(4, 5)),
        Domain(kind="points", shape=(9,)),
        Domain(kind="points", shape=(11,), coordinates=2),
    )
)


STIR = 0.1  # as much as a few steps of training


# The same, with more points than anybody's default number of neighbours.
WIDE_SITES = (
    *SITES[:-1],
    Site(domain=Domain(kind="points", shape=(19,), coordinates=2), width=8),
)


class ContractBroken(AssertionError):
    """A family does not do what it says. The text names the promise and the figure against it."""


class Skipped(Exception):
    """A check found nothing to measure here, and says why. It counts as a check that did not run.

    One that returns without a single demand is taken for such a check too.
    """


_demands: ContextVar[int] = ContextVar("demands", default=0)


def nothing_here(when: bool, why: str) -> None:
    """Raise Skipped(`why`) if so: the promise that is checked does not apply here."""
    if when:
        raise Skipped(why)


def demand(held: bool, broken: str) -> None:
    """Raise ContractBroken(`broken`) unless `held`; unlike assert, also under -O."""
    _demands.set(_demands.get() + 1)
    if not held:
        raise ContractBroken(broken)


def conduct(check: Callable[[Any], None], subject: Any) -> None:
    """Run one check. Raises what it raises, and Skipped where it demanded nothing."""
    before = _demands.get()
    check(subject)
    nothing_here(_demands.get() == before, "it asked for nothing")


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch with a single thread: on small tensors, threads only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Placed:
    """An operator and where its points stand: what the checks call, at every kind of site.

    One example's places serve for as many copies of it as are asked for.
    """

    op: Operator
    x_BNA: Tensor | None

    def __call__(self, u_BND: Tensor, mask_BN: Tensor | None = None) -> Tensor:
        """The fast path."""
        y_BND: Tensor = self.op(u_BND, mask_BN, self._places(u_BND))
        return y_BND

    def reference(self, u_BND: Tensor, mask_BN: Tensor | None = None) -> Tensor:
        """The slow one."""
        return self.op.reference(u_BND, mask_BN, self._places(u_BND))

    def dense(self, u_BND: Tensor, mask_BN: Tensor | None = None) -> Tensor:
        """The integral with the kernel written out."""
        kernel = self.op.dense_kernel(u_BND, mask_BN, self._places(u_BND))
        return zero_masked(apply_dense(kernel, zero_masked(u_BND, mask_BN)), mask_BN)

    def _places(self, u_BND: Tensor) -> Tensor | None:
        if self.x_BNA is None:
            return None
        return self.x_BNA.to(u_BND.dtype).expand(len(u_BND), -1, -1)


@dataclass(frozen=True)
class Bench:
    """A family at given params, at a site that it accepts."""

    family: KernelFamily[Any]
    params: KernelParams
    site: Site

    def __str__(self) -> str:
        return f"{self.case}-{self.site.domain}"

    @property
    def case(self) -> str:
        """The params in one word."""
        inside = ",".join(f"{name}={value}" for name, value in self.params.model_dump().items())
        return inside or "no params"

    def at_length(self, length: int) -> Bench:
        """The same on a sequence of another length; itself where it is none or that is refused."""
        domain = self.site.domain
        if domain.kind != "sequence":
            return self
        longer = Domain(kind="sequence", shape=(length,), causal=domain.causal)
        site = Site(domain=longer, width=self.site.width)
        if self.family.refuses(site, self.params):
            return self
        return Bench(self.family, self.params, site)

    def build(self, seed: int = 0, dtype: torch.dtype = torch.float64) -> Operator:
        """The operator with the weights of `seed`; the global generator stays as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            op = self.family.build(self.site, self.params)
        return op.to(dtype).eval()

    def stirred(self) -> Operator:
        """The operator at random weights: each parameter moved a little from where it begins.

        What a kernel may depend on must not be read off special weights: taps that begin at zero
        answer to nothing, and flat scores look like no scores at all.
        """
        op = self.build()
        generator = torch.Generator().manual_seed(6)
        with torch.no_grad():
            for weight in op.parameters():
                noise = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
                weight.add_(noise.to(weight.dtype), alpha=STIR)
        return op

    def place(self, op: Operator, batch: int = 2, first: int = 0) -> Placed:
        """The operator with places for `batch` examples, from the `first` on."""
        return Placed(op, self.places(batch, first))

    def places(self, batch: int = 2, first: int = 0) -> Tensor | None:
        """x_BNA, standard normal, each example's own; None where positions need no places."""
        domain = self.site.domain
        if not domain.coordinates:
            return None
        rows = []
        for example in range(first, first + batch):
            generator = torch.Generator().manual_seed(1000 + example)
            shape = (domain.length, domain.coordinates)
            rows.append(torch.randn(shape, generator=generator, dtype=torch.float64))
        return torch.stack(rows)

    def field(self, seed: int = 1, batch: int = 2, dtype: torch.dtype = torch.float64) -> Tensor:
        """u_BND, standard normal."""
        generator = torch.Generator().manual_seed(seed)
        shape = (batch, self.site.length, self.site.width)
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    def masks(self) -> dict[str, Tensor]:
        """mask_BN for two examples: padding at the end, and holes."""
        length = self.site.length
        n_N = torch.arange(length)
        ends = torch.stack([n_N < length - length // 3, n_N < length])
        holes = torch.stack([n_N % 3 != 1, n_N % 4 != 0])
        return {"padding": ends, "holes": holes}


def benches(
    family: KernelFamily[Any], cases: Sequence[Mapping[str, Any]], sites: tuple[Site, ...] = SITES
) -> list[Bench]:
    """Every case at every site that it is not refused at.

    Raises ContractBroken for a case that no site accepts: it would be checked nowhere.
    """
    found = []
    for case in cases:
        params = family.Params(**case)
        accepted = [site for site in sites if not family.refuses(site, params)]
        reasons = "; ".join(f"{site.domain}: {family.refuses(site, params)}" for site in sites)
        demand(bool(accepted), f"{params!r} stands at none of the sites: {reasons}")
        found += [Bench(family, params, site) for site in accepted]
    return found


def worst(a: Tensor, b: Tensor) -> float:
    """The largest difference, relative to the largest magnitude where that is above 1."""
    if a.shape != b.shape:
        return float("inf")
    if not a.numel():
        return 0.0
    difference = float((a - b).abs().max() / b.abs().max().clamp(min=1))
    return float("inf") if difference != difference else difference
