"""Training of one network."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_builders import BRANCHES, ORIGINS, architecture
from tiny_plugins import NEAR, CloudTask, EchoParams, EchoTask

from itnet_nas.kernels import Operator
from itnet_nas.nn.network import build_network, load_families
from itnet_nas.results.record import CurvePoint
from itnet_nas.tasks import Recipe
from itnet_nas.train.device import Device
from itnet_nas.train.loop import Training, learning_rate, make_optimizer

CPU = Device(torch.device("cpu"), "cpu: pretended")
TASK = EchoTask(EchoParams())
FAMILIES = load_families(ORIGINS)


def training(member=BRANCHES, seed: int = 0, **changes: Any) -> Training:
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    recipe = TASK.facts().recipe.model_copy(update=changes)
    return Training(build_network(member, FAMILIES, TASK), TASK, recipe, seed, CPU)


def go_on(_: CurvePoint) -> bool:
    return True


def recipe(**changes: Any) -> Recipe:
    return Recipe(**{"steps": 100, "batch_size": 1, "lr": 1.0, "warmup": 10, **changes})


def test_the_warm_up_is_linear_and_ends_at_the_peak() -> None:
    found = [learning_rate(recipe(warmup=4), step) for step in range(4)]

    assert found == [0.25, 0.5, 0.75, 1.0]


def test_the_last_step_has_the_final_rate() -> None:
    assert learning_rate(recipe(final_lr=0.05), 99) == pytest.approx(0.05, rel=1e-12)


def test_halfway_down_the_rate_is_the_mean_of_both_ends() -> None:
    found = learning_rate(recipe(steps=21, warmup=0, final_lr=0.2), 10)

    assert found == pytest.approx(0.6, rel=1e-12)


@given(st.integers(1, 50), st.integers(0, 60), st.floats(0, 1))
def test_the_rate_stays_between_zero_and_the_peak_and_never_rises_after_the_warm_up(
    steps: int, warmup: int, final: float
) -> None:
    plan = recipe(steps=steps, warmup=warmup, final_lr=final)
    rates = [learning_rate(plan, step) for step in range(steps)]

    assert all(0 <= rate <= 1 + 1e-12 for rate in rates)
    falling = rates[warmup:]
    assert falling == sorted(falling, reverse=True)


def test_vectors_are_not_decayed() -> None:
    matrix, vector = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2))
    module = torch.nn.Module()
    module.matrix, module.vector = matrix, vector
    optimizer = make_optimizer(module, recipe(lr=0.1, weight_decay=0.5))
    (matrix.sum() * 0 + vector.sum() * 0).backward()

    optimizer.step()

    assert matrix.flatten().tolist() == pytest.approx([0.95] * 4)
    assert vector.tolist() == [1.0, 1.0]


class Rates(Operator):
    undecayed = ("log_a_DS",)

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Module()
        self.inner.log_a_DS = torch.nn.Parameter(torch.ones(2, 2))
        self.inner.log_a_DS_mix = torch.nn.Parameter(torch.ones(2, 2))

    def forward(self, u_BND: torch.Tensor, mask_BN: Any = None, x_BNA: Any = None) -> torch.Tensor:
        return u_BND


def test_what_an_operator_names_undecayed_is_not_decayed_at_any_depth() -> None:
    module = torch.nn.Sequential(Rates())
    optimizer = make_optimizer(module, recipe(lr=0.1, weight_decay=0.5))
    sum(parameter.sum() * 0 for parameter in module.parameters()).backward()

    optimizer.step()

    values = {name: p.mean().item() for name, p in module.named_parameters()}
    assert values == {"0.inner.log_a_DS": 1.0, "0.inner.log_a_DS_mix": pytest.approx(0.95)}


def test_a_name_is_undecayed_below_the_operator_that_says_so_alone() -> None:
    module = torch.nn.Module()
    module.log_a_DS = torch.nn.Parameter(torch.ones(2, 2))
    module.operator = Rates()

    decayed, spared = make_optimizer(module, recipe()).param_groups

    assert decayed["params"] == [module.log_a_DS, module.operator.inner.log_a_DS_mix]
    assert spared["params"] == [module.operator.inner.log_a_DS]


def test_training_learns_the_task() -> None:
    here = training(steps=120, eval_every=0)

    assert here.run(go_on)

    assert here.curve[-1].metrics["error"] < 0.05


def test_training_learns_packed_examples() -> None:
    torch.manual_seed(0)
    task = EchoTask(EchoParams(packed=True, padded=True))
    network = build_network(BRANCHES, FAMILIES, task)
    here = Training(network, task, recipe(steps=120, batch_size=16, lr=1e-2), 0, CPU)

    assert here.run(go_on)

    assert here.curve[-1].metrics["error"] < 0.05


def test_training_learns_from_where_points_stand() -> None:
    torch.manual_seed(0)
    task = CloudTask(CloudTask.Params())
    network = build_network(architecture({"near": ("near", {})}), {"near": NEAR}, task)
    here = Training(network, task, task.facts().recipe, 0, CPU)

    assert here.run(go_on)

    assert here.curve[-1].metrics["error"] < 0.2


def test_the_curve_has_each_evaluation_and_the_end() -> None:
    here = training(steps=25, eval_every=10)

    here.run(go_on)

    assert [point.step for point in here.curve] == [10, 20, 25]
    assert {name for point in here.curve for name in point.metrics} == {"error", "bits"}


def test_zero_evaluates_at_the_end_alone() -> None:
    here = training(steps=7, eval_every=0)

    here.run(go_on)

    assert [point.step for point in here.curve] == [7]


def test_false_stops_the_training() -> None:
    here = training(steps=30, eval_every=10)

    assert not here.run(lambda point: point.step < 20)
    assert here.step == 20


def test_false_at_the_last_step_stops_nothing() -> None:
    assert training(steps=10, eval_every=10).run(lambda _: False)


def test_evaluating_more_often_does_not_change_the_weights() -> None:
    seldom, often = training(steps=12, eval_every=0), training(steps=12, eval_every=2)

    seldom.run(go_on)
    often.run(go_on)

    theirs = often.network.state_dict()
    assert all(torch.equal(t, theirs[name]) for name, t in seldom.network.state_dict().items())


def test_gradients_are_clipped_to_the_norm_of_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    here = training(steps=1, clip=1e-3)
    norms = []
    step = here.optimizer.step

    def spy() -> None:
        grads = [p.grad.flatten() for p in here.network.parameters() if p.grad is not None]
        norms.append(float(torch.cat(grads).norm()))
        step()

    monkeypatch.setattr(here.optimizer, "step", spy)
    here.run(go_on)

    assert norms == pytest.approx([1e-3], rel=1e-3)


@pytest.mark.filterwarnings("default:noise is drawn")
@pytest.mark.parametrize("save_every", [3, 5, 6])
def test_a_resumed_training_gives_the_same_bits(save_every: int) -> None:
    member = architecture({"a": ("shift", {"radius": 1}), "b": ("noisy", {})})
    whole = training(member, steps=12, eval_every=5)
    whole.run(go_on)
    saved: list[dict[str, Any]] = []
    half = training(member, steps=12, eval_every=5)
    half.run(go_on, lambda state: saved.append(torch_copy(state)), save_every)

    again = training(member, seed=1, steps=12, eval_every=5)
    again.seed = 0
    again.restore(saved[0])
    again.run(go_on)

    assert saved[0]["step"] == save_every
    theirs = whole.network.state_dict()
    assert all(torch.equal(t, theirs[name]) for name, t in again.network.state_dict().items())
    assert again.curve == whole.curve


def torch_copy(state: dict[str, Any]) -> dict[str, Any]:
    """Through a file and back: the state must be safe to load and hold no live tensor."""
    import io

    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    copy: dict[str, Any] = torch.load(buffer, weights_only=True)
    return copy
