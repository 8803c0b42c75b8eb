import pytest
import torch
from torch import Tensor

from itnet_nas.integral.dense import DenseKernel, apply_dense, one_head_per_channel, with_one


@pytest.fixture
def u_BND() -> Tensor:
    return torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_every_term_of_the_formula_is_there(u_BND: Tensor) -> None:
    """y[i] = Σ_h O_h Σ_j K^h[i, j] V_h f[j] + W u[i] + b, written out in loops."""
    kernel = DenseKernel(
        k_BHNN=_random(2, 2, 3, 3),
        v_HEF=_random(2, 3, 5),
        o_HDE=_random(2, 4, 3),
        w_DD=_random(4, 4),
        b_D=_random(4),
        field_BNF=with_one(u_BND),
    )

    y_BND = apply_dense(kernel, u_BND)

    k, v, o, w, b, f, _ = kernel
    assert w is not None
    assert b is not None
    assert f is not None
    for n in range(2):
        for i in range(3):
            wanted_D = w @ u_BND[n, i] + b
            for h in range(2):
                for j in range(3):
                    wanted_D = wanted_D + o[h] @ (k[n, h, i, j] * (v[h] @ f[n, j]))
            torch.testing.assert_close(y_BND[n, i], wanted_D, rtol=0, atol=1e-13)


def test_without_a_field_the_integral_is_over_u(u_BND: Tensor) -> None:
    v_HEF, o_HDE = one_head_per_channel(4, u_BND)
    kernel = DenseKernel(torch.eye(3, dtype=torch.float64).expand(2, 4, 3, 3), v_HEF, o_HDE)

    assert torch.equal(apply_dense(kernel, u_BND), u_BND)


def test_a_head_for_each_channel_mixes_no_channels(u_BND: Tensor) -> None:
    """Head d is multiplied by d + 1, and so is channel d."""
    v_HEF, o_HDE = one_head_per_channel(4, u_BND)
    times_H11 = torch.arange(1.0, 5.0, dtype=torch.float64)[:, None, None]
    k_BHNN = (times_H11 * torch.eye(3, dtype=torch.float64)).expand(2, 4, 3, 3)

    y_BND = apply_dense(DenseKernel(k_BHNN, v_HEF, o_HDE), u_BND)

    assert torch.equal(y_BND, u_BND * torch.arange(1.0, 5.0, dtype=torch.float64))


def test_on_u_with_a_one_beside_it_a_biased_map_is_linear(u_BND: Tensor) -> None:
    layer = torch.nn.Linear(4, 6, dtype=torch.float64)
    joined = torch.cat([layer.weight, layer.bias.unsqueeze(1)], 1)

    torch.testing.assert_close(with_one(u_BND) @ joined.mT, layer(u_BND), rtol=0, atol=1e-14)


def test_a_gate_on_the_output_is_a_factor_of_the_kernel(u_BND: Tensor) -> None:
    v_HEF, o_HDE = one_head_per_channel(4, u_BND)
    k_BHNN, gate_BHN1 = _random(2, 4, 3, 3), _random(2, 4, 3, 1)

    outside = apply_dense(DenseKernel(k_BHNN, v_HEF, o_HDE), u_BND) * gate_BHN1.squeeze(-1).mT
    inside = apply_dense(DenseKernel(gate_BHN1 * k_BHNN, v_HEF, o_HDE), u_BND)

    torch.testing.assert_close(inside, outside, rtol=0, atol=1e-14)


def test_gradients_reach_every_factor(u_BND: Tensor) -> None:
    k, v, o = _random(2, 2, 3, 3), _random(2, 3, 4), _random(2, 4, 3)
    w, b = _random(4, 4), _random(4)
    leaves = [leaf.requires_grad_() for leaf in (k, v, o, w, b)]

    gradients = torch.autograd.grad(apply_dense(DenseKernel(k, v, o, w, b), u_BND).sum(), leaves)

    assert all(gradient.any() for gradient in gradients)
