from typing import Any

import pytest
import torch
from support.learning import score
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.low_rank import FAMILY, LowRank, LowRankParams
from itnet_nas.axes import Content, Sharing
from itnet_nas.integral.evaluation import taken
from itnet_nas.kernels import Domain, Site
from itnet_nas.testing.bench import SITES, Bench
from itnet_nas.testing.kernel_contract import KernelFamilyContract

CHUNKED = Site(domain=Domain(kind="sequence", shape=(70,), causal=True), width=8)


class TestLowRank(KernelFamilyContract):
    family = FAMILY
    cases = [
        {"rank": 3, "heads": 2, "reads": "content"},
        {"rank": 2, "heads": 1, "reads": "position"},
        {"rank": 4, "heads": 4},
        {"rank": 200, "heads": 8},
    ]


class TestLowRankInChunks(KernelFamilyContract):
    family = FAMILY
    cases = [{"rank": 3, "heads": 2, "reads": reads} for reads in ("content", "position", "both")]
    sites = (CHUNKED,)


def _site(kind: str, *shape: int, causal: bool = False, coordinates: int = 0) -> Site:
    domain = Domain.model_validate(
        {"kind": kind, "shape": shape, "causal": causal, "coordinates": coordinates}
    )
    return Site(domain=domain, width=16)


CAUSAL = _site("sequence", 100, causal=True)
OPEN = _site("sequence", 100)
GRID = _site("grid", 5, 6)
POINTS = _site("points", 30, coordinates=3)
SET = _site("points", 30)


def _by_hand(causal: bool) -> LowRank:
    """One channel, one head, rank 1, φ = ψ = 1, no local part: K = s n^(−p)."""
    op = LowRank(1, heads=1, rank=1, reads="content", shape=(4,), axes=0, causal=causal).double()
    torch.nn.init.zeros_(op.features.last.weight)
    torch.nn.init.ones_(op.features.last.bias)
    torch.nn.init.ones_(op.value.weight)
    torch.nn.init.ones_(op.out.weight)
    torch.nn.init.zeros_(op.local.weight)
    torch.nn.init.ones_(op.scale_H)
    return op


U_1N1 = torch.tensor([4.0, 2, 6, 0], dtype=torch.float64).reshape(1, 4, 1)


def test_with_a_power_of_one_a_constant_kernel_is_the_mean() -> None:
    op = _by_hand(causal=False)
    torch.nn.init.ones_(op.power_H)

    assert op(U_1N1).flatten().tolist() == pytest.approx([3, 3, 3, 3])


def test_where_causal_it_is_the_mean_so_far() -> None:
    op = _by_hand(causal=True)
    torch.nn.init.ones_(op.power_H)

    assert op(U_1N1).flatten().tolist() == pytest.approx([4, 3, 4, 3])


def test_with_a_power_of_a_half_it_is_the_sum_over_the_root() -> None:
    assert _by_hand(causal=False)(U_1N1).flatten().tolist() == pytest.approx([6, 6, 6, 6])


def test_a_mean_is_over_real_positions_alone() -> None:
    op = _by_hand(causal=True)
    torch.nn.init.ones_(op.power_H)
    mask_BN = torch.tensor([[False, True, False, True]])

    assert op(U_1N1, mask_BN).flatten().tolist() == pytest.approx([0, 2, 0, 1])


@pytest.mark.parametrize("reads", ["content", "position", "both"])
@pytest.mark.parametrize("site", [CAUSAL, OPEN, GRID, POINTS], ids=lambda site: str(site.domain))
def test_the_kernel_has_the_declared_rank(site: Site, reads: str) -> None:
    bench = Bench(FAMILY, LowRankParams(rank=3, heads=2, reads=reads), site)  # type: ignore[arg-type]
    op, u_BND = bench.build(), bench.field(batch=1)

    kernel = op.dense_kernel(u_BND, None, bench.places(batch=1))

    block_HNN = kernel.k_BHNN[0, :, 15:, :15] if site.causal else kernel.k_BHNN[0]
    ranks = torch.linalg.matrix_rank(block_HNN.detach(), atol=1e-9)
    assert ranks.tolist() == [3, 3]


@pytest.mark.parametrize("reads", ["content", "position", "both"])
@pytest.mark.parametrize("length", [64, 1024])
@pytest.mark.parametrize("causal", [True, False])
def test_white_noise_comes_out_about_as_loud(reads: str, length: int, causal: bool) -> None:
    torch.manual_seed(0)
    domain = Domain(kind="sequence", shape=(length,), causal=causal)
    params = LowRankParams.model_validate({"rank": 16, "reads": reads})
    op = FAMILY.build(Site(domain=domain, width=64), params)

    with torch.no_grad():
        loud = float(op(torch.randn(4, length, 64)).std())

    assert 0.7 < loud < 1.4


