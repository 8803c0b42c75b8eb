"""What an operator has without saying it, and what it says it has not."""

import pytest
import torch
from torch import Tensor

from itnet_nas.integral.dense import DenseKernel
from itnet_nas.kernels import Operator


class Mean(Operator):
    """Nothing but the factors: the mean over real positions, and forward read off them."""

    def __init__(self, width: int, loud: float = 1.0) -> None:
        super().__init__()
        self.width = width
        self.loud = loud

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return self.reference(u_BND, mask_BN, x_BNA)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        real_BN = torch.ones_like(u_BND[..., 0]) if mask_BN is None else mask_BN.to(u_BND.dtype)
        k_BNN = (real_BN / real_BN.sum(1, keepdim=True)).unsqueeze(1).expand(-1, u_BND.shape[1], -1)
        unit_1DD = torch.eye(self.width).unsqueeze(0)
        return DenseKernel(self.loud * k_BNN.unsqueeze(1), unit_1DD, unit_1DD)


class Bare(Operator):
    """Not even the factors."""

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND


def test_the_reference_is_the_integral_with_the_kernel_written_out() -> None:
    u_BND = torch.tensor([2.0, 4.0, 9.0]).reshape(1, 3, 1)

    assert Mean(1).reference(u_BND).flatten().tolist() == [5, 5, 5]


def test_the_reference_leaves_out_what_is_not_real() -> None:
    u_BND = torch.tensor([2.0, 4.0, float("nan")]).reshape(1, 3, 1)

    y_BND = Mean(1).reference(u_BND, torch.tensor([[True, True, False]]))

    assert y_BND.flatten().tolist() == [3, 3, 0]


def test_the_constructor_arguments_are_kept_as_they_were_given() -> None:
    assert Mean(3, loud=2.0).arguments == ((3,), {"loud": 2.0})


def test_they_are_no_weights_and_no_part_of_the_state() -> None:
    assert Mean(3).state_dict() == {}


def test_an_operator_decodes_only_where_it_says_so() -> None:
    op = Bare()

    assert not op.decodes
    with pytest.raises(NotImplementedError, match="Bare cannot decode; ask `decodes` first"):
        op.start(1)
    with pytest.raises(NotImplementedError, match="Bare cannot decode; ask `decodes` first"):
        op.step(torch.zeros(1, 1), None)


def test_an_operator_without_factors_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Bare does not state its kernel"):
        Bare().reference(torch.zeros(1, 1, 1))


def test_weight_decay_harms_nothing_unless_it_is_named() -> None:
    assert Bare.undecayed == ()
