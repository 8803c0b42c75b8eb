from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.linear_attention import FAMILY, LinearAttention, LinearAttentionParams
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract


class TestLinearAttention(KernelFamilyContract):
    family = FAMILY
    cases = [
        {"heads": 2, "state": 3},
        {"heads": 2, "state": 4, "features": "identity"},
        {"heads": 4, "state": 3, "decay": "fixed"},
        {"heads": 2, "state": 2, "features": "identity", "decay": "fixed"},
    ]


SHORT = Site(domain=Domain(kind="sequence", shape=(6,), causal=True), width=4)
OPEN = Site(domain=Domain(kind="sequence", shape=(6,)), width=4)


def _one_head(elu: bool, fades: bool, causal: bool = True) -> LinearAttention:
    """Width 1, with queries and keys of 1, values that are u, and an output that is the sum."""
    op = LinearAttention(1, heads=1, state=1, elu=elu, fades=fades, length=3, causal=causal)
    op.qkv.weight.data = torch.tensor([[0.0], [0.0], [1.0]])
    op.qkv.bias.data = torch.tensor([1.0, 1.0, 0.0])
    op.out.weight.data.fill_(1.0)
    return op.double()


@pytest.mark.parametrize(
    ("elu", "fades", "causal", "wanted"),
    [
        (True, False, True, [3, 4, 6]),
        (True, False, False, [6, 6, 6]),
        (False, False, True, [3, 8, 18]),
        (False, True, True, [3, 3 * 31 / 32 + 5, (3 * 31 / 32 + 5) * 31 / 32 + 10]),
        (False, True, False, [3 + (5 + 10 * 31 / 32) * 31 / 32, 5 + 13 * 31 / 32,
                              (3 * 31 / 32 + 5) * 31 / 32 + 10]),
    ],
)  # fmt: skip
def test_with_equal_queries_and_keys_it_is_a_mean_or_a_sum_that_fades(
    elu: bool, fades: bool, causal: bool, wanted: list[float]
) -> None:
    op = _one_head(elu, fades, causal)

    y_BND = op(torch.tensor([3.0, 5, 10], dtype=torch.float64).reshape(1, 3, 1))

    assert y_BND.flatten().tolist() == pytest.approx(wanted, abs=1e-12)


def test_a_row_of_a_divided_kernel_sums_up_to_1() -> None:
    op = LinearAttention(8, heads=2, state=4, elu=True, fades=True, length=9, causal=True).double()

    kernel = op.dense_kernel(torch.randn(2, 9, 8, dtype=torch.float64))

    sums = kernel.k_BHNN.sum(-1)
    torch.testing.assert_close(sums, torch.ones_like(sums), rtol=0, atol=1e-12)


def test_keys_so_far_below_0_that_their_sum_vanishes_give_finite_gradients() -> None:
    op = LinearAttention(4, heads=1, state=2, elu=True, fades=False, length=5, causal=True)
    op.qkv.bias.data[:4] = -100.0

    op(torch.randn(1, 5, 4)).sum().backward()

    assert all(bool(p.grad.isfinite().all()) for p in op.parameters() if p.grad is not None)


@pytest.mark.parametrize("features", ["elu", "identity"])
@pytest.mark.parametrize("decay", ["none", "fixed"])
@pytest.mark.parametrize("causal", [True, False])
def test_white_noise_comes_out_about_as_loud(features: Any, decay: Any, causal: bool) -> None:
    site = Site(domain=Domain(kind="sequence", shape=(49,), causal=causal), width=48)
    params = LinearAttentionParams(heads=4, features=features, decay=decay)

    loud = float(FAMILY.build(site, params)(torch.randn(8, 49, 48)).detach().std())

    assert 0.5 < loud < 2


def test_the_costs_of_retention_by_hand() -> None:
    """2 heads of 3 numbers and 2 channels over 6 positions: maps 4 · 4 · (6 + 4) = 160 for each.

    Scores 2 · 6 · 6 · 6 = 432, values 288; a step fades, gains and reads 12 numbers, 5 each.
    """
    params = LinearAttentionParams(heads=2, state=3, features="identity", decay="fixed")

    assert FAMILY.cost(SHORT, params) == Cost(
        flops=6 * 160 + 720,
        params=2 * 6 * 5 + 2 * 20,
        state_bytes=4 * 12,
        train_flops=3 * 6 * 160 + 4 * 432 + 3 * 288,
        decode_flops=160 + 60,
        traffic_bytes=4 * (6 * 56 + 100 + 12 * (12 + 8 + 24)),
        activation_bytes=4 * (6 * 8 + 6 * (12 + 8 + 2)),
    )


