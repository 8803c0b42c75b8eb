from typing import Any

import pytest
import torch
from support.learning import score
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from itnet_kernels.integral import FAMILY, Integral, IntegralParams
from itnet_nas.axes import Content, Sharing, Support
from itnet_nas.integral.evaluation import taken
from itnet_nas.integral.features import FREQUENCIES
from itnet_nas.kernels import Domain, Site
from itnet_nas.testing import KernelFamilyContract


class TestIntegral(KernelFamilyContract):
    family = FAMILY
    cases = [
        {"hidden": 5, "heads": 2, "hadamard": 3},
        {"hidden": 4, "heads": 4, "hadamard": 0, "position": False},
        {"hidden": 6, "heads": 1, "content": "none"},
        {"hidden": 4, "heads": 2, "evaluation": "window", "radius": 2},
        {"hidden": 4, "heads": 2, "evaluation": "window", "radius": 3, "position": False},
        {"hidden": 5, "heads": 2, "evaluation": "knn", "neighbours": 4},
        {"hidden": 5, "heads": 2, "evaluation": "monte_carlo", "samples": 8},
        {"hidden": 5, "heads": 2, "evaluation": "tiled", "hadamard": 2, "position": False},
    ]


def _site(kind: str, *shape: int, causal: bool = False, coordinates: int = 0) -> Site:
    domain = Domain(kind=kind, shape=shape, causal=causal, coordinates=coordinates)  # type: ignore[arg-type]
    return Site(domain=domain, width=16)


OPEN, CAUSAL, GRID = _site("sequence", 40), _site("sequence", 40, causal=True), _site("grid", 6, 7)
SET, POINTS = _site("points", 30), _site("points", 30, coordinates=3)


def _moment(op: Integral, column: int) -> Integral:
    """K = κ / n with κ one feature, as GELU(p) − GELU(−p) = p; maps that change nothing."""
    for parameter in op.parameters():
        nn.init.zeros_(parameter)
    op.kernel.mlp.first.weight.data[:, column] = torch.tensor([1.0, -1.0])
    op.kernel.mlp.read.weight.data[:] = torch.tensor([[1.0, -1.0]])
    for one in (op.kernel.measure.scale_H, op.value.weight, op.out.weight):
        nn.init.ones_(one)
    return op.double()


def _one(kind: str, **given: Any) -> Integral:
    coordinates = 0 if kind == "sequence" or not given.get("position", True) else 1
    domain = Domain(
        kind=kind,  # type: ignore[arg-type]
        shape=(4,),
        coordinates=coordinates,
        causal=given.pop("causal", False),
    )
    params = IntegralParams(hidden=2, heads=1, hadamard=0, **given)
    return FAMILY.build(Site(domain=domain, width=1), params)


U_BND = torch.tensor([1.0, 2.0, 4.0, 9.0], dtype=torch.float64).reshape(1, 4, 1)


def test_a_mean_weighed_by_what_stands_there() -> None:
    """κ = u_j, uncentred: (1 + 4 + 16 + 81) / 4."""
    op = _moment(_one("points", position=False), column=1)

    assert op(U_BND).flatten().tolist() == pytest.approx([25.5] * 4, abs=1e-12)


def test_centred_it_is_a_covariance() -> None:
    """25.5 − 4²."""
    op = _moment(_one("points", position=False), column=1)
    nn.init.ones_(op.kernel.measure.centre_H)

    assert op(U_BND).flatten().tolist() == pytest.approx([9.5] * 4, abs=1e-12)


def test_in_a_causal_domain_it_is_that_of_what_has_been() -> None:
    """1, 2 and 4 have a mean of 7 / 3 and squares of 21 / 3."""
    op = _moment(_one("sequence", position=False, causal=True), column=1)
    nn.init.ones_(op.kernel.measure.centre_H)

    y = op(U_BND).flatten().tolist()
    assert y == pytest.approx([0, 0.25, 7 - 49 / 9, 9.5], abs=1e-12)


def test_where_points_stand_is_read_by_their_difference() -> None:
    """κ = x_i − x_j: at x = 3, (3 · 1 + 2 · 2 + 1 · 4 + 0 · 9) / 4."""
    op = _moment(_one("points"), column=0)
    x_BNA = torch.tensor([0.0, 1, 2, 3], dtype=torch.float64).reshape(1, 4, 1)

    y = op(U_BND, None, x_BNA).flatten().tolist()
    assert y[3] == pytest.approx(11 / 4, abs=1e-12)
    assert y[0] == pytest.approx(-(2 + 8 + 27) / 4, abs=1e-12)


