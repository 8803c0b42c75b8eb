"""The share of third positions against second derivatives by automatic differentiation.

Shapes  B examples, N positions, D channels
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from itnet_nas.kernels import Domain, Operator, Site
from itnet_nas.nn.probe.budget import DEFAULT, FULL
from itnet_nas.nn.probe.third import beyond_pairwise
from itnet_nas.registry import KERNELS

if TYPE_CHECKING:
    from itnet_nas.nn.probe.rows import Run

LENGTH, WIDTH = 6, 3
FEW = replace(DEFAULT, third_positions=4)
MANY = replace(DEFAULT, third_positions=400, resamples=50)


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def attention(u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None) -> Tensor:
    """Softmax attention, written out."""
    q_DD, k_DD, v_DD = drawn(3, WIDTH, WIDTH, seed=5).to(u_BND)
    score_BNN = (u_BND @ q_DD) @ (u_BND @ k_DD).mT
    if mask_BN is not None:
        score_BNN = score_BNN.masked_fill(~mask_BN[:, None], -torch.inf)
    y_BND = score_BNN.softmax(-1) @ (u_BND @ v_DD)
    return y_BND if mask_BN is None else y_BND * mask_BN[..., None]


def products(u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None) -> Tensor:
    """Attention without the softmax: every pair has its say by itself."""
    q_DD, k_DD, v_DD = drawn(3, WIDTH, WIDTH, seed=5).to(u_BND)
    return ((u_BND @ q_DD) @ (u_BND @ k_DD).mT).tanh() @ (u_BND @ v_DD)


def chained(u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None) -> Tensor:
    """y[n] = tanh(u[n] + y[n − 1]): what is heard of a token depends on all in between."""
    y_BD, found = torch.zeros_like(u_BND[:, 0]), []
    for n in range(u_BND.shape[1]):
        y_BD = torch.tanh(u_BND[:, n] + 1.5 * y_BD)
        found.append(y_BD)
    return torch.stack(found, 1)


def exact(op: Run, u_BND: Tensor) -> float:
    """The share with every second derivative written out, over all i."""
    third = total = 0.0
    for u_ND in u_BND:
        for i in range(u_ND.shape[0]):
            energy_NN = _energies(op, u_ND, i)
            energy_NN[i] = 0
            total += float(energy_NN.sum())
            energy_NN[:, i] = 0
            energy_NN.fill_diagonal_(0)
            third += float(energy_NN.sum())
    return third / total


def _energies(op: Run, u_ND: Tensor, i: int) -> Tensor:
    """‖∂²y_i / ∂u_j ∂u_m‖² as energy_NN."""
    energy_NN = torch.zeros(len(u_ND), len(u_ND), dtype=u_ND.dtype)
    for channel in range(WIDTH):

        def one(u_ND: Tensor, channel: int = channel) -> Tensor:
            return op(u_ND[None], None, None)[0, i, channel]

        energy_NN += torch.autograd.functional.hessian(one, u_ND).square().sum((1, 3))
    return energy_NN


def built(name: str, length: int = 12, causal: bool = True, **params: Any) -> Operator:
    family = KERNELS.load(name)
    site = Site(domain=Domain(kind="sequence", shape=(length,), causal=causal), width=8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return family.build(site, family.Params(**params)).eval()


def read(op: Run, budget: Any = FEW, seed: int = 0) -> tuple[Any, str, int]:
    generator = torch.Generator().manual_seed(seed)
    return beyond_pairwise(op, drawn(6, 12, 8, dtype=torch.float32), None, None, budget, generator)


@pytest.mark.parametrize("op", [attention, chained], ids=["attention", "chained"])
def test_the_share_is_that_of_second_derivatives(op: Run) -> None:
    u_BND = drawn(8, LENGTH, WIDTH)
    truth = exact(op, u_BND)

    found, note, _ = beyond_pairwise(op, u_BND, None, None, MANY, torch.Generator().manual_seed(0))

    assert note == ""
    assert found is not None
    assert 0.2 < truth < 0.5
    assert found.value == pytest.approx(truth, abs=0.03)


def test_the_interval_holds_the_share_of_all_rows() -> None:
    u_BND = drawn(8, LENGTH, WIDTH)
    truth = exact(attention, u_BND)
    budget = replace(DEFAULT, third_positions=12)

    found = [
        beyond_pairwise(attention, u_BND, None, None, budget, torch.Generator().manual_seed(s))[0]
        for s in range(12)
    ]

    assert sum(one is not None and one.low <= truth <= one.high for one in found) >= 10


def test_a_step_in_float32_reads_what_one_in_float64_does() -> None:
    u_BND = drawn(8, LENGTH, WIDTH)

    exactly, roughly = (
        beyond_pairwise(attention, u_BND.to(dtype), None, None, FEW, torch.Generator())[0]
        for dtype in (torch.float64, torch.float32)
    )

    assert exactly is not None
    assert roughly is not None
    assert roughly.value == pytest.approx(exactly.value, abs=1e-3)


def test_the_size_of_the_input_sets_the_step() -> None:
    def scaled(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        return attention(u_BND * 1e3)

    u_BND = drawn(8, LENGTH, WIDTH)

    large, small = (
        beyond_pairwise(op, at_BND, None, None, FEW, torch.Generator().manual_seed(0))[0]
        for op, at_BND in ((attention, u_BND), (scaled, u_BND * 1e-3))
    )

    assert large is not None
    assert small is not None
    assert small.value == pytest.approx(large.value, rel=1e-4)


def test_products_of_pairs_are_exactly_pairwise() -> None:
    u_BND = drawn(8, LENGTH, WIDTH)

    found, _, _ = beyond_pairwise(products, u_BND, None, None, FEW, torch.Generator())

    assert found is not None
    assert found.high < 1e-12


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("linear_attention", {"heads": 2, "features": "identity"}),
        ("dynamic_conv", {"radius": 2}),
        ("low_rank", {"rank": 4}),
    ],
)
def test_a_pairwise_family_has_a_share_of_nothing(name: str, params: dict[str, Any]) -> None:
    found, _, _ = read(built(name, **params))

    assert found is not None
    assert found.high < 1e-9


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("attention", {"heads": 2}),
        ("gru", {}),
        ("lstm", {}),
        ("min_gru", {}),
        ("delta_net", {"heads": 2, "state": 4}),
        ("mamba", {"state": 8}),
    ],
)
def test_a_normaliser_a_path_and_feedback_have_third_positions(
    name: str, params: dict[str, Any]
) -> None:
    found, _, _ = read(built(name, **params), replace(FEW, third_positions=8))

    assert found is not None
    assert found.low > 1e-3


@pytest.mark.parametrize(
    ("name", "params"), [("conv", {"radius": 2}), ("ssm", {"state": 4}), ("long_conv", {})]
)
def test_a_fixed_kernel_is_said_not_to_change(name: str, params: dict[str, Any]) -> None:
    found, note, _ = read(built(name, **params))

    assert found is None
    assert note == "the kernel does not change with the input"


def test_the_identity_has_no_pairs() -> None:
    assert read(built("identity"))[:2] == (None, "no position acts on another one")


def test_two_positions_have_no_third() -> None:
    mask_BN = torch.arange(LENGTH).expand(8, -1) < 2

    found = beyond_pairwise(
        attention, drawn(8, LENGTH, WIDTH), mask_BN, None, FEW, torch.Generator()
    )

    assert found == (None, "there is no third position", 0)


def test_a_budget_may_leave_it_out() -> None:
    budget = replace(FULL, third_positions=0)

    assert read(attention, budget) == (None, "this budget does not ask for it", 0)


def test_padding_is_no_third_position() -> None:
    u_BND = drawn(8, 4, WIDTH)
    padded_BND = torch.cat([u_BND, drawn(8, 5, WIDTH, seed=9) * 100], 1)
    mask_BN = torch.arange(9).expand(8, -1) < 4

    found, _, _ = beyond_pairwise(attention, padded_BND, mask_BN, None, MANY, torch.Generator())

    assert found is not None
    assert found.value == pytest.approx(exact(attention, u_BND), abs=0.02)


def test_four_rows_are_read_for_each_position_asked_for() -> None:
    copies: list[int] = []

    def counted(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        copies.append(len(u_BND))
        return attention(u_BND)

    _, _, rows = beyond_pairwise(
        counted, drawn(8, LENGTH, WIDTH), None, None, FEW, torch.Generator()
    )

    assert rows == sum(copies) == 4 * 4 * 8


def test_the_operator_stays_as_it_was() -> None:
    op = built("attention", heads=2)
    before = {name: value.clone() for name, value in op.state_dict().items()}

    read(op)

    assert all(torch.equal(value, before[name]) for name, value in op.state_dict().items())
    assert all(p.dtype == torch.float32 and p.grad is None for p in op.parameters())


def test_the_same_seed_reads_the_same() -> None:
    op: nn.Module = built("gru")

    assert read(op, seed=4) == read(op, seed=4)
