"""What a family has without saying it: no refusal, no other form, one way to compute, no moves."""

from typing import Annotated, ClassVar

import pytest
from pydantic import Field, ValidationError

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.errors import BrokenPlugin
from itnet_nas.kernels import Cost, Domain, KernelFamily, KernelParams, Operator, Site, Values

SITE = Site(domain=Domain(kind="sequence", shape=(9,)), width=4)


class SizeParams(KernelParams):
    """One that has to be given, one that need not be."""

    size: Annotated[int, Field(ge=1, le=4), Values(1, 3)]
    side: Annotated[str | None, Values(None)] = None


class Least(KernelFamily[SizeParams]):
    """Nothing but what has to be said."""

    Params: ClassVar[type[KernelParams]] = SizeParams
    summary = "least"
    source = "this test"

    def bias(self, params: SizeParams) -> Bias:
        return Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)

    def cost(self, site: Site, params: SizeParams) -> Cost:
        return Cost(flops=0, params=0)

    def build(self, site: Site, params: SizeParams) -> Operator:
        raise AssertionError("not built here")


def test_a_family_stands_everywhere_in_one_way_and_moves_nowhere() -> None:
    family, params = Least(), SizeParams(size=2)

    assert family.refuses(SITE, params) == ""
    assert family.normalize(SITE, params) is params
    assert family.evaluations(SITE, params) == ()
    assert family.morphisms(SITE, params) == ()


def test_values_to_try_are_read_off_the_annotations() -> None:
    assert SizeParams.default_values() == {"size": (1, 3), "side": (None,)}


@pytest.mark.parametrize("given", [{"size": 5}, {"size": 1, "sise": 2}, {}])
def test_a_wrong_or_unknown_or_missing_value_is_an_error(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        SizeParams.model_validate(given)


def test_a_field_without_values_names_itself() -> None:
    class Silent(KernelParams):
        size: int = 1

    with pytest.raises(BrokenPlugin, match=r"Silent\.size states no values to try"):
        Silent.default_values()
