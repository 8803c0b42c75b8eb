import math

import pytest
import torch
from torch import nn

from itnet_nas.integral.features import (
    FREQUENCIES,
    PairMlp,
    twice_hidden,
    twice_products,
)
from itnet_nas.integral.pairwise import pair_kernel


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("content", "products", "axes"),
    [(True, 0, 0), (True, 5, 0), (True, 0, 1), (True, 5, 3), (False, 0, 1), (False, 0, 3)],
)
def test_factors_give_what_a_row_of_features_for_each_pair_gives(
    content: bool, products: int, axes: int
) -> None:
    mlp = PairMlp(6, 2, 4, content, products, axes).double()
    u_BND, x_BNA = torch.randn(3, 7, 6).double(), torch.randn(3, 7, axes).double()

    factors = mlp(u_BND, x_BNA)

    wanted = mlp.by_pairs(u_BND, x_BNA)
    found = pair_kernel(factors).expand_as(wanted)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    assert factors.w_MG.shape == (4, mlp.products)
    leaves = [p for p in mlp.parameters() if p is not mlp.read.bias]
    way = torch.randn_like(wanted)
    gradients = [torch.autograd.grad((kappa * way).sum(), leaves) for kappa in (found, wanted)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-11)


def _difference_of(column: int, axes: int, products: int = 0) -> PairMlp:
    """κ is one feature: GELU(p) − GELU(−p) = p."""
    mlp = PairMlp(1, 1, 2, True, products, axes).double()
    for parameter in mlp.parameters():
        nn.init.zeros_(parameter)
    mlp.first.weight.data[:, column] = torch.tensor([1.0, -1.0])
    mlp.read.weight.data[:] = torch.tensor([[1.0, -1.0]])
    return mlp


def _one_pair(mlp: PairMlp, u: list[float], x: list[float]) -> float:
    """κ(0, 1)."""
    u_BND = torch.tensor(u, dtype=torch.float64).reshape(1, 2, 1)
    x_BNA = torch.tensor(x, dtype=torch.float64).reshape(1, 2, -1)
    return float(pair_kernel(mlp(u_BND, x_BNA)).detach()[0, 0, 0, 1])


@pytest.mark.parametrize(
    ("column", "wanted"),
    [(0, -2.0), (1, -4.0), (2, 20.0), (3 + FREQUENCIES, 7.0), (4 + FREQUENCIES, 11.0)],
    ids=["x0 − x1", "y0 − y1", "square", "u0", "u1"],
)
def test_each_column_reads_its_feature(column: int, wanted: float) -> None:
    mlp = _difference_of(column, axes=2)

    assert _one_pair(mlp, [7, 11], [1, 2, 3, 6]) == pytest.approx(wanted, abs=1e-12)


def test_a_wave_is_a_cosine_of_the_difference() -> None:
    mlp = _difference_of(3, axes=1)  # the second wave
    mlp.get_parameter("omega_FA").data[1] = 2.0
    mlp.get_parameter("phase_F").data[1] = 0.3

    wave = math.sqrt(2) * math.cos(2.0 * (0.5 - 1.25) + 0.3)
    assert _one_pair(mlp, [0, 0], [0.5, 1.25]) == pytest.approx(wave, abs=1e-12)


def test_a_product_is_that_of_two_projections() -> None:
    mlp = _difference_of(-1, axes=0, products=1)
    assert mlp.left is not None
    assert mlp.right is not None
    mlp.left.weight.data.fill_(2.0)
    mlp.right.weight.data.fill_(3.0)

    assert _one_pair(mlp, [5, 7], []) == pytest.approx(2 * 5 * 3 * 7, abs=1e-10)


def test_without_content_the_factors_are_those_of_one_example() -> None:
    mlp = PairMlp(6, 2, 4, False, 5, 1)

    factors = mlp(torch.randn(3, 7, 6), torch.randn(1, 7, 1))

    assert factors.a_XMN.shape == (1, 4, 7)
    assert factors.k_XGS.shape == (1, 1 + 2 * FREQUENCIES, 7)


def test_some_keys_are_those_of_each_example() -> None:
    mlp = PairMlp(6, 2, 4, True, 3, 2).double()
    factors = mlp(torch.randn(2, 7, 6).double(), torch.randn(2, 7, 2).double())
    index_BS = torch.tensor([[3, 3, 0], [6, 1, 2]])

    some = pair_kernel(factors.at_keys(index_BS))

    every = pair_kernel(factors)
    wanted = torch.stack([every[b][..., index_BS[b]] for b in range(2)])
    torch.testing.assert_close(some, wanted, rtol=0, atol=1e-13)


def test_a_levelled_kernel_varies_by_one_about_its_mean() -> None:
    mlp = PairMlp(6, 3, 8, True, 2, 1)
    u_BND, x_BNA = torch.randn(1, 40, 6), torch.randn(1, 40, 1)

    mlp.level(u_BND, x_BNA)

    kappa_BHNN = mlp.by_pairs(u_BND, x_BNA).detach()
    gap = kappa_BHNN - kappa_BHNN.mean(-1, keepdim=True)
    torch.testing.assert_close(gap.square().mean((0, 2, 3)).sqrt(), torch.ones(3))


@pytest.mark.parametrize("finest", [0.5, 30.0])
def test_frequencies_lie_between_the_slowest_and_the_finest(finest: float) -> None:
    speed_F = PairMlp(6, 2, 4, True, 0, 2, finest).get_parameter("omega_FA").norm(dim=1)

    low, high = sorted((math.pi / 2, finest))
    assert bool(((speed_F > low * 0.999) & (speed_F < high * 1.001)).all())


def test_twice_the_units_and_twice_the_products_are_the_same_kernel() -> None:
    mlp = PairMlp(6, 2, 4, True, 3, 1).double()
    larger = PairMlp(6, 2, 8, True, 6, 1).double()
    larger.load_state_dict(twice_products(twice_hidden(mlp.state_dict())))
    u_BND, x_BNA = torch.randn(2, 5, 6).double(), torch.randn(2, 5, 1).double()

    kappa = pair_kernel(larger(u_BND, x_BNA))

    torch.testing.assert_close(kappa, pair_kernel(mlp(u_BND, x_BNA)), rtol=0, atol=1e-13)


def test_one_product_becomes_two_that_differ() -> None:
    mlp = PairMlp(6, 2, 4, True, 1, 0)

    weights = twice_products(mlp.state_dict())

    assert not torch.equal(weights["right.weight"][0], weights["right.weight"][1])


def test_angles_are_not_rounded_by_autocast() -> None:
    mlp = PairMlp(6, 1, 16, False, 0, 1, finest=3000.0)
    u_BND, x_1NA = torch.zeros(1, 50, 6), torch.linspace(-1, 1, 50).reshape(1, 50, 1)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        factors = mlp(u_BND, x_1NA)

    half, kappa = pair_kernel(factors).detach(), pair_kernel(mlp(u_BND, x_1NA)).detach()
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, kappa, rtol=0, atol=1e-4)
