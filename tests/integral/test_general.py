from typing import Any

import pytest
import torch

from itnet_nas.integral.general import GeneralKernel, general_work

SEQUENCE: dict[str, Any] = {
    "hidden": 5, "content": True, "products": 3, "axes": 1, "shape": (90,), "points": False,
    "causal": False, "radius": None, "neighbours": None, "samples": None,
}  # fmt: skip
CLOUD = {**SEQUENCE, "axes": 2, "points": True}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def _kernel(**given: Any) -> GeneralKernel:
    return GeneralKernel(8, 2, **given).double().eval()


@pytest.mark.parametrize(
    "given",
    [
        SEQUENCE,
        {**SEQUENCE, "causal": True},
        {**SEQUENCE, "axes": 0},
        {**SEQUENCE, "axes": 0, "causal": True},
        {**SEQUENCE, "content": False},
        {**SEQUENCE, "radius": 5},
        {**SEQUENCE, "causal": True, "radius": 40},
        {**SEQUENCE, "axes": 2, "shape": (9, 10)},
        {**SEQUENCE, "axes": 2, "shape": (9, 10), "radius": 2},
    ],
    ids=lambda given: ",".join(f"{k}={v}" for k, v in given.items() if SEQUENCE[k] != v) or "full",
)
@pytest.mark.parametrize("masked", [False, True])
def test_tiles_of_ninety_positions_give_what_pairs_give(
    given: dict[str, Any], masked: bool
) -> None:
    kernel = _kernel(**{**given, "hidden": 9})  # 72,900 hidden numbers: in tiles
    mask_BN = torch.rand(2, 90) < 0.7 if masked else None
    u_BND, v_BND = torch.randn(2, 90, 8).double(), torch.randn(2, 90, 8).double()

    with torch.no_grad():
        h_BND = kernel(u_BND, v_BND, mask_BN)
        k_BHNN = kernel.by_pairs(u_BND, mask_BN)

    real_BND = v_BND if mask_BN is None else v_BND * mask_BN.unsqueeze(-1)
    wanted_BHNE = k_BHNN @ real_BND.unflatten(-1, (2, -1)).transpose(1, 2)
    torch.testing.assert_close(h_BND, wanted_BHNE.transpose(1, 2).flatten(2), rtol=0, atol=1e-12)


@pytest.mark.parametrize("length", [16, 64, 256])
@pytest.mark.parametrize("width", [16, 64])
@pytest.mark.parametrize(
    "given",
    [{}, {"axes": 0}, {"products": 0}, {"causal": True}, {"content": False}, {"radius": 4}],
    ids=str,
)
def test_white_noise_comes_out_about_as_loud_over_four_seeds(
    given: dict[str, Any], width: int, length: int
) -> None:
    powers = []
    for seed in range(4):
        torch.manual_seed(seed)
        kernel = GeneralKernel(width, 4, **{**SEQUENCE, "hidden": 16, "shape": (length,), **given})
        u_BND = torch.randn(8, length, width)
        # κ reads u, and v is a map of it.
        v_BND = u_BND @ torch.randn(width, width) / width**0.5
        with torch.no_grad():
            powers.append(float(kernel(u_BND, v_BND).square().mean()))

    assert 0.6 < (sum(powers) / 4) ** 0.5 < 1.6


def test_a_fresh_kernel_is_no_mean_over_positions() -> None:
    """As it comes, four tenths of κ are the same for every key; centred, nothing is."""
    kernel = _kernel(**{**SEQUENCE, "axes": 0, "hidden": 16})
    u_BND = torch.randn(2, 90, 8).double()

    def share() -> float:
        k_BHNN = kernel.by_pairs(u_BND).detach()
        mean = k_BHNN.mean(-1, keepdim=True).expand_as(k_BHNN)
        return float(mean.square().sum() / k_BHNN.square().sum())

    centred = share()
    kernel.measure.centre_H.data.zero_()
    assert centred < 1e-20
    assert share() > 0.2


@pytest.mark.parametrize("radius", [None, 3])
def test_what_is_kept_while_decoding_is_what_was_said(radius: int | None) -> None:
    given = {**SEQUENCE, "causal": True, "radius": radius}
    kernel = _kernel(**given)
    state = kernel.start(2)

    for u_BD in torch.randn(12, 2, 8).double():
        _, state = kernel.step(u_BD, u_BD, state)

    work = general_work(8, 2, **{**given, "shape": (12,)})
    assert state[0] == 12
    assert state[1].shape == (2, work.numbers, work.kept)


def test_a_position_alone_is_its_own_mean() -> None:
    kernel = _kernel(**{**SEQUENCE, "causal": True})

    h_BD, _ = kernel.step(*torch.randn(2, 1, 8).double(), kernel.start(1))

    assert not h_BD.any()


def test_neighbours_need_to_stand_somewhere() -> None:
    kernel = _kernel(**{**CLOUD, "axes": 0, "shape": (9,), "neighbours": 3})
    u_BND = torch.randn(1, 9, 8).double()

    with pytest.raises(ValueError, match="the nearest points are known only where points stand"):
        kernel(u_BND, u_BND)


def test_draws_follow_the_seed_in_training_and_nothing_is_drawn_at_evaluation() -> None:
    kernel = _kernel(**{**CLOUD, "shape": (30,), "samples": 5}).train()
    u_BND, x_BNA = torch.randn(1, 30, 8).double(), torch.randn(1, 30, 2).double()

    def once(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        h_BND: torch.Tensor = kernel(u_BND, u_BND, None, x_BNA).detach()
        return h_BND

    assert torch.equal(once(1), once(1))
    assert not torch.equal(once(1), once(2))
    assert torch.equal(kernel.eval()(u_BND, u_BND, None, x_BNA).detach(), once(3))


def test_a_centred_kernel_is_estimated_without_bias() -> None:
    """1,000 draws: errors of the mean, in standard errors, are about 1."""
    kernel = _kernel(**{**CLOUD, "shape": (30,), "samples": 6}).train()
    u_BND, x_BNA = torch.randn(1, 30, 8).double(), torch.randn(1, 30, 2).double()
    many = [part.expand(1000, -1, -1) for part in (u_BND, x_BNA)]

    with torch.no_grad():
        drawn_XND = kernel(many[0], many[0], None, many[1])
        exact_XND = kernel.eval()(u_BND, u_BND, None, x_BNA)

    errors_ND = (drawn_XND.mean(0) - exact_XND[0]) / (drawn_XND.std(0) / 1000**0.5)
    assert float(errors_ND.abs().max()) < 5
    assert float(errors_ND.square().mean().sqrt()) < 1.3


def test_work_grows_with_pairs_and_in_a_window_with_positions() -> None:
    def flops(length: int, radius: int | None) -> int:
        given = {**SEQUENCE, "shape": (length,), "radius": radius}
        return general_work(8, 2, **given).evaluated.flops

    assert flops(2000, None) == 4 * flops(1000, None)
    assert flops(2000, 5) < 2.01 * flops(1000, 5)


def test_what_is_drawn_is_less_work_in_training_alone() -> None:
    whole = general_work(8, 2, **{**CLOUD, "shape": (500,)})
    drawn = general_work(8, 2, **{**CLOUD, "shape": (500,), "samples": 20})

    assert drawn.evaluated == whole.evaluated
    assert drawn.trained.flops * 25 == whole.trained.flops
