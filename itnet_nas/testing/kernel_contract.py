"""`KernelFamilyContract`: the tests that the author of a kernel family inherits.

    class TestFourier(KernelFamilyContract):
        family = FAMILY
        cases = [{"modes": 4}, {"modes": 8}]

Each case is tried at every site that the family does not refuse it at; `sites` can be replaced.
`examine_family` runs the same checks without pytest, and counts them; without cases it takes the
values that the params themselves say are worth trying.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError

from itnet_nas.testing.bench import (
    SITES,
    WIDE_SITES,
    Bench,
    ContractBroken,
    Skipped,
    benches,
    conduct,
    one_thread,
)
from itnet_nas.testing.examination import Examination, Need, Outcome, outcome, reason
from itnet_nas.testing.kernel_checks import CASE_CHECKS, FAMILY_CHECKS, PROMISES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pytest

    from itnet_nas.kernels import KernelFamily, Site

STANDING = "a_case_stands_at_a_site"
MOST_CASES = 8  # beyond that many combinations, each value is tried once


def default_cases(family: KernelFamily[Any], most: int = MOST_CASES) -> list[dict[str, Any]]:
    """The values that the params state, as cases: all combinations, or each value once.

    Where there are more than `most` combinations, each value stands beside the first of every other
    param. A combination that Params themselves forbid is left out.
    """
    values = family.Params.default_values()
    if math.prod(map(len, values.values())) <= most:
        rows = itertools.product(*values.values())
        cases = [dict(zip(values, row, strict=True)) for row in rows]
    else:
        first = {name: domain[0] for name, domain in values.items()}
        cases = [first]
        cases += [{**first, name: v} for name, domain in values.items() for v in domain[1:]]
    return [case for case in cases if _legal(family, case)]


def _legal(family: KernelFamily[Any], case: Mapping[str, Any]) -> bool:
    try:
        family.Params(**case)
    except ValidationError:
        return False
    return True


def examine_family(
    family: KernelFamily[Any],
    cases: Sequence[Mapping[str, Any]] | None = None,
    sites: tuple[Site, ...] = WIDE_SITES,
    name: str = "",
) -> Examination:
    """Run every check of every case at every accepted site, and say which of them were needed.

    Without `cases` those of `default_cases` are tried. Nothing is raised: an error inside the
    family counts as broken, and a case that every site refuses as a check that did not run.
    """
    outcomes = [outcome("statements", check, family) for check in FAMILY_CHECKS]
    needs = [Need("statements", FAMILY_CHECKS[0].__name__)]
    try:
        tried = default_cases(family) if cases is None else cases
    except Exception as error:
        outcomes.append(Outcome("cases", "its_params_can_be_tried", broken=reason(error)))
        tried = []
    standing: list[Outcome] = []
    for case in tried:
        with one_thread():
            first, more, wanted = _examine_case(family, case, sites)
        standing.append(first)
        outcomes += more
        needs += wanted
    # A case that somebody names has to stand somewhere; of those read off the params, one.
    named = standing if cases is not None else [one for one in standing if one.ran][:1]
    named = named or standing or [Outcome("cases", STANDING)]
    needs += [Need(one.capability, one.check, one.case) for one in named]
    outcomes += standing
    return Examination(name or type(family).__name__, tuple(outcomes), tuple(needs))


def _examine_case(
    family: KernelFamily[Any], case: Mapping[str, Any], sites: tuple[Site, ...]
) -> tuple[Outcome, list[Outcome], list[Need]]:
    """One case: whether it stands anywhere, every check wherever it does, and what it needs."""
    try:
        found = benches(family, [case], sites)
        needs = [
            Need(promise.capability, promise.check.__name__, found[0].case)
            for promise in PROMISES
            if promise.needed(family, found[0].params, found)
        ]
    except ContractBroken as refused:
        return Outcome("cases", STANDING, _text(case), skipped=str(refused)), [], []
    except Exception as error:
        return Outcome("cases", STANDING, _text(case), broken=reason(error)), [], []
    outcomes = [
        outcome(promise.capability, promise.check, bench, bench.case, str(bench.site.domain))
        for bench in found
        for promise in PROMISES
    ]
    return Outcome("cases", STANDING, found[0].case), outcomes, needs


def _text(case: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in case.items()) or "no params"


def check_family(
    family: KernelFamily[Any], cases: Sequence[Mapping[str, Any]], sites: tuple[Site, ...] = SITES
) -> list[tuple[str, str, str]]:
    """Run every check. Returns what is broken as (check, case and site, why); empty when all hold.

    An error inside a family counts as broken, with its own text, and a case that no site accepts is
    broken too. `examine_family` says besides what ran.
    """
    found = examine_family(family, cases, sites)
    broken = [(one.check, one.where, one.broken) for one in found.broken]
    return broken + [(need.check, need.case, why) for need, why in found.missing]


class KernelFamilyContract:
    """Inherit, and name the family and the params to try."""

    family: ClassVar[KernelFamily[Any]]
    cases: ClassVar[Sequence[Mapping[str, Any]]]
    sites: ClassVar[tuple[Site, ...]] = SITES

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each check, case and accepted site; pytest calls this."""
        if "family_check" in metafunc.fixturenames:
            metafunc.parametrize("family_check", FAMILY_CHECKS, ids=lambda check: check.__name__)
        if "case_check" in metafunc.fixturenames:
            metafunc.parametrize("case_check", CASE_CHECKS, ids=lambda check: check.__name__)
            metafunc.parametrize("bench", benches(self.family, self.cases, self.sites), ids=str)

    def test_family(self, family_check: Callable[[KernelFamily[Any]], None]) -> None:
        """What the family states once and for all."""
        _conduct(family_check, self.family)

    def test_case(self, case_check: Callable[[Bench], None], bench: Bench) -> None:
        """What an operator of it does at one site."""
        _conduct(case_check, bench)


def _conduct(check: Callable[[Any], None], subject: Any) -> None:
    """Run a check; one that measures nothing is a skipped test, not a passed one."""
    try:
        conduct(check, subject)
    except Skipped as skipped:
        import pytest

        pytest.skip(str(skipped))
