"""What ran, what had to, and what is told of a family that is hardly tried."""

from typing import Annotated, Any, Self

import pytest
from pydantic import model_validator
from support.faulty import BallFamily, Family, NoValues
from support.faulty_content import NoParams, ScoresFamily
from support.faulty_memory import MemoryFamily

from itnet_nas.kernels import Domain, KernelFamily, KernelParams, Site, Values
from itnet_nas.testing.bench import SITES, Skipped, conduct, demand, nothing_here
from itnet_nas.testing.examination import Examination, Need, Outcome, Tally, outcome
from itnet_nas.testing.kernel_contract import default_cases, examine_family

OPEN = (Site(domain=Domain(kind="sequence", shape=(4,)), width=2),)


def test_a_check_that_demands_nothing_did_not_run() -> None:
    def looks_away(bench: Any) -> None:
        if bench is None:
            return
        demand(False, "never reached")

    assert outcome("values", looks_away, None) == Outcome(
        "values", "looks_away", skipped="it asked for nothing"
    )


def test_a_check_that_skips_says_why_it_did_not_run() -> None:
    def skips(bench: Any) -> None:
        nothing_here(bench is None, "there is nothing")
        demand(True, "")

    with pytest.raises(Skipped, match="there is nothing"):
        conduct(skips, None)

    assert not outcome("values", skips, None).ran
    assert outcome("values", skips, 1).ran


def test_a_need_is_met_by_one_site_of_its_case() -> None:
    ran = Outcome("state", "keeps", "a=1", "causal")
    skipped = Outcome("state", "keeps", "a=2", "grid", skipped="no order")
    needs = (Need("state", "keeps", "a=1"), Need("state", "keeps", "a=2"))

    found = Examination("one", (ran, skipped), needs)

    assert found.missing == [(needs[1], "no order")]
    assert not found.holds
    assert found.tallies() == {"state": Tally(ran=1, needed=2, broken=0, missing=1)}


def test_a_family_that_refuses_everything_is_told_so() -> None:
    found = examine_family(MemoryFamily("refuses everything"))

    ((need, why),) = found.missing
    assert need.check == "a_case_stands_at_a_site"
    assert why.startswith("NoParams() stands at none of the sites: causal sequence of 21: not here")


def test_a_state_that_no_causal_site_shows_is_not_proved() -> None:
    family: KernelFamily[Any] = _Anywhere()

    missing = {need.check: why for need, why in examine_family(family, [{}], OPEN).missing}

    assert missing["a_state_keeps_its_size"] == "a state is carried along a causal domain"


def test_a_family_without_cases_is_told_so() -> None:
    family = type("Other", (Family,), {"Params": NoValues})()

    found = examine_family(family, sites=SITES[:1])

    assert [one.check for one in found.broken] == [
        "every_param_has_values",
        "its_params_can_be_tried",
    ]
    assert [why for _, why in found.missing] == ["it was tried nowhere"]


def test_every_combination_of_a_few_values_is_a_case() -> None:
    assert default_cases(Family()) == [{"size": 1}, {"size": 2}]
    assert default_cases(ScoresFamily("none")) == [{}]


def test_of_many_values_each_is_tried_once() -> None:
    cases = default_cases(_Choosy(), most=3)

    assert cases == [{"size": 1, "side": "a"}, {"size": 2, "side": "a"}, {"size": 1, "side": "b"}]


def test_combinations_that_params_forbid_are_no_cases() -> None:
    assert {"size": 2, "side": "b"} not in default_cases(_Choosy())
    assert len(default_cases(_Choosy())) == 3


def test_the_checks_of_a_healthy_family_are_counted_by_capability() -> None:
    found = examine_family(BallFamily(), [{}])

    assert found.holds
    tallies = found.tallies()
    assert tallies["sharing"] == Tally(ran=2, needed=2, broken=0, missing=0)
    assert tallies["state"] == Tally(ran=0, needed=0, broken=0, missing=0)
    assert tallies["values"] == Tally(ran=4, needed=3, broken=0, missing=0)
    assert sum(tally.ran for tally in tallies.values()) == found.ran


class _TwoSided(KernelParams):
    size: Annotated[int, Values(1, 2)] = 1
    side: Annotated[str, Values("a", "b")] = "a"

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.size == 2 and self.side == "b":
            raise ValueError("too much")
        return self


class _Choosy(Family):
    Params = _TwoSided


class _Anywhere(KernelFamily[NoParams]):
    """A recurrence that pretends to stand where nothing is hidden."""

    Params = NoParams
    summary = "a memory"
    source = "this test"

    def bias(self, params: NoParams) -> Any:
        return MemoryFamily().bias(params)

    def cost(self, site: Site, params: NoParams) -> Any:
        return MemoryFamily().cost(site, params)

    def build(self, site: Site, params: NoParams) -> Any:
        return MemoryFamily().build(site, params)
