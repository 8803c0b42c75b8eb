import pytest
import torch
from support.learning import score
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.point_attention import FAMILY, PointAttention, PointAttentionParams
from itnet_nas.kernels import Domain, Site
from itnet_nas.testing import KernelFamilyContract


class TestPointAttention(KernelFamilyContract):
    family = FAMILY
    cases = [{"heads": 2}, {"heads": 1, "neighbours": 4}, {"heads": 4, "neighbours": 3}]


def _cloud(coordinates: int = 3, width: int = 8) -> Site:
    domain = Domain(kind="points", shape=(20,), coordinates=coordinates)
    return Site(domain=domain, width=width)


def test_where_nothing_turns_it_is_plain_attention() -> None:
    op = PointAttention(8, 3, heads=2, neighbours=None).double()
    op.omega_HAP.data.zero_()
    u_BND = torch.randn(2, 9, 8, dtype=torch.float64)

    y_BND = op(u_BND, None, torch.randn(2, 9, 3, dtype=torch.float64))

    q, k, v = op.qkv(u_BND).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
    wanted_BND = op.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
    torch.testing.assert_close(y_BND, wanted_BND, rtol=0, atol=1e-13)


def test_one_neighbour_is_the_point_itself() -> None:
    op = PointAttention(8, 3, heads=2, neighbours=1).double()
    u_BND = torch.randn(2, 9, 8, dtype=torch.float64)

    y_BND = op(u_BND, None, torch.randn(2, 9, 3, dtype=torch.float64))

    torch.testing.assert_close(y_BND, op.out(op.qkv(u_BND)[..., 16:]), rtol=0, atol=1e-13)


def test_far_from_the_origin_nothing_is_lost() -> None:
    op = PointAttention(8, 3, heads=2, neighbours=None)
    u_BND, x_BNA = torch.randn(2, 9, 8), torch.randn(2, 9, 3)

    moved_BND = op(u_BND, None, (x_BNA.double() + 1e5).float().double())

    torch.testing.assert_close(moved_BND, op(u_BND, None, x_BNA), rtol=0, atol=0.05)


@pytest.mark.parametrize("neighbours", [None, 5])
def test_products_are_counted_exactly(neighbours: int | None) -> None:
    """The counter sees neither distances, turns, nor softmax."""
    params = PointAttentionParams(heads=2, neighbours=neighbours)
    op = FAMILY.build(_cloud(), params).to("meta")
    near = 20 if neighbours is None else neighbours
    blind = 6 * 20 * 8 + 4 * 20 * near * 2 + (3 * 3 * 400 if neighbours else 0)

    with FlopCounterMode(display=False) as counter:
        op(torch.empty(1, 20, 8, device="meta"), None, torch.empty(1, 20, 3, device="meta"))

    assert FAMILY.cost(_cloud(), params).flops - blind == counter.get_total_flops()


def test_as_many_neighbours_as_points_are_all() -> None:
    params = PointAttentionParams(heads=2, neighbours=20)

    assert FAMILY.normalize(_cloud(), params) == PointAttentionParams(heads=2)


@pytest.mark.parametrize(("neighbours", "way"), [(None, "fused"), (16, "gather")])
def test_neighbours_are_gathered(neighbours: int | None, way: str) -> None:
    ways = FAMILY.evaluations(_cloud(), PointAttentionParams(heads=2, neighbours=neighbours))

    assert [evaluation.name for evaluation in ways if evaluation.taken] == [way]


@pytest.mark.parametrize(
    ("site", "why"),
    [
        (
            Site(domain=Domain(kind="grid", shape=(2, 3)), width=8),
            "turns by coordinates need a set of points, not grid of 2 x 3",
        ),
        (_cloud(0), "points without coordinates stand nowhere; attention is blind to that"),
        (_cloud(width=9), "2 heads do not divide width 9"),
        (
            _cloud(width=6),
            "turns need heads of an even number of channels, and 2 heads of width 6 have 3",
        ),
    ],
)
def test_the_reason_is_given(site: Site, why: str) -> None:
    assert FAMILY.refuses(site, PointAttentionParams(heads=2)) == why


@pytest.mark.slow
def test_a_lone_layer_looks_nearby_better_than_one_that_is_blind_to_places() -> None:
    assert score("point_attention", {"heads": 4}, "ball") > 0.7
    assert score("attention", {"heads": 4}, "ball") < 0.5
