"""One layer replaced in a trained network, and what that costs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from tiny_builders import ORIGINS, architecture, job, on_clouds
from tiny_plugins import EchoParams, EchoTask

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.errors import UsageError
from itnet_nas.kernels import Cost, Domain
from itnet_nas.nn.network import load_network
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import Outcome, TrialRecord, TrialState
from itnet_nas.space.space import Choice, Edge, Layer, Objective, Space
from itnet_nas.space.spec import SearchSpec
from itnet_nas.train import replacement
from itnet_nas.train.device import pick_device
from itnet_nas.train.evaluate import evaluate
from itnet_nas.train.replacement import Replacing, replace_layer
from itnet_nas.train.validate import validate

STEPS = 200


def choice(family: str, **params: Any) -> Choice:
    bias = Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)
    if family == "shift":
        bias = Bias(
            support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=params.get("radius", 1)
        )
    return Choice(family=family, params=params, bias=bias, cost=Cost(flops=10, params=1))


def space_of(here: TrialJob, domain: Domain | None = None) -> Space:
    """A space of one layer, "mix", that the job's architecture is a member of."""
    facts = EchoTask(EchoParams(**here.task.params)).facts()
    if domain is not None:
        facts = facts.model_copy(update={"domain": domain})
    layer = here.architecture.layers[0]
    return Space(
        name="echo",
        task=here.task,
        facts=facts,
        width=here.architecture.width,
        mlp_ratio=here.architecture.mlp_ratio,
        layers=(Layer(name="mix", choices=(choice(layer.family, **layer.params),)),),
        edges=(Edge(source="input", target="mix"), Edge(source="mix", target="output")),
        objectives=here.objectives,
        recipe=here.recipe,
        search=SearchSpec(strategy="random", trials=1),
        coding_cost=Cost(flops=1, params=1),
        kernel_origins=ORIGINS,
        task_origin=here.task_origin,
    )


@cache
def trained(task: tuple[tuple[str, Any], ...] = (), steps: int = STEPS) -> tuple[Outcome, Space]:
    """A window of radius 2 on the echo task, whose answer stands one position back."""
    here = job(task=dict(task), steps=steps, probe=False)
    return evaluate(here), space_of(here)


def replacing(**changes: Any) -> Replacing:
    outcome, space = trained()
    assert outcome.weights is not None
    return Replacing(outcome.record, outcome.weights, space, **changes)


def timeless(found: Any) -> Any:
    return replace(found, seconds=0.0)


def test_what_can_look_where_the_answer_stands_loses_a_third_of_what_cannot_look() -> None:
    trial = replacing(share=1.0)

    near, blind = (trial.replace("mix", one) for one in (choice("shift"), choice("noisy")))

    assert trial.before < 0.05
    assert near.drop is not None
    assert blind.drop is not None
    assert blind.drop > 0.5
    assert near.drop < blind.drop / 3


def test_the_new_operator_learns_what_the_old_one_gave() -> None:
    short, long = (
        replacing(share=share).replace("mix", choice("shift", radius=2)) for share in (0.02, 0.2)
    )

    assert short.misfit is not None
    assert long.misfit is not None
    assert long.misfit < 0.1 < short.misfit


def test_the_drop_is_what_the_objective_got_worse_by() -> None:
    found = replacing().replace("mix", choice("noisy"))

    assert found.after is not None
    assert found.drop == found.after - found.before


def test_a_drop_of_what_is_maximised_is_positive_too() -> None:
    outcome, space = trained()
    assert outcome.weights is not None
    highest = space.model_copy(
        update={"objectives": (Objective(name="error", direction="max"), space.objectives[1])}
    )

    found = replace_layer(outcome.record, outcome.weights, highest, "mix", choice("noisy"))

    assert found.after is not None
    assert found.drop == found.before - found.after < 0


def test_both_parts_of_a_fifth_of_the_steps_are_spent() -> None:
    trial = replacing()

    found = trial.replace("mix", choice("shift", radius=1))

    assert (trial.fit_steps, trial.tune_steps) == (30, 10)
    assert found.steps == STEPS // 5


def test_an_operator_without_weights_is_only_tuned() -> None:
    found = replacing().replace("mix", choice("noisy"))

    assert found.misfit is None
    assert found.steps == 10


def test_the_same_replacement_gives_the_same_figures() -> None:
    first, again = (replacing().replace("mix", choice("shift", radius=1)) for _ in range(2))

    assert timeless(first) == timeless(again)


def test_another_seed_gives_another_replacement() -> None:
    first, other = (replacing(seed=seed).replace("mix", choice("shift")) for seed in (0, 1))

    assert first.misfit != other.misfit


def test_replacements_of_one_trial_do_not_see_each_other() -> None:
    alone = replacing().replace("mix", choice("shift", radius=1))
    trial = replacing()
    trial.replace("mix", choice("noisy"))

    after_another = trial.replace("mix", choice("shift", radius=1))

    assert timeless(after_another) == timeless(alone)


def test_the_global_generator_is_left_as_it_was() -> None:
    before = torch.get_rng_state()

    replacing().replace("mix", choice("noisy"))

    assert torch.equal(torch.get_rng_state(), before)


