from typing import Any

import torch

from itnet_kernels.identity import FAMILY, Identity, IdentityParams
from itnet_nas.integral import apply_dense
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract

SITE = Site(domain=Domain(kind="sequence", shape=(10,), causal=True), width=4)


class TestIdentity(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [{}]


def test_it_is_the_local_term_alone() -> None:
    op = Identity(2)
    op.mix.weight.data = torch.tensor([[1.0, 2.0], [0.0, 1.0]])
    op.mix.bias.data = torch.tensor([0.5, 0.0])

    y_BND = op(torch.tensor([[[1.0, 1.0], [2.0, 0.0]]]))

    assert y_BND.tolist() == [[[3.5, 1.0], [2.5, 0.0]]]


def test_its_kernel_has_no_heads() -> None:
    op = Identity(3)
    u_BND = torch.randn(2, 5, 3)

    kernel = op.dense_kernel(u_BND)

    assert kernel.k_BHNN.shape == (2, 0, 5, 5)
    torch.testing.assert_close(apply_dense(kernel, u_BND), op(u_BND))


def test_its_cost_by_hand() -> None:
    """10 positions of width 4: a map of 16 weights and 4 biases."""
    assert FAMILY.cost(SITE, IdentityParams()) == Cost(
        flops=320,
        params=20,
        state_bytes=0,
        train_flops=960,
        decode_flops=32,
        traffic_bytes=4 * (40 + 40 + 20),
        activation_bytes=160,
    )
