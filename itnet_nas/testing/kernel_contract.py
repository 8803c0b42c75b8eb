"""`KernelFamilyContract`: the tests that the author of a kernel family inherits.

    class TestFourier(KernelFamilyContract):
        family = FAMILY
        cases = [{"modes": 4}, {"modes": 8}]

Each case is tried at every site that the family does not refuse it at; `sites` can be replaced.
`check_family` runs the same checks without pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from itnet_nas.testing import forms, measured, numeric, stated
from itnet_nas.testing.bench import SITES, ContractBroken, benches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pytest

    from itnet_nas.kernels import KernelFamily, Site
    from itnet_nas.testing.bench import Bench

FAMILY_CHECKS: tuple[Callable[[KernelFamily[Any]], None], ...] = (
    stated.it_says_what_it_is,
    stated.every_param_has_values,
)
CASE_CHECKS: tuple[Callable[[Bench], None], ...] = (
    stated.the_bias_is_whole,
    stated.normal_params_stay,
    stated.the_cost_is_the_operators,
    stated.every_cost_is_stated,
    stated.evaluations_have_reasons,
    stated.arguments_are_plain,
    numeric.forward_is_the_reference,
    numeric.gradients_are_the_reference,
    numeric.a_masked_position_does_not_exist,
    numeric.examples_do_not_meet,
    numeric.step_is_forward,
    numeric.a_seed_gives_the_same_operator,
    numeric.copies_compute_the_same,
    numeric.float32_stays_float32,
    forms.forward_is_the_dense_kernel,
    forms.bfloat16_is_close,
    forms.packed_examples_do_not_meet,
    forms.morphisms_keep_the_function,
    forms.it_can_be_exported,
    measured.the_future_stays_hidden,
    measured.support_is_as_declared,
    measured.sharing_is_as_declared,
    measured.content_is_as_declared,
    measured.a_set_has_no_order,
    measured.a_state_keeps_its_size,
)


def check_family(
    family: KernelFamily[Any], cases: Sequence[Mapping[str, Any]], sites: tuple[Site, ...] = SITES
) -> list[tuple[str, str, str]]:
    """Run every check. Returns what is broken as (check, case and site, why); empty when all hold.

    An error inside a family counts as broken, with its own text.
    """
    broken = []
    for family_check in FAMILY_CHECKS:
        try:
            family_check(family)
        except Exception as error:
            broken.append((family_check.__name__, "", _why(error)))
    for bench in benches(family, cases, sites):
        for check in CASE_CHECKS:
            try:
                check(bench)
            except Exception as error:
                broken.append((check.__name__, str(bench), _why(error)))
    return broken


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, ContractBroken) else f"{type(error).__name__}: {error}"


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
        family_check(self.family)

    def test_case(self, case_check: Callable[[Bench], None], bench: Bench) -> None:
        """What an operator of it does at one site."""
        case_check(bench)
