import pytest
import torch
from support.learning import score

from itnet_kernels.ssm import FAMILY, Modes, Ssm, SsmParams
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract


class TestSsm(KernelFamilyContract):
    family = FAMILY
    cases = [{"state": 1}, {"state": 4}]


SHORT = Site(domain=Domain(kind="sequence", shape=(6,), causal=True), width=4)
OPEN = Site(domain=Domain(kind="sequence", shape=(6,)), width=4)


@pytest.mark.parametrize("longest", [2, 64, 4096])
def test_fading_times_reach_from_1_to_as_many_positions_as_there_are(longest: int) -> None:
    modes = Modes(width=64, modes=16, longest=longest)

    octave = -modes.log_rate_DS.detach() / torch.tensor(float(longest)).log()

    assert 0 <= float(octave.min()) < 0.02
    assert 0.98 < float(octave.max()) <= 1
    assert float(octave.mean()) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("length", [49, 1024])
def test_white_noise_comes_out_about_as_loud(causal: bool, length: int) -> None:
    op = Ssm(48, modes=16, length=length, causal=causal)

    loud = float(op(torch.randn(4, length, 48)).detach().std())

    assert 0.5 < loud < 2


def test_the_dense_kernel_is_the_impulse_at_each_lag() -> None:
    op = Ssm(4, modes=3, length=6, causal=False).double()

    kernel = op.dense_kernel(torch.zeros(1, 6, 4, dtype=torch.float64))

    assert op.future is not None
    past_DN, future_DN = op.past.kernel(6), op.future.kernel(6)
    torch.testing.assert_close(kernel.k_BHNN[0, :, 5, 2], past_DN[:, 3])
    torch.testing.assert_close(kernel.k_BHNN[0, :, 2, 5], future_DN[:, 3])
    torch.testing.assert_close(kernel.k_BHNN[0, :, 2, 2], past_DN[:, 0] + op.skip_D)


def test_the_costs_of_6_positions_by_hand() -> None:
    """M = 16, F = 2, J = 3, 4 channels of 3 modes: transforms of 7.5 · 16 · 4 + 54 a channel.

    Tables 12 · (24 + 8 + 30) = 744, skip and map 40 a position, 11 · 12 to turn and read.
    """
    assert FAMILY.cost(SHORT, SsmParams(state=3)) == Cost(
        flops=4 * 534 + 744 + 6 * 40,
        params=48 + 4 + 20,
        state_bytes=8 * 12,
        train_flops=2 * 4 * 534 + 4 * 54 + 3 * (744 + 240),
        decode_flops=132 + 40,
        traffic_bytes=4 * (4 * (24 + 12 + 108 + 32) + 4 * 12 * 5 + 72),
        activation_bytes=4 * (4 * (12 + 36) + 12 * (12 + 24)),
    )


def test_two_ways_to_compute_and_why_one_is_taken() -> None:
    assert FAMILY.evaluations(SHORT, SsmParams(state=3), "cuda") == (
        Evaluation("fft", True, "all positions at once, by transforms of 16 points"),
        Evaluation(
            "recurrence", False, "6 steps one after the other; decoding takes them, by `step`"
        ),
    )


def test_twice_the_modes_turn_between_the_old_ones() -> None:
    (move,) = FAMILY.morphisms(OPEN, SsmParams(state=2))
    old = FAMILY.build(OPEN, SsmParams(state=2)).state_dict()

    new = move.carry(old)

    assert move.change == "state 2 -> 4, not yet read"
    turns = torch.tensor([0, 0.5, 0.25, 0.75]) * torch.pi
    torch.testing.assert_close(new["future.turn_DS"], turns.expand(4, -1))


def test_there_are_at_most_256_modes() -> None:
    assert FAMILY.morphisms(OPEN, SsmParams(state=129)) == ()


@pytest.mark.slow
def test_a_lone_layer_learns_a_memory_that_fades() -> None:
    assert score("ssm", {"state": 16}, "echo") > 0.97
    assert score("conv", {"radius": 3}, "echo") < 0.8


@pytest.mark.slow
def test_a_lone_layer_learns_to_look_19_positions_back() -> None:
    assert score("ssm", {"state": 16}, "far") > 0.9
    assert score("conv", {"radius": 6}, "far") < 0.1