def test_the_nearest_two_are_a_point_and_the_one_beside_it() -> None:
    """κ = u_j: at x = 5, (4 · 4 + 9 · 9) / 2."""
    op = _moment(_one("points", evaluation="knn", neighbours=2), column=2 + FREQUENCIES + 1)
    x_BNA = torch.tensor([0.0, 1, 3, 5], dtype=torch.float64).reshape(1, 4, 1)

    y = op(U_BND, None, x_BNA).flatten().tolist()
    assert y == pytest.approx([2.5, 2.5, 10, 48.5], abs=1e-12)


@pytest.mark.parametrize("site", [OPEN, CAUSAL, GRID, SET, POINTS], ids=lambda s: str(s.domain))
def test_white_noise_comes_out_about_as_loud(site: Site) -> None:
    params = IntegralParams(position=bool(site.domain.dimensions))
    op = FAMILY.build(site, params)
    axes = site.domain.coordinates
    x_BNA = torch.randn(32, site.length, axes) if axes else None

    with torch.no_grad():
        loud = float(op(torch.randn(32, site.length, 16), None, x_BNA).std())

    assert 0.7 < loud < 1.4


def test_300_steps_are_one_forward_pass() -> None:
    """Also where the forward pass works in tiles."""
    op = FAMILY.build(_site("sequence", 300, causal=True), IntegralParams(hidden=4)).double()
    u_BND = torch.randn(2, 300, 16, dtype=torch.float64)
    state, rows = op.start(2), []

    for u_BD in u_BND.unbind(1):
        y_BD, state = op.step(u_BD, state)
        rows.append(y_BD)

    torch.testing.assert_close(torch.stack(rows, 1), op(u_BND), rtol=0, atol=1e-11)


def test_what_looks_ahead_says_that_it_cannot_decode() -> None:
    op = FAMILY.build(OPEN, IntegralParams())

    with pytest.raises(NotImplementedError) as raised:
        op.start(1)

    assert not op.decodes
    assert str(raised.value) == "Integral cannot decode; ask `decodes` first"


def test_a_field_that_is_not_there_yet_does_not_change_where_positions_stand() -> None:
    op = FAMILY.build(CAUSAL, IntegralParams()).double()
    u_BND = torch.randn(2, 40, 16, dtype=torch.float64)

    torch.testing.assert_close(op(u_BND[:, :25]), op(u_BND)[:, :25], rtol=0, atol=1e-12)


@pytest.mark.parametrize("causal", [True, False])
def test_half_precision_holds_in_tiles(causal: bool) -> None:
    op = FAMILY.build(_site("sequence", 400, causal=causal), IntegralParams())
    u_BND = torch.randn(2, 400, 16)

    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        half_BND = op(u_BND).float()

    y_BND = op(u_BND).detach()
    assert float((half_BND - y_BND).abs().max()) < 2e-2 * max(1, float(y_BND.abs().max()))


@pytest.mark.parametrize(
    ("params", "support", "sharing", "content"),
    [
        ({}, Support.FULL, Sharing.TRANSLATION, Content.PAIR),
        ({"position": False}, Support.FULL, Sharing.PERMUTATION, Content.PAIR),
        ({"content": "none"}, Support.FULL, Sharing.TRANSLATION, Content.NONE),
        ({"evaluation": "window"}, Support.WINDOW, Sharing.TRANSLATION, Content.PAIR),
        (
            {"evaluation": "knn", "position": False},
            Support.KNN,
            Sharing.TRANSLATION,
            Content.PAIR,
        ),
        (
            {"evaluation": "monte_carlo", "position": False},
            Support.FULL,
            Sharing.PERMUTATION,
            Content.PAIR,
        ),
    ],
)
def test_what_it_reads_and_sums_over_is_its_bias(
    params: dict[str, Any], support: Support, sharing: Sharing, content: Content
) -> None:
    bias = FAMILY.bias(IntegralParams(**params))

    assert (bias.support, bias.sharing, bias.content) == (support, sharing, content)
    assert bias.radius == (8 if support is Support.WINDOW else None)


@pytest.mark.parametrize(
    ("params", "site", "why"),
    [
        ({"heads": 3}, OPEN, "3 heads do not divide width 16"),
        (
            {"content": "none", "position": False},
            OPEN,
            "a kernel of neither content nor position has nothing to read",
        ),
        ({}, SET, "a bare set has no positions that a kernel could read"),
        ({"position": False}, SET, ""),
        (
            {"evaluation": "window"},
            POINTS,
            "points stand in no order, so a window has no meaning on them",
        ),
        (
            {"evaluation": "knn"},
            GRID,
            "on a grid the nearest positions are a window: ask for that",
        ),
        (
            {"evaluation": "knn", "position": False},
            SET,
            "points without coordinates have no neighbours",
        ),
        (
            {"evaluation": "monte_carlo"},
            OPEN,
            "positions are drawn from a set of points, not from a sequence",
        ),
        ({"evaluation": "knn"}, POINTS, ""),
        ({"evaluation": "monte_carlo"}, POINTS, ""),
    ],
)
def test_the_reason_is_given(params: dict[str, Any], site: Site, why: str) -> None:
    assert FAMILY.refuses(site, IntegralParams(**params)) == why


