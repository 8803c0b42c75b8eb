import torch

from itnet_kernels.conv import Conv
from itnet_nas.testing.influence import influence, jacobian, reach


def _conv(causal: bool) -> Conv:
    torch.manual_seed(0)
    return Conv(width=3, radius=2, dense=True, shape=(7,), causal=causal).double()


def _field() -> torch.Tensor:
    return torch.randn(7, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_the_jacobian_is_the_one_that_torch_finds() -> None:
    op, u_ND = _conv(causal=False), _field()

    found = jacobian(op, u_ND)

    wanted = torch.autograd.functional.jacobian(lambda u: op(u.unsqueeze(0)).squeeze(0), u_ND)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-14)


def test_the_influence_of_a_dense_convolution_is_the_size_of_its_taps() -> None:
    op = _conv(causal=True)

    r_NM = influence(op, _field())

    assert torch.allclose(r_NM[5, 3], op.taps[..., 0].norm(), atol=1e-14)
    assert torch.allclose(r_NM[5, 5], op.taps[..., 2].norm(), atol=1e-14)


def test_a_causal_window_reaches_a_band_below_the_diagonal() -> None:
    r_NM = reach(_conv(causal=True), _field())

    ones = torch.ones(7, 7, dtype=torch.bool)
    assert torch.equal(r_NM, ones.tril() & ones.triu(-2))


def test_a_masked_position_has_no_influence() -> None:
    mask_N = torch.tensor([True] * 5 + [False] * 2)

    r_NM = influence(_conv(causal=False), _field(), mask_N)

    assert not r_NM[:, 5:].any()
    assert not r_NM[5:].any()
    assert r_NM[4, 2] > 0