def test_all_but_the_new_operator_is_frozen_while_it_is_fitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replacement, "TUNE", 0.0)
    outcome, _ = trained()
    assert outcome.weights is not None
    network = load_network(outcome.record, outcome.weights)
    seen: list[torch.nn.Module] = []
    tune = Replacing._tune

    def spy(self: Replacing, tuned: Any) -> float:
        after = tune(self, tuned)
        seen.append(tuned)
        return after

    monkeypatch.setattr(Replacing, "_tune", spy)

    replacing().replace("mix", choice("shift", radius=2))

    changed = {
        name
        for name, value in seen[0].state_dict().items()
        if not torch.equal(value, network.state_dict()[name])
    }
    assert changed == {"layer_mix.mixer.w_DR"}


def test_a_network_that_is_not_moved_while_tuned_scores_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replacement, "TUNE", 0.0)

    found = replacing().continued()

    assert found.drop == 0


def test_the_network_as_trained_scores_what_its_record_says() -> None:
    trial = replacing()

    assert trial.before == trial.record.objectives["error"]


def test_going_on_without_a_replacement_takes_the_steps_of_tuning() -> None:
    found = replacing().continued()

    assert found.steps == 10
    assert found.before == replacing().before
    assert found.drop == found.after - found.before


def test_the_tuned_network_is_scored_on_all_validation_examples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replacement, "TUNE", 0.0)
    outcome, _ = trained()
    assert outcome.weights is not None
    network = load_network(outcome.record, outcome.weights)
    network.blocks["mix"].mixer = torch.nn.Identity()  # type: ignore[assignment]
    network.blocks["mix"].forward = _without_mixer(network.blocks["mix"])  # type: ignore[method-assign]
    plain = validate(network, EchoTask(EchoParams()), "validation", 16, pick_device())

    found = replacing().replace("mix", choice("noisy"))

    assert found.after == pytest.approx(plain["error"])


def _without_mixer(block: Any) -> Any:
    """The block with the identity for a mixer; `noisy` is one in evaluation mode."""

    def forward(u_BND: Any, mask_BN: Any = None, x_BNA: Any = None) -> Any:
        u_BND = u_BND + block.mixer_norm(u_BND)
        return u_BND + block.mlp(block.mlp_norm(u_BND))

    return forward


@pytest.mark.parametrize("task", [{"padded": True}, {"packed": True}, {"where": "last"}], ids=str)
def test_layers_are_replaced_whatever_the_examples_look_like(task: dict[str, Any]) -> None:
    outcome, space = trained(tuple(task.items()), 20)
    assert outcome.weights is not None

    found = replace_layer(outcome.record, outcome.weights, space, "mix", choice("shift"))

    assert found.failure == ""
    assert found.after is not None


def test_points_keep_their_places_when_a_layer_is_replaced() -> None:
    here = on_clouds(job(architecture({"mix": ("near", {})}), steps=20, probe=False))
    outcome = evaluate(here)
    assert outcome.weights is not None
    cloud = Domain(kind="points", shape=(10,), coordinates=2)

    found = replace_layer(
        outcome.record, outcome.weights, space_of(here, cloud), "mix", choice("near")
    )

    assert found.misfit is not None
    assert found.misfit < 1


def test_what_diverges_is_a_replacement_without_a_figure() -> None:
    found = replacing(share=0.5).replace("mix", choice("diverging"))

    assert (found.after, found.drop) == (None, None)
    assert found.failure == (
        "the loss is nan at step 3; a lower learning rate or a longer warm-up may help"
    )


def test_without_a_probe_nothing_is_said_about_a_match() -> None:
    assert replacing().replace("mix", choice("noisy")).matches is None


def test_a_trial_that_did_not_end_is_refused() -> None:
    outcome, space = trained()
    stopped = TrialRecord(**{**dict(outcome.record), "state": TrialState.STOPPED})

    with pytest.raises(UsageError) as caught:
        Replacing(stopped, b"", space)

    assert str(caught.value) == (
        "trial 3 is stopped: layers are replaced in a network that was trained to its end; name a "
        "complete trial"
    )


def test_a_share_of_less_than_two_steps_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        replacing(share=0.009)

    assert str(caught.value) == (
        "0.009 of the 200 steps of trial 3 is too little to fit and tune a replacement; give a "
        "larger share"
    )


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        replacing().replace("max", choice("noisy"))

    assert str(caught.value) == 'trial 3 has no layer "max"; its layers: mix'


def test_a_choice_that_cannot_stand_at_the_layer_is_refused() -> None:
    outcome, space = trained((("length", 4),), 10)
    assert outcome.weights is not None

    with pytest.raises(UsageError) as caught:
        replace_layer(outcome.record, outcome.weights, space, "mix", choice("shift", radius=4))

    assert str(caught.value) == (
        'layer "mix" of trial 3: shift(radius=4) cannot stand here (causal sequence of 4, width '
        "8): a radius of 4 leaves the 4 positions; replace it by another choice"
    )
