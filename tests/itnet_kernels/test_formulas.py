"""Each family against a module of torch or a figure worked out by hand."""

import pytest
import torch
from torch import nn

from itnet_kernels.attention import Attention
from itnet_kernels.conv import Conv
from itnet_kernels.gru import Gru
from itnet_kernels.position_mixer import PositionMixer
from itnet_kernels.ssm import Modes, Ssm


def test_a_one_in_the_middle_shows_the_taps_reversed() -> None:
    op = Conv(width=1, radius=1, dense=True, shape=(5,), causal=False)
    op.taps.data = torch.tensor([[[1.0, 2.0, 4.0]]])

    y_BND = op(torch.tensor([0.0, 0, 1, 0, 0]).reshape(1, 5, 1))

    assert y_BND.flatten().tolist() == [0, 4, 2, 1, 0]


def test_a_causal_one_shows_only_later() -> None:
    op = Conv(width=1, radius=2, dense=True, shape=(5,), causal=True)
    op.taps.data = torch.tensor([[[1.0, 2.0, 4.0]]])

    y_BND = op(torch.tensor([0.0, 1, 0, 0, 0]).reshape(1, 5, 1))

    assert y_BND.flatten().tolist() == [0, 4, 2, 1, 0]


def test_attention_is_that_of_torch() -> None:
    op = Attention(8, heads=2, position="none", window=None, shape=(9,), causal=False).double()
    twin = nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
    twin.load_state_dict(
        {
            "in_proj_weight": op.qkv.weight,
            "in_proj_bias": op.qkv.bias,
            "out_proj.weight": op.out.weight,
            "out_proj.bias": op.out.bias,
        }
    )
    u_BND = torch.randn(2, 9, 8, dtype=torch.float64)
    mask_BN = torch.arange(9) < torch.tensor([[6], [9]])

    wanted, _ = twin(u_BND, u_BND, u_BND, key_padding_mask=~mask_BN)

    torch.testing.assert_close(op(u_BND, mask_BN)[mask_BN], wanted[mask_BN], rtol=0, atol=1e-13)


def test_a_gru_both_ways_is_the_bidirectional_one_of_torch_on_packed_sequences() -> None:
    op = Gru(8, causal=False).double()
    twin = nn.GRU(8, 4, batch_first=True, bidirectional=True, dtype=torch.float64)
    weights = {**dict(op.ahead.named_parameters())}
    assert op.back is not None
    weights |= {f"{name}_reverse": value for name, value in op.back.named_parameters()}
    twin.load_state_dict(weights)
    u_BND = torch.randn(2, 9, 8, dtype=torch.float64)
    lengths = torch.tensor([9, 6])
    packed = nn.utils.rnn.pack_padded_sequence(u_BND, lengths, batch_first=True)

    y_BND = op(u_BND, torch.arange(9) < lengths[:, None])

    wanted, _ = nn.utils.rnn.pad_packed_sequence(twin(packed)[0], batch_first=True)
    torch.testing.assert_close(y_BND, wanted, rtol=0, atol=1e-13)


def test_one_mode_by_hand() -> None:
    """A rate of ln 2, a turn of a quarter and a reading of 1: 1, 0, −1/4, 0, 1/16, 0."""
    modes = Modes(width=1, modes=1, longest=50).double()
    modes.log_rate_DS.data.fill_(0.69314718055994530942 - modes.slowest).log_()
    modes.turn_DS.data.fill_(torch.pi / 2)
    modes.c_DS2.data.copy_(torch.tensor([1.0, 0.0]))

    kernel = modes.kernel(6).flatten().tolist()

    assert kernel == pytest.approx([1, 0, -0.25, 0, 0.0625, 0], abs=1e-14)


@pytest.mark.parametrize("weight", [-1e4, 0.0, 1e4])
def test_a_mode_fades_whatever_its_weight_is(weight: float) -> None:
    modes = Modes(width=1, modes=1, longest=50)
    modes.log_rate_DS.data.fill_(weight)

    assert float(modes.transition().abs().detach()) < 1


def test_a_fresh_state_space_is_about_as_loud_as_its_input() -> None:
    op = Ssm(width=48, modes=16, length=512, causal=True)
    op.skip_D.data.zero_()
    op.mix = nn.Identity()  # type: ignore[assignment]

    loud = float(op(torch.randn(4, 512, 48)).detach().std())

    assert 0.7 < loud < 1.4


@pytest.mark.parametrize("causal", [True, False])
def test_every_row_of_a_fresh_position_mixer_is_equally_loud(causal: bool) -> None:
    op = PositionMixer(width=8, length=64, groups=8, causal=causal)

    power_L = op.matrices().detach().square().sum(-1).mean(0)

    assert float(power_L[:8].mean()) == pytest.approx(1, abs=0.4)
    assert float(power_L[-8:].mean()) == pytest.approx(1, abs=0.4)


def test_a_position_mixer_takes_fewer_positions_as_the_first_ones() -> None:
    op = PositionMixer(width=4, length=9, groups=2, causal=True).double()
    u_BND = torch.randn(2, 9, 4, dtype=torch.float64)

    torch.testing.assert_close(op(u_BND[:, :5]), op(u_BND)[:, :5], rtol=0, atol=1e-14)


@pytest.mark.parametrize("length", [1, 2, 3, 21, 64, 100])
def test_the_kernel_of_a_state_space_is_its_powers_lag_by_lag(length: int) -> None:
    modes = Modes(width=3, modes=4, longest=50).double()
    c_DS = torch.view_as_complex(modes.c_DS2.detach())
    power_DS = modes.transition().detach()

    kernel_DN = modes.kernel(length).detach()

    wanted = [(c_DS * power_DS**lag).sum(-1).real for lag in range(length)]
    torch.testing.assert_close(kernel_DN, torch.stack(wanted, 1), rtol=0, atol=1e-13)


def test_the_kernel_of_a_state_space_is_not_rounded_by_autocast() -> None:
    modes = Modes(width=3, modes=4, longest=50)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        kernel_DN = modes.kernel(64)

    assert torch.equal(kernel_DN, modes.kernel(64))


def test_the_matrices_of_a_causal_position_mixer_hold_its_triangle_row_by_row() -> None:
    op = PositionMixer(width=2, length=3, groups=2, causal=True)
    op.w.data = torch.arange(1.0, 13.0).reshape(2, 6)

    assert op.matrices().tolist() == [
        [[1, 0, 0], [2, 3, 0], [4, 5, 6]],
        [[7, 0, 0], [8, 9, 0], [10, 11, 12]],
    ]
