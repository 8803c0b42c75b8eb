import math

import torch

from itnet_nas.integral.masks import real_positions, zero_masked

MASK_BN = torch.tensor([[True, False, True]])


def test_an_infinity_behind_the_mask_is_0() -> None:
    u_BND = torch.tensor([[[1.0], [math.inf], [math.nan]]])

    assert zero_masked(u_BND, MASK_BN & torch.tensor([True, True, False]))[0, :, 0].tolist() == [
        1,
        0,
        0,
    ]


def test_without_a_mask_nothing_is_copied() -> None:
    u_BND = torch.ones(1, 3, 1)

    assert zero_masked(u_BND, None) is u_BND


def test_the_gradient_behind_the_mask_is_0() -> None:
    u_BND = torch.ones(1, 3, 1, requires_grad=True)
    zero_masked(u_BND, MASK_BN).sum().backward()

    assert u_BND.grad is not None
    assert u_BND.grad.flatten().tolist() == [1, 0, 1]


def test_real_positions_come_in_order() -> None:
    assert real_positions(MASK_BN, 0, 3) == [0, 2]
    assert real_positions(None, 0, 3) == [0, 1, 2]
