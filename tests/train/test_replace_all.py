"""Who replaces the layers of a trial, and the test of all of them."""

from __future__ import annotations

from typing import Any

import pytest
from support.short_window import SHORT_WINDOW
from tiny_builders import ORIGINS, architecture, job
from tiny_plugins import EchoParams, EchoTask

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.errors import RunError, UsageError
from itnet_nas.kernels import Cost
from itnet_nas.results.measured import LayerProbe
from itnet_nas.results.record import TrialRecord
from itnet_nas.space.space import Choice, Edge, Layer, Space
from itnet_nas.space.spec import SearchSpec
from itnet_nas.train.evaluate import evaluate
from itnet_nas.train.replace_all import candidates, nearest_match, replacement_test, stand_ins


def choice(family: str, bias: Bias, flops: int, **params: Any) -> Choice:
    return Choice(family=family, params=params, bias=bias, cost=Cost(flops=flops, params=1))


def window(radius: int) -> Bias:
    return Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=radius)


POINT = Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)
OWN_RULE = Bias(support=Support.WINDOW, sharing=Sharing.POSITION_SPECIFIC, radius=6)
EVERYWHERE = Bias(support=Support.FULL, sharing=Sharing.TRANSLATION)

OWN = choice("shift", window(1), 100, radius=1)
WIDER = choice("shift", window(2), 150, radius=2)
OWN_RULES = choice("own_rules", OWN_RULE, 90)
NARROW = choice("noisy", POINT, 100)
WIDE = choice("far", EVERYWHERE, 300)
DEAR = choice("dear", EVERYWHERE, 401)


def trial(
    *choices: Choice, probe: dict[str, LayerProbe] | None = None, **changes: Any
) -> tuple[Space, TrialRecord, bytes]:
    """A window of radius 1, trained for a moment, in a space with these choices."""
    here = job(architecture({"mix": ("shift", {"radius": 1})}), probe=False, steps=20, **changes)
    outcome = evaluate(here)
    assert outcome.weights is not None
    space = Space(
        name="echo",
        task=here.task,
        facts=EchoTask(EchoParams()).facts(),
        width=8,
        mlp_ratio=2,
        layers=(Layer(name="mix", choices=choices or (OWN,)),),
        edges=(Edge(source="input", target="mix"), Edge(source="mix", target="output")),
        objectives=here.objectives,
        recipe=here.recipe,
        search=SearchSpec(strategy="random", trials=1),
        coding_cost=Cost(flops=1, params=1),
        kernel_origins=ORIGINS,
        task_origin=here.task_origin,
    )
    measured = {"mix": SHORT_WINDOW} if probe is None else probe
    return space, outcome.record.model_copy(update={"probe": measured}), outcome.weights


def test_a_layer_gets_those_that_match_one_that_does_not_and_a_copy() -> None:
    space, record, _ = trial(OWN, WIDER)

    (found,) = stand_ins(space, record, [NARROW, WIDE, OWN_RULES])

    assert found.choices == {
        "match": WIDER,
        "other": WIDE,
        "cheapest": OWN_RULES,
        "mismatch": NARROW,
        "own": OWN,
    }
    assert found.notes == {}


def test_what_may_do_least_beside_is_nearest() -> None:
    _, record, _ = trial()

    found = nearest_match(
        [WIDE, NARROW, WIDER], record.probe["mix"].trained, EchoTask(EchoParams()).facts().domain
    )

    assert found == WIDER


def test_a_mismatch_is_as_dear_as_the_dearest_that_matches() -> None:
    space, record, _ = trial()
    dearer = choice("dearer", POINT, 350)

    (found,) = stand_ins(space, record, [NARROW, WIDE, dearer])

    assert found.choices["mismatch"] == dearer


def test_one_choice_of_several_roles_is_trained_once() -> None:
    space, record, _ = trial()

    (found,) = stand_ins(space, record, [WIDE])

    assert list(found.distinct.values()) == [WIDE, OWN]


def test_roles_without_anybody_say_why() -> None:
    space, record, _ = trial()

    (found,) = stand_ins(space, record, [])

    assert found.choices == {"own": OWN}
    assert found.notes == {
        "match": "no other choice here may do what was measured",
        "other": "no other family here may do what was measured",
        "cheapest": "no other family here may do what was measured",
        "mismatch": "no other family here lacks what was measured",
    }


def test_what_is_far_dearer_than_the_layers_own_choices_stays_out() -> None:
    space, _, _ = trial()

    assert candidates(space, "mix", [WIDE, DEAR]) == [OWN, WIDE]


def test_a_choice_of_the_space_is_not_asked_twice() -> None:
    space, _, _ = trial(OWN, WIDE)

    assert candidates(space, "mix", [WIDE, NARROW]) == [OWN, WIDE, NARROW]


def test_a_layer_that_was_not_measured_is_an_error() -> None:
    space, record, _ = trial(probe={})

    with pytest.raises(RunError) as caught:
        stand_ins(space, record, [])

    assert str(caught.value) == (
        "layer mix of trial 3 was not measured, so nothing says what a replacement has to match; "
        "search again with `probe: true` under `search:` of the file"
    )


def test_a_layer_that_the_space_no_longer_offers_is_an_error() -> None:
    space, record, _ = trial(WIDE)

    with pytest.raises(UsageError) as caught:
        stand_ins(space, record, [])

    assert str(caught.value) == (
        "layer mix of trial 3: the space echo does not offer shift(radius=1) there any more, so a "
        "fresh copy has no cost to compare; take a trial of the space as it is"
    )


def test_every_role_of_a_layer_is_trained_and_told_before() -> None:
    space, record, weights = trial()
    told: list[tuple[int, int, str]] = []

    found = replacement_test(
        record,
        weights,
        space,
        installed=[NARROW],
        progress=lambda done, total, now: told.append((done, total, now)),
    )

    (layer,) = found.layers
    assert layer.acts_like == "short window"
    assert {role: one.by for role, one in layer.replacements.items()} == {
        "mismatch": "noisy",
        "own": "shift(radius=1)",
    }
    assert told == [
        (0, 3, "without a replacement"),
        (1, 3, "mix by noisy"),
        (2, 3, "mix by shift(radius=1)"),
    ]


def test_a_replacement_knows_whether_it_matches() -> None:
    space, record, weights = trial()

    found = replacement_test(record, weights, space, installed=[NARROW])

    assert found.layers[0].replacements["own"].matches is True
    assert found.layers[0].replacements["mismatch"].matches is False
