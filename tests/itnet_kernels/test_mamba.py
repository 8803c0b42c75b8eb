from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.mamba import FAMILY, Mamba, MambaParams
from itnet_nas.kernels import Domain, Site
from itnet_nas.testing import KernelFamilyContract


class TestMamba(KernelFamilyContract):
    family = FAMILY
    cases = [{"state": 1}, {"state": 4}]


CAUSAL = Site(domain=Domain(kind="sequence", shape=(40,), causal=True), width=8)


def _plain() -> Mamba:
    """One number that halves: Δ = ln 2, A = −1. x is u, B, C and the gate are 1."""
    op = Mamba(1, state=1, length=3, causal=True).double()
    op.inner.weight.data.zero_()[0] = 1.0
    op.inner.bias.data.fill_(1.0)[0] = 0.0
    op.inner.bias.data[1] = 1.2784645427610738  # silu of it is 1
    op.delta_RDP.data.zero_()
    op.step_RD.data.zero_()  # softplus(0) = ln 2
    op.skip_D.data.zero_()
    op.out.weight.data.fill_(1 / 0.69314718055994530942)
    return op


def test_a_memory_that_halves_by_hand() -> None:
    y_BND = _plain()(torch.tensor([8.0, 4, 10], dtype=torch.float64).reshape(1, 3, 1))

    assert y_BND.flatten().tolist() == pytest.approx([8, 8, 14], abs=1e-12)


def test_a_masked_position_leaves_the_memory_as_it_was() -> None:
    u_BND = torch.tensor([8.0, 99, 10], dtype=torch.float64).reshape(1, 3, 1)

    y_BND = _plain()(u_BND, torch.tensor([[True, False, True]]))

    assert y_BND.flatten().tolist() == pytest.approx([8, 0, 14], abs=1e-12)


def test_a_fresh_operator_has_channels_that_forget_in_2_to_all_positions() -> None:
    op = Mamba(9, state=1, length=512, causal=True)

    tau_D = 1 / torch.nn.functional.softplus(op.step_RD.detach())[0]

    torch.testing.assert_close(tau_D, 2.0 ** torch.arange(1, 10))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("state", [4, 16])
@pytest.mark.parametrize("length", [49, 512])
def test_white_noise_comes_out_about_as_loud(causal: bool, state: int, length: int) -> None:
    op = Mamba(48, state=state, length=length, causal=causal)

    loud = float(op(torch.randn(4, length, 48)).detach().std())

    assert 0.5 < loud < 2


@pytest.mark.parametrize("causal", [True, False])
def test_maps_are_counted_exactly(causal: bool) -> None:
    """2 N D (3 D + P + R (2 S + P)); the products of a chunk that read it are counted too."""
    site = Site(domain=Domain(kind="sequence", shape=(40,), causal=causal), width=32)
    op = FAMILY.build(site, MambaParams(state=4)).to("meta")
    runs, padded = (1 if causal else 2), 40
    reading = runs * 2 * padded * 32 * 4
    memories = runs * 40 * 32 * (6 * 4 + 2) + 3 * 40 * 32

    with FlopCounterMode(display=False) as counter:
        op(torch.empty(1, 40, 32, device="meta"))

    stated = FAMILY.cost(site, MambaParams(state=4)).flops
    assert stated - memories == counter.get_total_flops() - reading


def test_bytes_of_state_do_not_grow_with_the_length() -> None:
    assert FAMILY.cost(CAUSAL, MambaParams(state=4)).state_bytes == 4 * 8 * 4


def test_decays_over_1024_positions_survive_bfloat16() -> None:
    op = Mamba(32, state=8, length=1024, causal=True)
    u_BND = torch.randn(1, 1024, 32)

    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        half_BND = op(u_BND).float()

    y_BND = op(u_BND).detach()
    assert float((half_BND - y_BND).abs().max() / y_BND.abs().max()) < 2e-2


def test_twice_the_state_is_not_yet_read() -> None:
    (move,) = FAMILY.morphisms(CAUSAL, MambaParams(state=3))

    assert move.change == "state 3 -> 6, not yet read"
    assert FAMILY.morphisms(CAUSAL, MambaParams(state=129)) == ()


@pytest.mark.parametrize(("kind", "shape"), [("grid", (2, 3)), ("points", (20,))])
def test_the_reason_is_given(kind: Any, shape: tuple[int, ...]) -> None:
    domain = Domain(kind=kind, shape=shape)

    why = FAMILY.refuses(Site(domain=domain, width=8), MambaParams(state=4))

    assert why == f"a recurrence needs a sequence, not {domain}"


@pytest.mark.slow
@pytest.mark.parametrize(("task", "least"), [("recall", 0.6), ("echo", 0.9)])
def test_a_lone_layer_learns_what_needs_a_memory(task: str, least: float) -> None:
    """Over twelve starts recall ends at 0.96 to 0.99 or, five times, near 0.76."""
    assert score("mamba", {"state": 16}, task) > least
    assert score("identity", {}, task) < 0.3
