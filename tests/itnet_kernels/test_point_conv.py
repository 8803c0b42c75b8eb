from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.point_conv import FAMILY, PointConv, PointConvParams
from itnet_nas.kernels import Domain, Site
from itnet_nas.testing import KernelFamilyContract


class TestPointConv(KernelFamilyContract):
    family = FAMILY
    cases = [{"neighbours": 4}, {"neighbours": 7, "radius": 1.2}, {"neighbours": 11, "radius": 0.9}]


CLOUD = Site(domain=Domain(kind="points", shape=(20,), coordinates=3), width=8)


def _mean_of(neighbours: int, radius: float | None) -> PointConv:
    """Constant kernel 1, power 1, maps that change nothing: the mean of what is near."""
    op = PointConv(1, 1, neighbours, radius).double()
    for parameter in op.parameters():
        parameter.data.zero_()
    op.value.weight.data.fill_(1.0)
    op.out.weight.data.fill_(1.0)
    op.reads_MD.data[0] = 1.0
    op.power.data.fill_(1.0)
    return op


U_BND = torch.tensor([1.0, 2.0, 4.0, 8.0], dtype=torch.float64).reshape(1, 4, 1)
X_BNA = torch.tensor([0.0, 1.0, 1.5, 9.0], dtype=torch.float64).reshape(1, 4, 1)


@pytest.mark.parametrize(
    ("neighbours", "radius", "wanted"),
    [
        (2, None, [1.5, 3.0, 3.0, 6.0]),
        (2, 0.75, [1.0, 3.0, 3.0, 8.0]),
        (4, 1.0, [1.5, 7 / 3, 3.0, 8.0]),
        (9, None, [3.75, 3.75, 3.75, 3.75]),
    ],
)
def test_a_mean_of_what_is_near_by_hand(
    neighbours: int, radius: float | None, wanted: list[float]
) -> None:
    y_BND = _mean_of(neighbours, radius)(U_BND, None, X_BNA)

    assert y_BND.flatten().tolist() == pytest.approx(wanted, abs=1e-12)


def test_a_masked_point_is_nobodys_neighbour() -> None:
    mask_BN = torch.tensor([[True, False, True, True]])

    y_BND = _mean_of(2, None)(U_BND, mask_BN, X_BNA)

    assert y_BND.flatten().tolist() == pytest.approx([2.5, 0, 2.5, 6.0], abs=1e-12)


@pytest.mark.parametrize("neighbours", [4, 32])
def test_white_noise_comes_out_about_as_loud(neighbours: int) -> None:
    op = PointConv(48, 3, neighbours, None)

    loud = float(op(torch.randn(4, 200, 48), None, torch.rand(4, 200, 3)).detach().std())

    assert 0.5 < loud < 2


def test_products_are_counted_exactly() -> None:
    """The counter sees no distances, 3 A N², nor reading and normalising, N D (2 M + 3)."""
    op = FAMILY.build(CLOUD, PointConvParams(neighbours=5)).to("meta")
    blind = 3 * 3 * 400 + 20 * 8 * (2 * 17 + 1)

    with FlopCounterMode(display=False) as counter:
        op(torch.empty(1, 20, 8, device="meta"), None, torch.empty(1, 20, 3, device="meta"))

    assert FAMILY.cost(CLOUD, PointConvParams(neighbours=5)).flops - blind == (
        counter.get_total_flops()
    )


@pytest.mark.parametrize(
    ("domain", "why"),
    [
        (
            Domain(kind="sequence", shape=(20,)),
            "neighbours among points need a set of points, not sequence of 20",
        ),
        (Domain(kind="points", shape=(20,)), "points without coordinates have no neighbours"),
    ],
)
def test_the_reason_is_given(domain: Domain, why: str) -> None:
    params = PointConvParams(neighbours=4)

    assert FAMILY.refuses(Site(domain=domain, width=8), params) == why


def test_without_places_it_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match="needs to know where the points stand"):
        PointConv(4, 2, 3, None)(torch.randn(1, 5, 4))


@pytest.mark.slow
@pytest.mark.parametrize("params", [{"neighbours": 32, "radius": 0.7}])
def test_a_lone_layer_learns_the_mean_over_a_ball(params: dict[str, Any]) -> None:
    assert score("point_conv", params, "ball") > 0.95
    assert score("attention", {"heads": 4}, "ball") < 0.5
