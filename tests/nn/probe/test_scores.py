"""What is said of a layer where a score does not apply."""

from __future__ import annotations

import pytest
import torch

from itnet_nas.kernels import Domain
from itnet_nas.nn.probe.budget import Budget
from itnet_nas.nn.probe.probe import Reading, probe_operator
from itnet_nas.nn.probe.scores import MIXING

SMALL = Budget(
    "small", inputs=4, positions=3, channels=3, moved_inputs=4, shifts=(1,), resamples=20
)
SEQUENCE = Domain(kind="sequence", shape=(12,))
SET = Domain(kind="points", shape=(12,))


def reading(op, domain: Domain = SEQUENCE, batch: int = 4, places: int = 0) -> Reading:
    generator = torch.Generator().manual_seed(0)
    u_BND = torch.randn(batch, domain.length, 4, generator=generator)
    x_BNA = torch.randn(batch, domain.length, places, generator=generator) if places else None
    return probe_operator(op, u_BND, None, x_BNA, domain=domain, budget=SMALL)


def mean(u_BND, mask_BN, x_BNA):
    return u_BND.mean(1, keepdim=True).expand_as(u_BND)


def test_a_layer_that_does_not_mix_has_its_own_share_alone() -> None:
    found = reading(lambda u, mask, x: torch.tanh(u))

    assert found.scores.self_share.value == found.scores.self_share.low == 1
    assert found.scores.model_dump(exclude={"self_share"}, exclude_defaults=True) == {}
    assert {found.notes[name] for name in MIXING} == {"no mixing: no position acts on another one"}


def test_a_layer_that_says_nothing_is_told_apart_from_one_that_does_not_mix() -> None:
    found = reading(lambda u, mask, x: 0 * u)

    assert found.scores.self_share.value == 1
    assert found.notes["content"] == "the output does not change with the input"


def test_one_input_says_nothing_of_content() -> None:
    found = reading(mean, batch=1)

    assert found.scores.content is None
    assert found.notes["routing"] == "it takes two inputs to see what changes with the input"
    assert found.scores.extent is not None


@pytest.mark.parametrize(
    ("domain", "places"),
    [(SET, 0), (Domain(kind="points", shape=(12,), coordinates=2), 2)],
    ids=["set", "cloud"],
)
def test_points_have_no_order(domain: Domain, places: int) -> None:
    found = reading(mean, domain, places=places)

    assert found.scores.causality is None
    assert found.notes["causality"] == "its positions have no order"
    assert found.notes["state"] == "its positions have no order"


def test_a_set_without_places_is_put_into_another_order() -> None:
    found = reading(mean, SET)

    assert found.notes["extent"] == found.notes["r90"] == "a set without places knows no distance"
    assert found.scores.sharing is not None
    assert list(found.scores.sharing_by_shift) == ["swap"]
    assert found.scores.sharing.value == pytest.approx(1)


def test_a_rule_for_each_place_in_the_list_does_not_survive_another_order() -> None:
    w_NN = torch.randn(12, 12, generator=torch.Generator().manual_seed(1))

    found = reading(lambda u, mask, x: w_NN @ u, SET)

    assert found.scores.sharing is not None
    assert found.scores.sharing.value < 0.4


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", range(1, 9))
def test_a_short_sequence_is_read_as_far_as_it_goes(length: int, causal: bool) -> None:
    domain = Domain(kind="sequence", shape=(length,), causal=causal)

    def so_far(u_BND, mask_BN, x_BNA):
        return u_BND.cumsum(1) + 0.5 * u_BND

    found = reading(so_far, domain)

    scores = found.scores.model_dump(exclude={"sharing_by_shift"}, exclude_none=True)
    assert set(scores) | set(found.notes) == set(type(found.scores).model_fields) - {
        "sharing_by_shift"
    }
    assert not set(scores) & set(found.notes)
    if length == 1:
        assert found.notes["extent"] == "no mixing: no position acts on another one"


def test_a_domain_of_two_positions_has_nothing_left_to_compare_after_a_move() -> None:
    found = reading(mean, Domain(kind="sequence", shape=(2,)))

    assert found.notes["sharing"] == "what the layer looks at falls over the edge under every move"


def test_what_looks_both_ways_carries_nothing_along() -> None:
    assert reading(mean).notes["state"] == "the layer looks both ways, so nothing is carried along"
