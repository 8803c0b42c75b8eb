"""What the contract finds in a faulty family: by all checks but the slow export, or by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itnet_nas.testing.bench import SITES, benches
from itnet_nas.testing.examination import outcome
from itnet_nas.testing.kernel_checks import PROMISES

if TYPE_CHECKING:
    from itnet_nas.kernels import KernelFamily


def found(family: KernelFamily[Any], but: str = "it_can_be_exported") -> dict[str, str]:
    """Check -> why, for the default params, of every check but one."""
    return _found(family, {promise.check.__name__ for promise in PROMISES} - {but})


def caught(family: KernelFamily[Any], check: str) -> str:
    """What one check says; nothing where it holds."""
    return _found(family, {check}).get(check, "")


def _found(family: KernelFamily[Any], checks: set[str]) -> dict[str, str]:
    outcomes = [
        outcome(promise.capability, promise.check, bench, bench.case, str(bench.site.domain))
        for bench in benches(family, [{}], SITES)
        for promise in PROMISES
        if promise.check.__name__ in checks
    ]
    return {one.check: one.broken for one in outcomes if one.broken}
