from typing import Any

import pytest
import torch
from support.learning import score

from itnet_kernels.delta_net import FAMILY, DeltaNet, DeltaNetParams
from itnet_nas.kernels import Cost, Domain, Site
from itnet_nas.testing import KernelFamilyContract

CAUSAL = Site(domain=Domain(kind="sequence", shape=(64,), causal=True), width=48)
OPEN = Site(domain=Domain(kind="sequence", shape=(64,)), width=48)
GRID = Site(domain=Domain(kind="grid", shape=(7, 7)), width=48)


class TestDeltaNet(KernelFamilyContract):
    family = FAMILY
    cases: list[dict[str, Any]] = [
        {"heads": 2, "state": 4},
        {"heads": 4, "state": 3, "gated": False},
        {"heads": 1, "state": 8},
        {"heads": 2},
    ]


def _plain() -> DeltaNet:
    """One head on channels (key, key, value): what comes as third is written at the first two."""
    op = DeltaNet(3, heads=1, state=2, gated=False, causal=True).double()
    op.keys.weight.data = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]]).double()
    op.value.weight.data = torch.diag(torch.tensor([0.0, 0, 1])).double()
    op.gates.weight.data.fill_(0.0)
    op.gates.bias.data.fill_(50.0)  # β = 1
    op.out.weight.data = torch.eye(3).double()
    op.out.bias.data.fill_(0.0)
    return op


def test_a_new_value_replaces_the_one_under_its_key() -> None:
    shown = [[1.0, 0, 5], [0, 1, 7], [1, 0, 9], [0, 1, 7]]

    y_BND = _plain()(torch.tensor([shown]).double())

    assert y_BND[0, :, 2].tolist() == pytest.approx([5, 7, 9, 7], abs=1e-4)


def test_its_kernel_forgets_what_was_replaced() -> None:
    """Position 2 reads nothing of position 0, which had the same key, and all of its own."""
    shown = [[1.0, 0, 5], [0, 1, 7], [1, 0, 9]]

    kernel = _plain().dense_kernel(torch.tensor([shown]).double())

    wanted = torch.eye(3).double()
    torch.testing.assert_close(kernel.k_BHNN[0, 0], wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("site", [CAUSAL, OPEN], ids=lambda site: str(site.domain))
def test_white_noise_comes_out_about_as_loud(site: Site, gated: bool) -> None:
    torch.manual_seed(0)
    op = FAMILY.build(site, DeltaNetParams(heads=4, gated=gated))

    loud = float(op(torch.randn(8, 64, 48)).detach().std())

    assert 0.5 < loud < 2


def test_the_second_half_of_the_heads_runs_backwards() -> None:
    torch.manual_seed(0)
    op = DeltaNet(8, heads=2, state=4, gated=True, causal=False)

    kernel = op.dense_kernel(torch.randn(1, 6, 8))

    assert not kernel.k_BHNN[:, 0].triu(1).any()
    assert not kernel.k_BHNN[:, 1].tril(-1).any()


def test_37_steps_are_one_forward_pass_of_three_chunks() -> None:
    torch.manual_seed(0)
    op = DeltaNet(8, heads=2, state=4, gated=True, causal=True).double()
    u_BND = torch.randn(3, 37, 8, dtype=torch.float64)
    state, rows = op.start(3), []

    for u_BD in u_BND.unbind(1):
        y_BD, state = op.step(u_BD, state)
        rows.append(y_BD)

    torch.testing.assert_close(torch.stack(rows, 1), op(u_BND), rtol=0, atol=1e-12)
    assert state.shape == (3, 2, 4, 4)


def test_its_costs_by_hand() -> None:
    """Width 48, 4 heads of keys of 16 and values of 12, 64 positions in 4 chunks of 16.

    Maps 4 · 48 · (64 + 48) + 2 · 48 · 8 = 22,272 for each position. For each head and chunk
    products 4·256·16 + 2·256·28 + 2·16·28·16 + 2·16·12·16 + 2·12·256 = 57,344, a system 256 · 28.
    """
    cost = FAMILY.cost(CAUSAL, DeltaNetParams(heads=4))

    assert cost == Cost(
        flops=64 * 22_272 + 4 * 4 * (57_344 + 7168),
        params=48 * 176 + 8 * 49 + 48 * 49 + 4,
        state_bytes=4 * 48 * 16,
        train_flops=3 * 64 * 22_272 + 4 * 4 * (3 * 57_344 + 4 * 7168),
        decode_flops=22_272 + 7 * 48 * 16,
        traffic_bytes=4 * (2 * 64 * (48 + 224) + 11_196 + 4 * 4096 + 2 * 7168),
        activation_bytes=4 * (64 * (4 * 160 + 48) + 5 * 4096 + 2 * 7168),
    )


@pytest.mark.parametrize(
    ("heads", "site", "why"),
    [
        (4, GRID, "a recurrence needs a sequence, not grid of 7 x 7"),
        (5, CAUSAL, "5 heads do not divide width 48"),
        (3, OPEN, "two directions need an even number of heads, and 3 is odd"),
        (3, CAUSAL, ""),
    ],
)
def test_the_reason_is_given(heads: int, site: Site, why: str) -> None:
    assert FAMILY.refuses(site, DeltaNetParams(heads=heads)) == why


def test_on_a_cpu_it_is_evaluated_in_chunks() -> None:
    (chunked,) = [way for way in FAMILY.evaluations(CAUSAL, DeltaNetParams(heads=4)) if way.taken]

    assert chunked.name == "chunked"
    assert chunked.reason == "4 chunks of 16 positions, products of matrices inside"


@pytest.mark.slow
def test_a_lone_layer_recalls_what_was_shown_beside_a_kind() -> None:
    assert score("delta_net", {"heads": 4}, "recall") > 0.9
    assert score("conv", {"radius": 6}, "recall") < 0.4
