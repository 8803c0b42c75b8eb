import pytest
import torch
from torch import nn

from itnet_nas.integral import both_ways, kept_products, tanh_slope, torch_loop


def test_kept_products_are_those_between_two_positions() -> None:
    keep_BNS = torch.tensor([9.0, 2.0, 3.0, 5.0]).reshape(1, 4, 1)

    kept_NN = kept_products(keep_BNS)[0, 0]

    assert kept_NN.tolist() == [[1, 0, 0, 0], [2, 1, 0, 0], [6, 3, 1, 0], [30, 15, 5, 1]]


def test_the_slope_of_tanh_is_1_at_0_and_has_a_gradient_there() -> None:
    x = torch.tensor([0.0, 0.5, -0.5], requires_grad=True)

    slope = tanh_slope(x)
    slope.sum().backward()

    assert slope.tolist() == pytest.approx([1, 0.924234, 0.924234], abs=1e-6)
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


def test_a_run_both_ways_sees_the_real_positions_in_their_order() -> None:
    def adds(u_BND: torch.Tensor) -> torch.Tensor:
        return u_BND.cumsum(1)

    u_BND = torch.tensor([1.0, 2.0, 4.0, 8.0]).reshape(1, 4, 1)
    mask_BN = torch.tensor([[True, False, True, True]])

    y_BN2 = both_ways(adds, adds, u_BND, mask_BN)

    assert y_BN2[0].tolist() == [[1, 13], [0, 0], [5, 12], [13, 8]]


def test_one_way_without_a_mask_is_the_run_itself() -> None:
    torch.manual_seed(0)
    layer = nn.GRU(3, 3, batch_first=True)
    u_BND = torch.randn(2, 5, 3)

    assert torch.equal(both_ways(torch_loop(layer), None, u_BND), layer(u_BND)[0])