@pytest.mark.parametrize(
    ("site", "given", "normal"),
    [
        (OPEN, {"evaluation": "dense"}, {}),
        (OPEN, {"evaluation": "tiled"}, {}),
        (OPEN, {"evaluation": "window", "radius": 39}, {}),
        (OPEN, {"evaluation": "window", "radius": 38}, {"evaluation": "window", "radius": 38}),
        (GRID, {"evaluation": "window", "radius": 6}, {}),
        (POINTS, {"evaluation": "knn", "neighbours": 30}, {}),
        (OPEN, {"radius": 3, "neighbours": 5, "samples": 7}, {}),
        (OPEN, {"content": "none", "hadamard": 2}, {"content": "none"}),
        (
            POINTS,
            {"evaluation": "monte_carlo", "samples": 9, "radius": 2},
            {"evaluation": "monte_carlo", "samples": 9},
        ),
    ],
)
def test_params_that_mean_the_same_operator_become_one(
    site: Site, given: dict[str, Any], normal: dict[str, Any]
) -> None:
    assert FAMILY.normalize(site, IntegralParams(**given)) == IntegralParams(**normal)


def test_a_window_that_is_everything_computes_what_none_does() -> None:
    params = IntegralParams(evaluation="window", radius=39)
    windowed = FAMILY.build(OPEN, params).double()
    plain = FAMILY.build(OPEN, FAMILY.normalize(OPEN, params)).double()
    plain.load_state_dict(windowed.state_dict())
    u_BND = torch.randn(2, 40, 16, dtype=torch.float64)

    torch.testing.assert_close(windowed(u_BND), plain(u_BND), rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("site", "params", "way", "reason"),
    [
        (OPEN, {}, "dense", "25,600 hidden numbers, not more than the 65,536 up to which all at "
         "once is faster on a CPU, as measured"),
        (_site("sequence", 1024), {}, "tiled", "16,777,216 hidden numbers, more than the 65,536 "
         "up to which all at once is faster on a CPU, as measured"),
        (POINTS, {"evaluation": "knn"}, "gathered", "16 keys of 30 count for a query, and are "
         "fetched"),
        (POINTS, {"evaluation": "monte_carlo"}, "drawn", "128 of 30 points are drawn in training, "
         "none at evaluation"),
    ],
)  # fmt: skip
def test_the_evaluation_is_taken_for_a_reason(
    site: Site, params: dict[str, Any], way: str, reason: str
) -> None:
    evaluations = FAMILY.evaluations(site, IntegralParams(**params))

    assert taken(evaluations) == way
    assert next(one.reason for one in evaluations if one.taken) == reason


@pytest.mark.parametrize("params", [{}, {"hadamard": 0}, {"content": "none"}], ids=str)
def test_products_of_matrices_are_counted_exactly(params: dict[str, Any]) -> None:
    """Among points nothing but b, M for each pair, is not a product."""
    chosen = IntegralParams(hidden=8, heads=2, **params)
    op = FAMILY.build(POINTS, chosen).to("meta")
    with FlopCounterMode(display=False) as counter:
        op(
            torch.empty(1, 30, 16, device="meta"),
            None,
            torch.empty(1, 30, 3, device="meta"),
        )

    assert FAMILY.cost(POINTS, chosen).flops - 8 * 900 == counter.get_total_flops()


@pytest.mark.parametrize(
    ("site", "params", "pairs"),
    [(CAUSAL, {}, 820), (OPEN, {"evaluation": "window", "radius": 2}, 194), (GRID, {}, 42**2)],
    ids=["causal", "window", "grid"],
)
def test_the_pairs_are_those_of_the_formula(site: Site, params: dict[str, Any], pairs: int) -> None:
    """Hidden 4, 2 heads, 3 products, A axes: 3 + A + 16 of them for each hidden number.

    κ takes 4 (2 G + 2 + 1) + 16, φ 2 (5 A + 1), two sums 2 · 2 · 18.
    """
    chosen = IntegralParams(hidden=4, heads=2, hadamard=3, **params)
    axes = site.domain.dimensions

    each = 4 * (2 * (20 + axes - 1) + 3) + 16 + 2 * (5 * axes + 1) + 72
    maps = 6 * 256 + 4 * 16 * 4 + 4 * 16 * 3 + 2 * axes * (4 + 8)
    assert FAMILY.cost(site, chosen).flops == site.length * maps + pairs * each


