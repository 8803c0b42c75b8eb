"""Every score against the definition, written out from the whole Jacobian of each example."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

from itnet_kernels import attention, conv, gru, locally_connected, point_attention
from itnet_nas.kernels import Domain, Site
from itnet_nas.nn.probe import sums as module
from itnet_nas.nn.probe.budget import Budget
from itnet_nas.nn.probe.moves import moves
from itnet_nas.nn.probe.places import interior
from itnet_nas.nn.probe.probe import probe_operator
from itnet_nas.nn.probe.rows import Field
from itnet_nas.nn.probe.sums import borrowed, summed
from itnet_nas.results.measured import Scores
from itnet_nas.testing.influence import jacobian

ALL = Budget("all", inputs=3, positions=99, channels=99, moved_inputs=3, shifts=(1,), resamples=20)
SEQUENCE = Domain(kind="sequence", shape=(8,))
PAST = Domain(kind="sequence", shape=(8,), causal=True)
GRID = Domain(kind="grid", shape=(4, 4))
WIDTH, BATCH = 4, 3


def operator(domain: Domain, family=attention.FAMILY, **params: object) -> torch.nn.Module:
    torch.manual_seed(0)
    op = family.build(Site(domain=domain, width=WIDTH), family.Params(**params)).double()
    for parameter in op.parameters():  # sharper than at the start
        parameter.data *= 2
    return op


def values(domain: Domain) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(BATCH, domain.length, WIDTH, generator=generator, dtype=torch.float64)


def by_hand(op: torch.nn.Module, u_BND: torch.Tensor, domain: Domain) -> dict[str, float]:
    """All scores but those of memory, with loops over positions, channels, inputs and pairs."""
    field = Field(u_BND)
    at = interior(field, domain, 99, torch.Generator()).tolist()
    (move,) = moves(field, domain, (1,), torch.Generator())
    jacobian_B = [jacobian(op, u_ND) for u_ND in u_BND]
    moved_B = [jacobian(op, u_ND) for u_ND in move.field.u_BND]
    everywhere = range(domain.length)

    def apart(i: int, j: int) -> int:
        if domain.kind == "sequence":
            return abs(i - j)
        width = domain.shape[1]
        return max(abs(i // width - j // width), abs(i % width - j % width))

    names = ("own", "off", "far", "even", "past", "future", "meet", "level", "pattern", "overlap")
    total = dict.fromkeys((*names, "both", "follow", "each"), 0.0)
    near = [0.0] * domain.length
    for i in at:
        seen = [j for j in everywhere if j != i and (j < i or not domain.causal)]
        even = sum(apart(i, j) for j in seen) / len(seen)
        reach = 99 if domain.causal else min(i, domain.length - 1 - i)
        for c in range(WIDTH):
            row_B = [j_NDND[i, c].clone() for j_NDND in jacobian_B]
            for b, row_ND in enumerate(row_B):
                total["own"] += float(row_ND[i].square().sum())
                row_ND[i] = 0
                for j in everywhere:
                    energy = float(row_ND[j].square().sum())
                    total["off"] += energy
                    total["far"] += energy * apart(i, j)
                    total["even"] += energy * even
                    near[apart(i, j)] += energy
                    if apart(i, j) <= reach:
                        total["past" if j < i else "future"] += energy
                    if move.to_N[j] < 0 or j == i:
                        continue
                    there_D = moved_B[b][move.to_N[i], c, move.to_N[j]]
                    total["follow"] += 2 * float(row_ND[j] @ there_D)
                    total["each"] += energy + float(there_D.square().sum())
            for a_ND, b_ND in permutations(row_B, 2):
                a, b = a_ND.square().sum(), b_ND.square().sum()
                meet = (a_ND * b_ND).sum()
                total["meet"] += float(meet)
                total["level"] += float((a + b) / 2)
                total["both"] += float((a * b).sqrt())
                total["pattern"] += float(meet**2 / (a * b) * (a * b).sqrt())
                a_N, b_N = a_ND.square().sum(1), b_ND.square().sum(1)
                total["overlap"] += float((a_N * b_N).sqrt().sum())
    within = [sum(near[: x + 1]) for x in everywhere]
    found = {
        "self_share": total["own"] / (total["own"] + total["off"]),
        "extent": min(1.0, total["far"] / total["even"]),
        "r90": next(x for x in everywhere if within[x] >= 0.9 * within[-1]),
        "sharing": max(0.0, total["follow"] / total["each"]),
        "content": 1 - total["meet"] / total["level"],
        "pattern": 1 - total["pattern"] / total["both"],
        "routing": 1 - total["overlap"] / total["both"],
    }
    if domain.kind == "sequence":
        past, future = total["past"], total["future"]
        found["causality"] = (past - future) / (past + future)
    return found


def read(scores: Scores) -> dict[str, float]:
    names = ("self_share", "extent", "r90", "sharing", "content", "pattern", "routing", "causality")
    return {name: one.value for name in names if (one := getattr(scores, name)) is not None}


@pytest.mark.parametrize("domain", [SEQUENCE, PAST, GRID], ids=str)
@pytest.mark.parametrize(
    ("family", "params"),
    [
        (attention.FAMILY, {"heads": 2}),
        (conv.FAMILY, {"radius": 1}),
        (locally_connected.FAMILY, {"radius": 1}),
    ],
    ids=["attention", "conv", "locally_connected"],
)
def test_scores_of_all_rows_are_those_of_the_whole_jacobian(
    domain: Domain, family, params: dict[str, object]
) -> None:
    op, u_BND = operator(domain, family, **params), values(domain)

    found = probe_operator(op, u_BND, domain=domain, budget=ALL).scores

    assert read(found) == pytest.approx(by_hand(op, u_BND, domain), abs=1e-9)


def test_a_recurrence_is_read_as_its_whole_jacobian_says() -> None:
    op, u_BND = operator(PAST, gru.FAMILY), values(PAST)

    found = probe_operator(op, u_BND, domain=PAST, budget=ALL).scores

    assert read(found) == pytest.approx(by_hand(op, u_BND, PAST), abs=1e-9)


def test_pieces_give_what_one_call_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    op, u_BND = operator(GRID, heads=2), values(GRID)
    whole = probe_operator(op, u_BND, domain=GRID, budget=ALL).scores

    monkeypatch.setattr(module, "AT_ONCE", 1)  # one row of every example at a time
    apart = probe_operator(op, u_BND, domain=GRID, budget=ALL).scores

    assert read(apart) == pytest.approx(read(whole), abs=1e-12)


def test_masked_positions_are_not_there() -> None:
    """An example of 6 positions, padded to 8, is read like one of 6."""
    padded = torch.cat([values(SEQUENCE)[:, :6], torch.full((BATCH, 2, WIDTH), 7.0)], 1)
    mask_BN = (torch.arange(8) < 6).expand(BATCH, 8)
    op = operator(SEQUENCE, heads=2)
    at, channel = torch.tensor([2, 3]), torch.arange(4)

    with_padding = summed(op, Field(padded, mask_BN), SEQUENCE, at, channel, [], 0)
    short = Domain(kind="sequence", shape=(6,))
    without = summed(op, Field(padded[:, :6]), short, at, channel, [], 0)

    assert with_padding.in_pairs
    for name, value in without.kept.items():
        known = with_padding.kept[name][..., : value.shape[-1]]
        assert torch.allclose(known, value, rtol=0, atol=1e-12), name


def test_what_an_operator_does_at_masked_positions_is_not_looked_at() -> None:
    mask_BN = (torch.arange(8) < 6).expand(BATCH, 8)
    at, channel = torch.tensor([2, 7]), torch.arange(4)

    def blind(u_BND, mask_BN, x_BNA):
        return u_BND.flip(1) + u_BND.roll(1, 1)

    kept = summed(blind, Field(values(SEQUENCE), mask_BN), SEQUENCE, at, channel, [], 0).kept

    assert kept["total"][0].unique().tolist() == [2]  # from 1 and from 5, which are both real
    assert kept["total"][1].unique().tolist() == [0]


def test_a_row_at_a_masked_position_weighs_nothing() -> None:
    mask_BN = torch.ones(BATCH, 8, dtype=torch.bool)
    mask_BN[1, 3:] = False
    op = operator(SEQUENCE, heads=2)

    kept = summed(
        op, Field(values(SEQUENCE), mask_BN), SEQUENCE, torch.tensor([4]), torch.arange(2), [], 0
    ).kept

    assert kept["total"][0, :, 1].tolist() == [0, 0]
    assert (kept["total"][0, :, [0, 2]] > 0).all()


def test_content_under_different_masks_is_compared_under_the_same_one() -> None:
    """A mean over what is real has other weights in a shorter example, but no other rule."""

    def mean(u_BND, mask_BN, x_BNA):
        w_BN = mask_BN / mask_BN.sum(1, keepdim=True)
        return mask_BN.unsqueeze(-1) * (w_BN.unsqueeze(-1) * u_BND).sum(1, keepdim=True)

    mask_BN = torch.arange(8) < torch.tensor([[4], [6], [8]])

    found = probe_operator(mean, values(SEQUENCE), mask_BN, domain=SEQUENCE, budget=ALL).scores

    assert found.content is not None
    assert found.routing is not None
    assert found.content.high == pytest.approx(0, abs=1e-9)
    assert found.routing.high == pytest.approx(0, abs=1e-9)


def test_borrowed_content_fills_what_is_real_in_order() -> None:
    u_BND = torch.arange(1.0, 13).reshape(2, 6, 1)
    mask_BN = torch.tensor([[1, 0, 1, 1, 1, 0], [0, 1, 0, 1, 0, 1]]).bool()

    found = borrowed(Field(u_BND, mask_BN))

    assert found.u_BND[0, mask_BN[0], 0].tolist() == [8, 10, 12, 8]  # from the first again
    assert found.u_BND[1, mask_BN[1], 0].tolist() == [1, 3, 4]


def test_content_of_a_cloud_is_compared_where_its_points_stand() -> None:
    """Weights that fall with the distance are one rule, wherever the points are."""
    domain = Domain(kind="points", shape=(8,), coordinates=2)
    x_BNA = torch.randn(BATCH, 8, 2, generator=torch.Generator().manual_seed(2)).double()

    def near(u_BND, mask_BN, x_BNA):
        return torch.exp(-torch.cdist(x_BNA, x_BNA)) @ u_BND

    def looking(u_BND, mask_BN, x_BNA):
        return torch.softmax(u_BND @ u_BND.mT, -1) @ u_BND

    fixed, free = (
        probe_operator(op, values(domain), None, x_BNA, domain=domain, budget=ALL).scores
        for op in (near, looking)
    )

    assert fixed.routing is not None
    assert free.routing is not None
    assert fixed.routing.value == pytest.approx(0, abs=1e-9)
    assert free.routing.value > 0.1


def test_the_nearest_points_are_counted_in_a_cloud() -> None:
    domain = Domain(kind="points", shape=(8,), coordinates=2)
    x_BNA = torch.randn(BATCH, 8, 2, generator=torch.Generator().manual_seed(2)).double()

    def three_nearest(u_BND, mask_BN, x_BNA):
        index_BNK = torch.cdist(x_BNA, x_BNA).topk(4, largest=False).indices  # itself is one
        near_BNN = torch.zeros(len(u_BND), 8, 8).double().scatter(2, index_BNK, 1.0)
        return near_BNN @ u_BND

    found = probe_operator(
        three_nearest, values(domain), None, x_BNA, domain=domain, budget=ALL
    ).scores

    assert found.r90 is not None
    assert found.r90.value == 3


def test_a_kernel_of_relative_places_moves_with_the_cloud() -> None:
    domain = Domain(kind="points", shape=(8,), coordinates=2)
    op = operator(domain, point_attention.FAMILY, heads=2, neighbours=4)
    x_BNA = torch.randn(BATCH, 8, 2, generator=torch.Generator().manual_seed(2)).double()

    found = probe_operator(op, values(domain), None, x_BNA, domain=domain, budget=ALL).scores

    assert found.sharing is not None
    assert set(found.sharing_by_shift) == {"move", "turn"}
    assert found.sharing == found.sharing_by_shift["move"]
    assert found.sharing.value == pytest.approx(1, abs=1e-6)
