"""Layers whose bias is known, as the probe reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from itnet_kernels import attention, conv, gru, identity, locally_connected, long_conv, point_conv
from itnet_nas.kernels import Domain, Operator, Site
from itnet_nas.nn.probe import DEFAULT, FULL, Budget, probe_operator
from itnet_nas.results.measured import Scores

LENGTH, WIDTH = 64, 16
SEQUENCE = Domain(kind="sequence", shape=(LENGTH,))
PAST = Domain(kind="sequence", shape=(LENGTH,), causal=True)
GRID = Domain(kind="grid", shape=(12, 12))
CLOUD = Domain(kind="points", shape=(40,), coordinates=2)


def operator(family, domain: Domain = SEQUENCE, scale: float = 1, **params: object) -> Operator:
    torch.manual_seed(0)
    op = family.build(Site(domain=domain, width=WIDTH), family.Params(**params))
    for parameter in op.parameters():
        parameter.data *= scale
    return op


def scores(op, domain: Domain = SEQUENCE, budget=DEFAULT, seed: int = 0) -> Scores:
    generator = torch.Generator().manual_seed(7)
    u_BND = torch.randn(budget.inputs, domain.length, WIDTH, generator=generator)
    x_BNA = None
    if domain.coordinates:
        x_BNA = torch.randn(budget.inputs, domain.length, domain.coordinates, generator=generator)
    return probe_operator(op, u_BND, None, x_BNA, domain=domain, budget=budget, seed=seed).scores


def value(found: Scores, name: str) -> float:
    one = getattr(found, name)
    assert one is not None, name
    return float(one.value)


@pytest.mark.parametrize("domain", [SEQUENCE, PAST, GRID], ids=str)
@pytest.mark.parametrize("radius", [1, 3])
def test_a_convolution_is_a_fixed_window_that_is_the_same_everywhere(
    domain: Domain, radius: int
) -> None:
    found = scores(operator(conv.FAMILY, domain, radius=radius), domain)

    assert value(found, "sharing") == pytest.approx(1, abs=1e-6)
    for name in ("content", "pattern", "routing"):
        assert value(found, name) == pytest.approx(0, abs=1e-5)
    assert value(found, "r90") == radius
    assert all(one.value == pytest.approx(1) for one in found.sharing_by_shift.values())


@pytest.mark.parametrize(
    ("family", "params"),
    [(conv.FAMILY, {"radius": 2}), (gru.FAMILY, {}), (long_conv.FAMILY, {})],
    ids=["conv", "gru", "long_conv"],
)
def test_what_is_built_causal_is_read_as_exactly_causal(family, params: dict[str, object]) -> None:
    found = scores(operator(family, PAST, **params), PAST)

    assert found.causality is not None
    assert found.causality.low == found.causality.value == 1


@pytest.mark.parametrize(("leak", "exact"), [(1e-7, True), (1e-4, False)])
def test_what_reaches_the_future_by_rounding_alone_is_nothing(leak: float, exact: bool) -> None:
    """As an FFT in float32 does."""

    def almost(u_BND, mask_BN, x_BNA):
        return u_BND.cumsum(1) + leak * u_BND.roll(-1, 1)

    found = scores(almost, PAST)

    assert found.causality is not None
    assert (found.causality.value == 1) is exact


def test_a_rule_of_its_own_at_every_position_is_not_shared() -> None:
    found = scores(operator(locally_connected.FAMILY, radius=4), budget=FULL)

    assert value(found, "sharing") < 0.1
    assert found.sharing is not None
    assert found.sharing.low == 0
    assert value(found, "content") == pytest.approx(0, abs=1e-5)


def test_sharp_attention_looks_elsewhere_for_every_input() -> None:
    found = scores(operator(attention.FAMILY, scale=2, heads=4))

    assert value(found, "content") > 0.9
    assert value(found, "routing") > 0.7
    assert value(found, "sharing") > 0.9
    assert value(found, "extent") > 0.8


@pytest.mark.parametrize("radius", [2, 5, 9])
def test_attention_within_a_window_is_as_wide_as_its_window(radius: int) -> None:
    found = scores(operator(attention.FAMILY, heads=4, window=radius), budget=FULL)

    assert abs(value(found, "r90") - radius) <= 1


def test_a_rule_of_period_4_shows_under_the_shifts_that_keep_it() -> None:
    """Each position reads the first of its block of 4."""
    n_N = torch.arange(LENGTH)

    def of_block(u_BND, mask_BN, x_BNA):
        return u_BND[:, n_N // 4 * 4] + 0.1 * u_BND

    found = scores(of_block, budget=replace(FULL, shifts=(1, 2, 4), positions=16))

    by_shift = {name: one.value for name, one in found.sharing_by_shift.items()}
    assert by_shift["4"] == pytest.approx(1)
    assert by_shift["1"] == pytest.approx(0)
    assert by_shift["2"] == pytest.approx(0)
    assert value(found, "sharing") == pytest.approx(1 / 3)


def test_a_rule_that_is_the_same_along_rows_alone_shows_on_a_grid() -> None:
    w_N = torch.randn(12, generator=torch.Generator().manual_seed(0)).repeat_interleave(12)

    def by_row(u_BND, mask_BN, x_BNA):
        return w_N.unsqueeze(-1) * (u_BND.roll(1, 1) + u_BND.roll(12, 1))

    found = scores(by_row, GRID)

    assert found.sharing_by_shift["0,1"].value == pytest.approx(1)
    assert found.sharing_by_shift["3,0"].value < 0.8


def test_a_kernel_of_where_points_stand_moves_with_the_cloud_but_knows_directions() -> None:
    found = scores(operator(point_conv.FAMILY, CLOUD, neighbours=8, radius=None), CLOUD)

    assert value(found, "sharing") == pytest.approx(1, abs=1e-3)
    assert found.sharing_by_shift["turn"].value < 0.999
    assert value(found, "routing") == pytest.approx(0, abs=1e-5)
    assert value(found, "r90") <= 7


def test_a_kernel_of_absolute_places_does_not_move_with_the_cloud() -> None:
    def here(u_BND, mask_BN, x_BNA):
        return torch.cos(3 * x_BNA[..., :1] * x_BNA[..., :1].mT) @ u_BND

    assert value(scores(here, CLOUD), "sharing") < 0.5


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_how_loud_a_layer_is_does_not_matter(scale: float) -> None:
    op = operator(attention.FAMILY, scale=2, heads=4)

    def scaled(u_BND, mask_BN, x_BNA):
        return scale * op(u_BND, mask_BN, x_BNA)

    found, wanted = scores(scaled), scores(op)

    for name in ("self_share", "extent", "r90", "sharing", "content", "pattern", "routing"):
        assert value(found, name) == pytest.approx(value(wanted, name), abs=1e-3), name


def test_an_input_for_which_a_layer_is_silent_weighs_nothing() -> None:
    """What its rows look like is rounding; whether it answers at all is content."""
    op = operator(conv.FAMILY, radius=2)

    def gated(u_BND, mask_BN, x_BNA):
        loud_B = torch.arange(len(u_BND)) % 2  # of eight inputs every second one
        return op(u_BND, mask_BN, x_BNA) * (1e-13 + loud_B)[:, None, None]

    found = scores(gated)

    assert value(found, "pattern") == pytest.approx(0, abs=1e-3)
    assert value(found, "routing") == pytest.approx(0, abs=1e-3)
    assert value(found, "content") > 0.5


def test_identity_does_not_mix() -> None:
    found = scores(operator(identity.FAMILY))

    assert found.self_share.value == 1
    assert found.extent is found.content is found.sharing is None


def test_a_seed_gives_the_same_reading_and_another_one_other_rows() -> None:
    op = operator(attention.FAMILY, heads=4)

    assert scores(op) == scores(op)
    assert scores(op) != scores(op, seed=1)


def test_a_probe_leaves_nothing_behind() -> None:
    op = operator(attention.FAMILY, heads=4)
    op(torch.randn(1, LENGTH, WIDTH)).sum().backward()
    op.train()
    before = {name: value.clone() for name, value in op.state_dict().items()}
    gradients = [parameter.grad.clone() for parameter in op.parameters()]
    state = torch.get_rng_state()

    scores(op, budget=FULL)

    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in op.state_dict().items())
    for parameter, gradient in zip(op.parameters(), gradients, strict=True):
        assert torch.equal(parameter.grad, gradient)
        assert parameter.requires_grad
    assert op.training
    assert not op._forward_pre_hooks


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_a_probe_runs_where_gradients_are_off(mode) -> None:
    op = operator(attention.FAMILY, heads=4)
    outside = scores(op)

    with mode():
        inside = scores(op)

    assert inside == outside


def test_half_precision_is_read_in_float32() -> None:
    op = operator(attention.FAMILY, heads=4).bfloat16()
    u_BND = torch.randn(8, LENGTH, WIDTH).bfloat16()

    found = probe_operator(op, u_BND, domain=SEQUENCE)
    exact = probe_operator(op.float(), u_BND.float(), domain=SEQUENCE)

    assert found.scores == exact.scores


def test_float64_stays_float64() -> None:
    seen = []

    def note(u_BND, mask_BN, x_BNA):
        seen.append(u_BND.dtype)
        return u_BND.cumsum(1)

    probe_operator(note, torch.randn(3, LENGTH, 2).double(), domain=SEQUENCE)

    assert set(seen) == {torch.float64}


def test_a_budget_takes_the_examples_that_are_longest() -> None:
    mask_BN = torch.arange(LENGTH) < torch.tensor([[9], [64], [10], [50], [60]])
    u_BND = torch.randn(5, LENGTH, WIDTH)
    op = operator(attention.FAMILY, heads=4)
    budget = replace(DEFAULT, inputs=3)

    found = probe_operator(op, u_BND, mask_BN, domain=SEQUENCE, budget=budget)
    longest = [1, 3, 4]
    alone = probe_operator(op, u_BND[longest], mask_BN[longest], domain=SEQUENCE, budget=budget)

    assert found.inputs == 3
    assert found.scores == alone.scores


def test_rows_are_counted_over_all_examples() -> None:
    u_BND = torch.randn(8, LENGTH, WIDTH)
    op = operator(conv.FAMILY, radius=2)

    found = probe_operator(op, u_BND, domain=SEQUENCE, budget=replace(DEFAULT, third_positions=0))

    # eight examples as they are, and four of them under two shifts
    assert found.rows == DEFAULT.positions * DEFAULT.channels * (8 + 2 * 4)


def test_few_moved_inputs_say_what_all_of_them_say() -> None:
    op = operator(attention.FAMILY, scale=2, heads=4)

    few, many = (
        scores(op, budget=replace(DEFAULT, inputs=8, moved_inputs=count)) for count in (2, 8)
    )

    assert value(few, "sharing") == pytest.approx(value(many, "sharing"), abs=0.05)
    assert few.routing == many.routing


def test_memory_and_third_positions_are_read_where_they_are_asked_for() -> None:
    found = scores(operator(gru.FAMILY, PAST, scale=3), PAST, budget=replace(FULL, inputs=8))

    assert found.state is not None
    assert found.horizon is not None
    assert found.beyond_pairwise is not None


@pytest.mark.slow
def test_intervals_hold_the_exact_value_for_most_seeds() -> None:
    """The exact one is that of all interior positions, all channels and many inputs."""
    op = operator(attention.FAMILY, heads=4)
    generator = torch.Generator().manual_seed(3)
    u_BND = torch.randn(400, LENGTH, WIDTH, generator=generator)
    whole = Budget(
        "whole", inputs=64, positions=32, channels=16, moved_inputs=0, shifts=(), resamples=1
    )
    exact = probe_operator(op, u_BND[:64], domain=SEQUENCE, budget=whole).scores
    names = ("self_share", "extent", "content", "pattern", "routing")
    hits = dict.fromkeys(names, 0)
    for seed in range(40):
        start = 64 + 8 * seed
        found = probe_operator(op, u_BND[start : start + 8], domain=SEQUENCE, seed=seed).scores
        for name in names:
            one = getattr(found, name)
            hits[name] += one.low <= value(exact, name) <= one.high

    assert min(hits.values()) >= 34, hits  # 85 %