def test_early_positions_of_a_causal_field_are_as_loud_as_late_ones() -> None:
    torch.manual_seed(0)
    op = FAMILY.build(CAUSAL, LowRankParams(rank=8, reads="position"))

    with torch.no_grad():
        y_BND = op(torch.randn(64, 100, 16))

    assert float(y_BND[:, :10].std() / y_BND[:, -10:].std()) == pytest.approx(1, abs=0.4)


def test_a_field_that_is_not_real_yet_does_not_change_where_positions_stand() -> None:
    torch.manual_seed(0)
    op = FAMILY.build(CAUSAL, LowRankParams(rank=8)).double()
    u_BND = torch.randn(2, 100, 16, dtype=torch.float64)

    torch.testing.assert_close(op(u_BND[:, :40]), op(u_BND)[:, :40], rtol=0, atol=1e-13)


def test_300_steps_are_one_forward_pass_with_a_state_that_stays() -> None:
    torch.manual_seed(0)
    op = FAMILY.build(CAUSAL, LowRankParams(rank=4, heads=2)).double()
    u_BND = torch.randn(2, 300, 16, dtype=torch.float64)
    state, rows = op.start(2), []

    for u_BD in u_BND.unbind(1):
        y_BD, state = op.step(u_BD, state)
        rows.append(y_BD)

    torch.testing.assert_close(torch.stack(rows, 1), op(u_BND), rtol=0, atol=1e-11)
    assert state[0] == 300
    assert state[1].shape == (2, 2, 4, 8)


def test_what_looks_ahead_says_that_it_cannot_decode() -> None:
    op = FAMILY.build(OPEN, LowRankParams(rank=4))

    with pytest.raises(NotImplementedError) as raised:
        op.start(1)

    assert not op.decodes
    assert str(raised.value) == "LowRank cannot decode; ask `decodes` first"


@pytest.mark.parametrize(
    ("reads", "sharing", "content"),
    [
        ("content", Sharing.PERMUTATION, Content.PAIR),
        ("position", Sharing.POSITION_SPECIFIC, Content.NONE),
        ("both", Sharing.POSITION_SPECIFIC, Content.PAIR),
    ],
)
def test_what_it_reads_is_its_bias(reads: str, sharing: Sharing, content: Content) -> None:
    bias = FAMILY.bias(LowRankParams.model_validate({"rank": 6, "reads": reads}))

    assert bias.sharing is sharing
    assert bias.content is content
    assert bias.state_size == 6


@pytest.mark.parametrize(
    ("params", "site", "why"),
    [
        ({"heads": 3}, OPEN, "3 heads do not divide width 16"),
        ({"reads": "both"}, SET, "a bare set has no positions that a kernel could read"),
        ({"reads": "position"}, SET, "a bare set has no positions that a kernel could read"),
        ({"reads": "content"}, SET, ""),
        ({"reads": "both"}, POINTS, ""),
    ],
)
def test_the_reason_is_given(params: dict[str, Any], site: Site, why: str) -> None:
    assert FAMILY.refuses(site, LowRankParams(rank=4, **params)) == why


@pytest.mark.parametrize(("rank", "normal"), [(4, 4), (17, 17), (18, 17), (256, 17)])
def test_more_features_than_the_map_can_tell_apart_are_as_many_as_it_can(
    rank: int, normal: int
) -> None:
    assert FAMILY.normalize(OPEN, LowRankParams(rank=rank)).rank == normal


@pytest.mark.parametrize(
    ("site", "way", "reason"),
    [
        (OPEN, "sum", "every position reads the same sum over all of them, so no pair is formed"),
        (SITES[0], "pairs", "21 positions fit into one chunk of 32"),
        (CAUSAL, "chunks", "100 positions do not fit into one chunk of 32"),
    ],
    ids=["open", "short", "long"],
)
def test_the_evaluation_is_taken_for_a_reason(site: Site, way: str, reason: str) -> None:
    evaluations = FAMILY.evaluations(site, LowRankParams(rank=4))

    assert taken(evaluations) == way
    assert next(one.reason for one in evaluations if one.taken) == reason


@pytest.mark.parametrize("reads", ["content", "position", "both"])
@pytest.mark.parametrize(
    "site", [CAUSAL, SITES[0], OPEN, GRID, POINTS], ids=lambda site: str(site.domain)
)
def test_products_of_matrices_are_counted_exactly(site: Site, reads: str) -> None:
    params = LowRankParams.model_validate({"rank": 6, "heads": 2, "reads": reads})
    op = FAMILY.build(site, params).to("meta")
    length, width, axes = site.length, site.width, site.domain.coordinates
    u_BND = torch.empty(1, length, width, device="meta", requires_grad=True)
    x_BNA = torch.empty(1, length, axes, device="meta") if axes else None
    with FlopCounterMode(display=False) as forward:
        y_BND = op(u_BND, None, x_BNA)
    with FlopCounterMode(display=False) as backward:
        y_BND.sum().backward()

    cost = FAMILY.cost(site, params)

    angles = 0 if reads == "content" else 2 * 16 * length * site.domain.dimensions
    rest = angles + length * width  # and the scale
    if site is CAUSAL:  # four chunks of 32: which pairs are past, and the running sum
        rest += 4 * 32**2 * 2 + 4 * 6 * width
    elif site.causal:
        rest += length**2 * 2
    assert cost.flops - rest == forward.get_total_flops()
    assert cost.train_flops is not None
    assert cost.train_flops - 3 * rest == forward.get_total_flops() + backward.get_total_flops()