def test_a_step_by_hand() -> None:
    """At the last of 40 positions, 40 pairs; b, k and v are 4 + 20 + 16 numbers of each."""
    cost = FAMILY.cost(CAUSAL, IntegralParams(hidden=4, heads=2, hadamard=3))

    maps = 6 * 256 + 4 * 16 * 4 + 4 * 16 * 3 + 2 * (4 + 8)
    assert cost.decode_flops == maps + 40 * (4 * 43 + 16 + 12 + 72)
    assert cost.state_bytes == 4 * 40 * 40


def test_a_window_keeps_what_it_reaches() -> None:
    params = IntegralParams(hidden=4, heads=2, hadamard=3, evaluation="window", radius=6)

    assert FAMILY.cost(CAUSAL, params).state_bytes == 4 * 7 * 40


def test_drawing_is_cheaper_in_training_and_the_same_at_evaluation() -> None:
    exact = FAMILY.cost(POINTS, IntegralParams())
    drawn = FAMILY.cost(POINTS, IntegralParams(evaluation="monte_carlo", samples=3))

    assert drawn.flops == exact.flops
    assert drawn.train_flops is not None
    assert exact.train_flops is not None
    assert drawn.train_flops < exact.train_flops / 3


def test_tiles_keep_less_than_all_pairs_at_once() -> None:
    """Of 1,024 positions, a thousandth of what a network of 16 units writes out for every pair."""
    cost = FAMILY.cost(_site("sequence", 1024), IntegralParams())

    assert cost.activation_bytes is not None
    assert cost.activation_bytes < 4 * 2 * 16 * 1024**2 / 100


@pytest.mark.parametrize(
    ("params", "changes"),
    [
        ({}, ["hidden 16 -> 32, new ones not yet read", "hadamard 8 -> 16, new ones not yet read"]),
        ({"hidden": 200}, ["hadamard 8 -> 16, new ones not yet read"]),
        ({"hadamard": 0}, ["hidden 16 -> 32, new ones not yet read"]),
        ({"content": "none"}, ["hidden 16 -> 32, new ones not yet read"]),
    ],
)
def test_the_moves_are_those_that_lead_somewhere(
    params: dict[str, Any], changes: list[str]
) -> None:
    moves = FAMILY.morphisms(OPEN, IntegralParams(**params))

    assert [move.change for move in moves] == changes


def test_what_a_move_adds_learns() -> None:
    params = IntegralParams(hidden=4)
    move = FAMILY.morphisms(OPEN, params)[0]
    op = FAMILY.build(OPEN, IntegralParams(hidden=8))
    op.load_state_dict(move.carry(FAMILY.build(OPEN, params).state_dict()))

    op(torch.randn(1, 40, 16)).square().sum().backward()

    gradient = op.kernel.mlp.read.weight.grad
    assert gradient is not None
    assert bool((gradient[:, 4:] != 0).all())


def test_rates_widths_and_measures_are_not_decayed() -> None:
    op = FAMILY.build(OPEN, IntegralParams())

    names = {name.rpartition(".")[2] for name, _ in op.named_parameters()}
    assert set(op.undecayed) < names
    assert {name for name in names if name.rpartition("_")[2].isupper()} == set(op.undecayed)


@pytest.mark.slow
def test_a_lone_layer_learns_a_mean_over_those_that_count() -> None:
    mine = score("integral", {}, "count", causal=False)

    assert mine > 0.88
    assert mine > 0.15 + score("conv", {"radius": 3}, "count", causal=False)


@pytest.mark.slow
def test_a_lone_layer_learns_to_recall_what_no_window_reaches() -> None:
    mine = score("integral", {"position": False}, "recall")

    assert mine > 0.95
    assert mine > 0.6 + score("conv", {"radius": 3}, "recall")


@pytest.mark.slow
def test_a_lone_layer_learns_what_is_near_from_places_alone() -> None:
    mine = score("integral", {"content": "none"}, "ball")

    assert mine > 0.75
    assert mine > 0.5 + score("identity", {}, "ball")


@pytest.mark.slow
@pytest.mark.parametrize(("task", "causal"), [("wave", False), ("echo", True), ("far", True)])
def test_one_family_learns_what_is_near_what_fades_and_what_is_far(task: str, causal: bool) -> None:
    assert score("integral", {}, task, causal) > 0.97
