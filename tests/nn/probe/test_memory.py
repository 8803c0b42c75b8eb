"""State and horizon against what full Jacobians say.

Shapes  B examples, N positions, D channels; I positions of the future, J of the past
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from itnet_nas.kernels import Domain
from itnet_nas.nn.probe.budget import DEFAULT, FULL, Budget
from itnet_nas.nn.probe.memory import Memory, memory
from itnet_nas.testing.influence import jacobian

if TYPE_CHECKING:
    from itnet_nas.nn.probe.rows import Run

LENGTH, WIDTH = 48, 8
SEQUENCE = Domain(kind="sequence", shape=(LENGTH,), causal=True)
ONE_CUT = replace(FULL, memory_cuts=1, memory_rows=48)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def mixing(k_DNN: Tensor, seed: int = 1) -> Run:
    """A fixed kernel of each channel, and a matrix over channels."""
    w_DD = drawn(WIDTH, WIDTH, seed=seed) / WIDTH**0.5
    return lambda u_BND, mask_BN, x_BNA: torch.einsum("dnm,bmd->bnd", k_DNN.to(u_BND), u_BND) @ w_DD


def swinging(modes: int) -> Run:
    """y[n] = Σ_m Σ_k a_k 0.9^(n − m) cos(k π (n − m) / 4) u[m]: a decay, or waves."""
    lag_NN = torch.arange(LENGTH)[:, None] - torch.arange(LENGTH)
    turn_K = torch.arange(modes) * torch.pi / 4
    wave_KNN = torch.where(
        lag_NN >= 0, 0.9 ** lag_NN.clamp(min=0) * torch.cos(turn_K[:, None, None] * lag_NN), 0.0
    )
    return mixing(torch.einsum("dk,knm->dnm", drawn(WIDTH, modes, seed=2), wave_KNN))


def window(radius: int) -> Run:
    """A causal convolution with a matrix for each tap."""
    w_DDR = drawn(WIDTH, WIDTH, radius + 1, seed=3)
    return lambda u_BND, mask_BN, x_BNA: F.conv1d(F.pad(u_BND.mT, (radius, 0)), w_DDR).mT


def of_its_own() -> Run:
    """A matrix over positions for each channel."""
    return mixing(drawn(WIDTH, LENGTH, LENGTH, seed=4).tril())


def attention(sharpness: float) -> Run:
    q_DD, k_DD, v_DD = drawn(3, WIDTH, WIDTH, seed=5) / WIDTH**0.5
    hidden_NN = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)

    def run(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        score_BNN = sharpness * (u_BND @ q_DD) @ (u_BND @ k_DD).mT / WIDTH**0.5
        return score_BNN.masked_fill(hidden_NN, -1e9).softmax(-1) @ (u_BND @ v_DD)

    return run


def recurrent() -> Run:
    """A GRU that is slow to let go."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        gru = nn.GRU(WIDTH, WIDTH, batch_first=True).requires_grad_(False)
    gru.bias_ih_l0[WIDTH : 2 * WIDTH] += 2.0  # the update gate keeps most of the state

    def run(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        y_BND: Tensor = gru(u_BND)[0]
        return y_BND

    return run


def mean(u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None) -> Tensor:
    """Everything real, averaged, at every position."""
    real_BN1 = torch.ones_like(u_BND[..., :1]) if mask_BN is None else mask_BN[..., None].float()
    y_B1D = (u_BND * real_BN1).sum(1, keepdim=True) / real_BN1.sum(1, keepdim=True)
    return y_B1D * real_BN1


def exact(op: Run, u_ND: Tensor, cut: int) -> float:
    """(W − W₀) / (1 − W₀) of one example, with every block written out."""
    h_IDJD = jacobian(lambda u_BND, mask_BN: op(u_BND, mask_BN, None), u_ND)[cut:, :, :cut]
    gram_IJDJD = torch.einsum("iaje,iakf->ijekf", h_IDJD, h_IDJD)
    c_JJ = gram_IJDJD.sum(0).square().sum((1, 3))
    null_JJ = gram_IJDJD.square().sum((2, 4)).sum(0)
    w_J = h_IDJD.square().sum((0, 1, 3)).sqrt()
    k_J = torch.where(w_J > 0, w_J / c_JJ.diagonal().sqrt(), 0.0)
    apart_JJ = 1 - torch.eye(cut)
    total = (torch.outer(w_J, w_J) * apart_JJ).sum()
    w = (torch.outer(k_J, k_J) * c_JJ * apart_JJ).sum() / total
    null = (torch.outer(k_J, k_J) * null_JJ * apart_JJ).sum() / total
    return float((w - null) / (1 - null))


def exactly(op: Run, inputs: int = 4) -> float:
    """The mean over a few inputs, cut in the middle."""
    fields = [drawn(LENGTH, WIDTH, seed=10 + seed) for seed in range(inputs)]
    return sum(exact(op, u_ND, LENGTH // 2) for u_ND in fields) / inputs


def read(op: Run, budget: Budget = ONE_CUT, seed: int = 0) -> Memory:
    u_BND = drawn(budget.inputs, LENGTH, WIDTH, seed=seed)
    return memory(op, u_BND, None, SEQUENCE, budget, torch.Generator().manual_seed(seed))


def state(found: Memory) -> float:
    assert found.state is not None
    return found.state.value


LAYERS = {
    "window of 8": window(8),
    "a matrix over positions": of_its_own(),
    "sharp attention": attention(4.0),
    "flat attention": attention(0.3),
    "one decay": swinging(1),
    "four waves": swinging(4),
    "gru": recurrent(),
    "mean": mean,
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_state_is_that_of_full_jacobians(name: str) -> None:
    assert state(read(LAYERS[name])) == pytest.approx(max(exactly(LAYERS[name]), 0), abs=0.05)


@pytest.mark.parametrize("name", ["window of 8", "a matrix over positions", "sharp attention"])
@pytest.mark.parametrize("seed", range(3))
def test_what_gives_each_token_channels_of_its_own_has_no_state(name: str, seed: int) -> None:
    assert state(read(LAYERS[name], FULL, seed)) <= 0.02


@pytest.mark.parametrize("name", ["one decay", "four waves", "gru"])
@pytest.mark.parametrize("seed", range(3))
def test_what_carries_a_memory_along_has_a_state(name: str, seed: int) -> None:
    assert state(read(LAYERS[name], FULL, seed)) >= 0.1


def test_one_number_for_each_channel_is_one_direction() -> None:
    assert state(read(swinging(1))) == pytest.approx(1, abs=0.02)


def test_the_state_falls_with_the_numbers_that_are_carried() -> None:
    one, four = (state(read(swinging(modes))) for modes in (1, 4))

    assert one > four + 0.3


@pytest.mark.parametrize("name", ["four waves", "gru", "flat attention"])
def test_the_interval_holds_what_full_jacobians_say(name: str) -> None:
    truth = exactly(LAYERS[name], inputs=12)
    found = [read(LAYERS[name], replace(ONE_CUT, inputs=12), seed).state for seed in range(12)]

    held = [one is not None and one.low - 0.01 <= truth <= one.high + 0.01 for one in found]

    assert sum(held) >= 9


def test_the_horizon_of_a_mean_is_half_of_the_past() -> None:
    horizon = read(mean).horizon

    assert horizon is not None
    assert horizon.value == pytest.approx((LENGTH // 2 + 1) / 2)


def test_a_longer_window_has_a_longer_horizon() -> None:
    horizons = [read(window(radius)).horizon for radius in (4, 8, 16)]

    values = [horizon.value for horizon in horizons if horizon is not None]
    assert values == sorted(values)
    # A tap at lag r crosses the cut from each of the r tokens before it.
    assert values[1] == pytest.approx(120 / 36, abs=0.4)


def test_a_horizon_of_less_than_two_leaves_the_state_out() -> None:
    found = read(window(1))

    assert found.state is None
    assert found.horizon is not None
    assert found.horizon.value == pytest.approx(1)
    assert found.notes == {
        "state": "a past of 1.0 positions is too short to tell a memory from a window"
    }


def test_padding_is_neither_past_nor_future() -> None:
    mask_BN = torch.arange(LENGTH).expand(24, -1) < 20
    u_BND = drawn(24, LENGTH, WIDTH)

    found = memory(mean, u_BND, mask_BN, SEQUENCE, ONE_CUT, torch.Generator().manual_seed(0))

    assert found.horizon is not None
    assert found.horizon.value == pytest.approx((10 + 1) / 2)
    assert state(found) == pytest.approx(1, abs=0.02)


def test_examples_of_several_lengths_are_each_cut_in_the_middle() -> None:
    mask_BN = torch.arange(LENGTH) < torch.tensor([[8], [40]])

    found = memory(
        mean, drawn(2, LENGTH, WIDTH), mask_BN, SEQUENCE, ONE_CUT, torch.Generator().manual_seed(0)
    )

    assert found.horizon is not None
    assert (4 + 1) / 2 < found.horizon.value < (20 + 1) / 2


def test_a_layer_that_looks_ahead_alone_has_no_past() -> None:
    def ahead(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        return u_BND.flip(1).cumsum(1).flip(1)

    found = read(ahead)

    assert found.state is None
    assert found.horizon is None
    assert found.notes["horizon"] == "nothing of the past reaches the future"


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_sequence_that_is_too_short_is_not_read(length: int) -> None:
    domain = Domain(kind="sequence", shape=(length,), causal=True)

    found = memory(mean, drawn(4, length, WIDTH), None, domain, DEFAULT, torch.Generator())

    assert found == Memory(
        None,
        None,
        dict.fromkeys(
            ("state", "horizon"), "too few positions to have a past and a future of two each"
        ),
    )


def test_only_an_order_has_a_past() -> None:
    grid = Domain(kind="grid", shape=(6, 8))

    found = memory(mean, drawn(4, LENGTH, WIDTH), None, grid, DEFAULT, torch.Generator())

    assert found.notes["state"] == "only positions in an order have a past"


def test_a_budget_may_leave_it_out() -> None:
    found = read(mean, replace(DEFAULT, memory_rows=0))

    assert (found.state, found.rows) == (None, 0)
    assert found.notes["state"] == "this budget does not ask for it"


def test_the_rows_that_were_read_are_counted() -> None:
    copies: list[int] = []

    def counted(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        copies.append(len(u_BND))
        return mean(u_BND)

    found = read(counted, FULL)

    assert found.rows == sum(copies) == FULL.inputs * FULL.memory_rows * FULL.memory_cuts


def test_the_same_seed_reads_the_same() -> None:
    assert read(swinging(4), DEFAULT, 3) == read(swinging(4), DEFAULT, 3)


def test_the_size_of_a_layer_does_not_matter() -> None:
    def small(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        return 1e-9 * swinging(4)(u_BND, mask_BN, x_BNA)

    assert state(read(small)) == pytest.approx(state(read(swinging(4))), rel=1e-4)
