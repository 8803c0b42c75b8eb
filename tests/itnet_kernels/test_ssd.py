from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.ssd import FAMILY, Ssd, SsdParams
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract


class TestSsd(KernelFamilyContract):
    family = FAMILY
    cases = [{"state": 3}, {"state": 4, "heads": 2}, {"state": 2, "heads": 8}]


SHORT = Site(domain=Domain(kind="sequence", shape=(6,), causal=True), width=4)


def _plain(causal: bool) -> Ssd:
    """One number of state, that halves: Δ = ln 2, r = 1. x is u, B, C and the gate are 1."""
    op = Ssd(1, heads=1, state=1, length=3, causal=causal).double()
    op.inner.weight.data.zero_()[0] = 1.0
    op.inner.bias.data.fill_(1.0)[0] = 0.0
    op.inner.bias.data[1] = 1.2784645427610738  # silu of it is 1
    op.delta.weight.data.zero_()
    op.step_RH.data.zero_()  # softplus(0) = ln 2
    op.log_rate_RH.data.zero_()
    op.skip_H.data.zero_()
    op.out.weight.data.fill_(1 / 0.69314718055994530942)
    return op


@pytest.mark.parametrize(
    ("causal", "wanted"), [(True, [8, 8, 14]), (False, [8 + 2 + 2.5, 8 + 5, 14])]
)
def test_a_memory_that_halves_by_hand(causal: bool, wanted: list[float]) -> None:
    """8, 4 + 4, 4 + 10; backward what is ahead, halved once for every step."""
    op = _plain(causal)

    y_BND = op(torch.tensor([8.0, 4, 10], dtype=torch.float64).reshape(1, 3, 1))

    assert y_BND.flatten().tolist() == pytest.approx(wanted, abs=1e-12)


def test_a_masked_position_leaves_the_memory_as_it_was() -> None:
    op = _plain(causal=True)
    u_BND = torch.tensor([8.0, 99, 10], dtype=torch.float64).reshape(1, 3, 1)

    y_BND = op(u_BND, torch.tensor([[True, False, True]]))

    assert y_BND.flatten().tolist() == pytest.approx([8, 0, 14], abs=1e-12)


def test_a_fresh_operator_has_heads_that_forget_in_2_to_all_positions() -> None:
    op = Ssd(9, heads=3, state=2, length=128, causal=True)

    delta_H = torch.nn.functional.softplus(op.step_RH.detach())[0]

    torch.testing.assert_close(1 / delta_H, torch.tensor([2.0, 16.0, 128.0]))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("state", [4, 32])
@pytest.mark.parametrize("length", [49, 512])
def test_white_noise_comes_out_about_as_loud(causal: bool, state: int, length: int) -> None:
    op = Ssd(48, heads=4, state=state, length=length, causal=causal)

    loud = float(op(torch.randn(4, length, 48)).detach().std())

    assert 0.7 < loud < 1.5


def test_the_costs_of_one_run_by_hand() -> None:
    """2 heads of 2 channels, 3 numbers of state: maps 8 · (12 + 8), weighing 4 · 4 a position.

    Scores 2 · 6 · 6 · 3 for both heads at once, values 2 · 6 · 6 · 4; a step turns 12 numbers.
    """
    assert FAMILY.cost(SHORT, SsdParams(state=3, heads=2)) == Cost(
        flops=6 * (160 + 16) + 216 + 288,
        params=14 * 5 + 2 * 4 + 2 * 2 + 2 + 4 * 5,
        state_bytes=4 * 12,
        train_flops=18 * (160 + 16) + 4 * 216 + 3 * 288,
        decode_flops=160 + 16 + 60,
        traffic_bytes=4 * (6 * (8 + 2 * (16 + 6 + 8)) + 104 + 12 * (6 + 8 + 24)),
        activation_bytes=4 * (6 * (16 + 16 + 2) + 6 * (6 + 8 + 2)),
    )