def test_a_step_by_hand() -> None:
    """Width 16, rank 6, 2 heads, one axis: weights 4 · 256 + 2 · 16 · 16 + 2 · 16 · 12 = 1920."""
    cost = FAMILY.cost(CAUSAL, LowRankParams(rank=6, heads=2))

    assert cost.decode_flops == 2 * 1920 + 2 * 16 + 16 + 4 * 6 * 16
    assert cost.state_bytes == 4 * 6 * 16


def test_what_does_not_decode_has_no_state() -> None:
    cost = FAMILY.cost(OPEN, LowRankParams(rank=6))

    assert cost.state_bytes is None
    assert cost.decode_flops is None


def test_work_grows_linearly_with_the_length() -> None:
    def flops(length: int) -> int:
        domain = Domain(kind="sequence", shape=(length,), causal=True)
        return FAMILY.cost(Site(domain=domain, width=64), LowRankParams(rank=16)).flops

    assert flops(8192) == 8 * flops(1024)


@pytest.mark.parametrize(
    ("params", "site", "changes"),
    [
        (
            {"rank": 4, "reads": "content"},
            OPEN,
            [
                "rank 4 -> 8, new features read by nobody yet",
                "reads content -> both, with zeros",
            ],
        ),
        ({"rank": 9, "reads": "position"}, GRID, ["reads position -> both, with zeros"]),
        ({"rank": 4, "reads": "content"}, SET, ["rank 4 -> 8, new features read by nobody yet"]),
        ({"rank": 17}, OPEN, []),
    ],
)
def test_the_moves_are_those_that_lead_somewhere(
    params: dict[str, Any], site: Site, changes: list[str]
) -> None:
    moves = FAMILY.morphisms(site, LowRankParams(**params))

    assert [move.change for move in moves] == changes


def test_after_a_move_to_a_larger_rank_the_new_features_learn() -> None:
    params = LowRankParams(rank=2, heads=2, reads="content")
    move = FAMILY.morphisms(OPEN, params)[0]
    torch.manual_seed(0)
    op = FAMILY.build(OPEN, LowRankParams(rank=4, heads=2, reads="content"))
    op.load_state_dict(move.carry(FAMILY.build(OPEN, params).state_dict()))

    op(torch.randn(1, 100, 16)).square().sum().backward()

    gradient = op.get_parameter("features.last.weight").grad
    assert gradient is not None
    assert bool((gradient.reshape(2, 2, 4, 16)[0, :, 2:].abs().amax(-1) > 0).all())


def test_angles_are_not_rounded_by_autocast() -> None:
    torch.manual_seed(0)
    op = FAMILY.build(_site("sequence", 4096), LowRankParams(rank=4, reads="position"))
    u_BND = torch.randn(1, 4096, 16)

    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        half_BND = op(u_BND).float()

    y_BND = op(u_BND).detach()
    assert float((half_BND - y_BND).abs().max()) < 2e-2 * max(1, float(y_BND.abs().max()))


@pytest.mark.slow
def test_a_lone_layer_learns_to_recall_what_no_window_reaches() -> None:
    mine = score("low_rank", {"rank": 8, "reads": "content"}, "recall")

    assert mine > 0.95
    assert mine > 0.6 + score("conv", {"radius": 3}, "recall")


@pytest.mark.slow
def test_a_lone_layer_learns_a_fading_memory_from_positions_alone() -> None:
    mine = score("low_rank", {"rank": 8, "reads": "position"}, "echo")

    assert mine > 0.95
    assert mine > 0.2 + score("conv", {"radius": 3}, "echo")


@pytest.mark.slow
def test_a_lone_layer_learns_a_mean_over_those_that_count() -> None:
    mine = score("low_rank", {"rank": 8}, "count", causal=False)

    assert mine > 0.92
    assert mine > 0.15 + score("identity", {}, "count", causal=False)


def test_frequencies_power_and_scale_are_not_decayed() -> None:
    op = FAMILY.build(OPEN, LowRankParams(rank=4))

    names = {name.rpartition(".")[2] for name, _ in op.named_parameters()}
    assert set(op.undecayed) == {"omega_AF", "scale_H", "power_H"}
    assert set(op.undecayed) < names
