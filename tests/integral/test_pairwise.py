import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from itnet_nas.integral.features import PairMlp
from itnet_nas.integral.neighbours import near_matrix, nearest
from itnet_nas.integral.pairwise import (
    PairSizes,
    dense_sums,
    gathered_sums,
    gathered_work,
    pair_work,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.mark.parametrize("content", [True, False])
def test_fetched_neighbours_give_what_a_matrix_of_them_gives(content: bool) -> None:
    mlp = PairMlp(6, 2, 4, content, 3, 2).double()
    u_BND, x_BNA = torch.randn(3, 12, 6).double(), torch.randn(3, 12, 2).double()
    field_BHNE = torch.randn(3, 2, 12, 5).double().requires_grad_()
    mask_BN = torch.arange(12) < torch.tensor([[12], [7], [3]])
    near = nearest(x_BNA, 4, mask_BN)
    factors = mlp(u_BND, x_BNA)

    gathered = gathered_sums(factors, field_BHNE, *near)

    phi_BHNN = near_matrix(*near).double().unsqueeze(1)
    dense = dense_sums(factors, field_BHNE, phi_BHNN)
    torch.testing.assert_close(gathered, dense, rtol=0, atol=1e-12)
    leaves = [field_BHNE, *mlp.parameters()]
    gradients = [
        torch.autograd.grad(z.square().sum() + z0.square().sum(), leaves, retain_graph=True)
        for z, z0 in (gathered, dense)
    ]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)


SIZES = PairSizes(hidden=4, products=10, heads=2, channels=8)


def test_products_of_all_pairs_are_counted_exactly() -> None:
    """The counter does not see b added, M for each pair."""
    mlp = PairMlp(6, 2, 4, True, 10, 0).to("meta")
    factors = type(mlp(torch.empty(1, 9, 6, device="meta"), None))(
        *(part.detach().requires_grad_() for part in mlp(torch.empty(1, 9, 6, device="meta"), None))
    )
    field_BHNE = torch.empty(1, 2, 9, 4, device="meta", requires_grad=True)
    with FlopCounterMode(display=False) as forward:
        z, _ = dense_sums(factors, field_BHNE)
    with FlopCounterMode(display=False) as backward:
        z.sum().backward()  # type: ignore[no-untyped-call]

    work = pair_work(9, 9, 81, SIZES, tiled=False)

    assert work.flops - 4 * 81 == forward.get_total_flops()
    assert work.back - 2 * 4 * 81 == backward.get_total_flops()


def test_work_of_a_pair_by_hand() -> None:
    """κ: 4 (2 · 11 + 1 + 2 · 2) = 108, a soft window on one axis 2 · 6 = 12, sums 4 · 8 = 32."""
    sizes = SIZES._replace(soft_axes=1, windowed=True)

    assert pair_work(1, 1, 1, SIZES, tiled=False).flops == 108 + 16
    assert pair_work(1, 1, 1, sizes, tiled=False).flops == 108 + 12 + 32
    assert pair_work(1, 1, 1, sizes, tiled=True).back == 2 * 152 + 120


def test_tiles_keep_what_belongs_to_positions() -> None:
    """M + G and the field: 14 + 8 numbers as query and as many as key, and again the field."""
    assert pair_work(50, 50, 2500, SIZES, tiled=True).kept == 50 * 2 * (2 * 14 + 8)


def test_work_of_a_neighbour_by_hand() -> None:
    """10 products, 2 · 4 (10 + 1 + 2) for κ and 2 (2 + 1) 8 for the sums."""
    work = gathered_work(5, 3, SIZES)

    assert work.flops == 15 * (10 + 104 + 48)
    assert work.back == 2 * work.flops