@pytest.mark.parametrize("length", [20, 70])
@pytest.mark.parametrize("causal", [True, False])
def test_products_are_counted_exactly(length: int, causal: bool) -> None:
    """The counter does not see what is weighed, (3 + R) N D, nor memories fade, 2 J S D a run."""
    site = Site(domain=Domain(kind="sequence", shape=(length,), causal=causal), width=8)
    op = FAMILY.build(site, SsdParams(state=4, heads=2)).to("meta")
    u_BND = torch.empty(1, length, 8, device="meta", requires_grad=True)
    runs, chunks = (1 if causal else 2), (1 if length == 20 else 3)
    weighed = (3 + runs) * length * 8
    fading = 2 * chunks * 4 * 8 * runs if chunks > 1 else 0

    with FlopCounterMode(display=False) as counter:
        y_BND = op(u_BND)
        forward = counter.get_total_flops()
        y_BND.sum().backward()

    cost = FAMILY.cost(site, SsdParams(state=4, heads=2))
    assert cost.flops - weighed - fading == forward
    assert cost.train_flops is not None
    assert cost.train_flops - 3 * weighed - 2 * fading == counter.get_total_flops()


@pytest.mark.parametrize(
    ("kind", "shape", "width", "why"),
    [
        ("grid", (2, 3), 8, "a recurrence needs a sequence, not grid of 2 x 3"),
        ("points", (20,), 8, "a recurrence needs a sequence, not points of 20"),
        ("sequence", (20,), 6, "4 heads do not divide width 6"),
    ],
)
def test_the_reason_is_given(kind: Any, shape: tuple[int, ...], width: int, why: str) -> None:
    site = Site(domain=Domain(kind=kind, shape=shape), width=width)

    assert FAMILY.refuses(site, SsdParams(state=4)) == why


@pytest.mark.parametrize(("length", "way"), [(20, "pairs"), (1024, "chunks")])
def test_a_long_sequence_is_cut_into_chunks(length: int, way: str) -> None:
    site = Site(domain=Domain(kind="sequence", shape=(length,)), width=8)

    ways = FAMILY.evaluations(site, SsdParams(state=4))

    assert [evaluation.name for evaluation in ways if evaluation.taken] == [way]


@pytest.mark.parametrize(
    ("state", "heads", "changes"),
    [
        (3, 2, ["heads 2 -> 4, copied", "state 3 -> 6, not yet read"]),
        (3, 4, ["state 3 -> 6, not yet read"]),
        (129, 4, []),
    ],
)
def test_what_can_grow_and_stay_the_same(state: int, heads: int, changes: list[str]) -> None:
    moves = FAMILY.morphisms(SHORT, SsdParams(state=state, heads=heads))

    assert [move.change for move in moves] == changes


def test_300_steps_are_one_forward_pass() -> None:
    op = Ssd(8, heads=2, state=3, length=300, causal=True).double()
    u_BND = torch.randn(2, 300, 8, dtype=torch.float64)
    state, rows = op.start(2), []

    for u_BD in u_BND.unbind(1):
        y_BD, state = op.step(u_BD, state)
        rows.append(y_BD)

    torch.testing.assert_close(torch.stack(rows, 1), op(u_BND), rtol=0, atol=1e-12)


def test_decays_over_1024_positions_survive_bfloat16() -> None:
    op = Ssd(32, heads=4, state=8, length=1024, causal=True)
    u_BND = torch.randn(1, 1024, 32)

    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        half_BND = op(u_BND).float()

    y_BND = op(u_BND).detach()
    assert float((half_BND - y_BND).abs().max() / y_BND.abs().max()) < 2e-2


@pytest.mark.slow
@pytest.mark.parametrize("task", ["recall", "echo"])
def test_a_lone_layer_learns_what_needs_a_memory(task: str) -> None:
    assert score("ssd", {"state": 16}, task) > 0.95
    assert score("identity", {}, task) < 0.3