@pytest.mark.parametrize("length", [20, 70])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("features", ["elu", "identity"])
def test_products_are_counted_exactly(length: int, causal: bool, features: Any) -> None:
    site = Site(domain=Domain(kind="sequence", shape=(length,), causal=causal), width=8)
    params = LinearAttentionParams(heads=2, state=4, features=features)
    op = FAMILY.build(site, params).to("meta")
    u_BND = torch.empty(1, length, 8, device="meta", requires_grad=True)

    with FlopCounterMode(display=False) as counter:
        y_BND = op(u_BND)
        forward = counter.get_total_flops()
        y_BND.sum().backward()

    cost = FAMILY.cost(site, params)
    assert cost.flops == forward
    assert cost.train_flops == counter.get_total_flops()


@pytest.mark.parametrize(
    ("params", "site", "why"),
    [
        ({"heads": 3}, SHORT, "3 heads do not divide width 4"),
        (
            {"heads": 2, "decay": "fixed"},
            Site(domain=Domain(kind="grid", shape=(2, 3)), width=4),
            "a decay needs a sequence, not grid of 2 x 3",
        ),
    ],
)
def test_the_reason_is_given(params: dict[str, Any], site: Site, why: str) -> None:
    assert FAMILY.refuses(site, LinearAttentionParams(**params)) == why


def test_where_nothing_is_hidden_and_nothing_fades_one_sum_is_taken() -> None:
    ways = FAMILY.evaluations(OPEN, LinearAttentionParams(heads=2))

    assert [way.name for way in ways if way.taken] == ["sum"]
    assert {way.reason for way in ways} == {"one sum serves every position"}


def test_a_long_causal_sequence_is_cut_into_chunks() -> None:
    site = Site(domain=Domain(kind="sequence", shape=(1024,), causal=True), width=4)

    ways = {way.name: way for way in FAMILY.evaluations(site, LinearAttentionParams(heads=2))}

    assert ways["chunks"].taken
    assert ways["chunks"].reason == "1024 positions make 32 chunks of 32: no N x N matrix"
    assert ways["sum"].reason == "each position has a sum of its own"


@pytest.mark.parametrize(
    ("params", "changes"),
    [
        ({"heads": 2, "state": 3}, ["heads 2 -> 4, queries and keys copied"]),
        (
            {"heads": 2, "state": 3, "features": "identity"},
            ["heads 2 -> 4, queries and keys copied", "state 3 -> 6, the new queries 0"],
        ),
        (
            {"heads": 2, "state": 3, "features": "identity", "decay": "fixed"},
            ["state 3 -> 6, the new queries 0"],
        ),
        ({"heads": 4, "state": 3}, []),
        ({"heads": 4, "state": 200, "features": "identity", "decay": "fixed"}, []),
    ],
)
def test_what_can_grow_and_stay_the_same(params: dict[str, Any], changes: list[str]) -> None:
    moves = FAMILY.morphisms(SHORT, LinearAttentionParams(**params))

    assert [move.change for move in moves] == changes


def test_300_steps_are_one_forward_pass() -> None:
    op = LinearAttention(8, heads=4, state=3, elu=True, fades=True, length=300, causal=True)
    op = op.double()
    u_BND = torch.randn(2, 300, 8, dtype=torch.float64)
    state, rows = op.start(2), []

    for u_BD in u_BND.unbind(1):
        y_BD, state = op.step(u_BD, state)
        rows.append(y_BD)

    torch.testing.assert_close(torch.stack(rows, 1), op(u_BND), rtol=0, atol=1e-12)


@pytest.mark.slow
def test_a_lone_layer_learns_to_recall_what_was_shown_beside_a_kind() -> None:
    assert score("linear_attention", {"heads": 4}, "recall") > 0.9
    assert score("conv", {"radius": 6}, "recall") < 0.3


@pytest.mark.slow
def test_a_lone_layer_of_retention_learns_a_memory_that_fades() -> None:
    retention = {"heads": 4, "features": "identity", "decay": "fixed"}

    assert score("linear_attention", retention, "echo") > 0.95
    assert score("identity", {}, "echo") < 0.3
