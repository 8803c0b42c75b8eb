"""Several seeds at once are what each of them is by itself."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
import torch
from tiny_builders import ORIGINS, architecture
from tiny_plugins import CloudTask, EchoParams, EchoTask
from torch import nn

from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.nn.network import build_network, load_families
from itnet_nas.registry import KERNELS
from itnet_nas.train.device import Device
from itnet_nas.train.loop import Training
from itnet_nas.train.stacked import Apart
from itnet_nas.train.together import Together

if TYPE_CHECKING:
    from itnet_nas.nn.network import ITNet
    from itnet_nas.tasks.task import Task

SEEDS = (3, 1, 7)
CPU = Device(torch.device("cpu"), "cpu")
FAMILIES: dict[str, dict[str, Any]] = {
    "attention": {"heads": 2, "position": "rotary"},
    "conv": {"radius": 2},
    "delta_net": {"heads": 2},
    "dynamic_conv": {"radius": 1},
    "gru": {},
    "identity": {},
    "integral": {"hidden": 4, "heads": 2},
    "linear_attention": {"heads": 2},
    "locally_connected": {"radius": 1},
    "long_conv": {},
    "point_attention": {"heads": 2},
    "point_conv": {"neighbours": 4},
    "low_rank": {"rank": 3, "heads": 2},
    "mamba": {"state": 2},
    "min_gru": {},
    "position_mixer": {},
    "ssd": {"state": 3},
    "ssm": {"state": 2},
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def chain(*families: str, width: int = 8) -> Architecture:
    layers = tuple(
        LayerChoice(name=f"layer{n}", family=family, params=FAMILIES[family])
        for n, family in enumerate(families)
    )
    stops = ["input", *(layer.name for layer in layers), "output"]
    edges = tuple(itertools.pairwise(stops))
    return Architecture(width=width, mlp_ratio=2, layers=layers, edges=edges)


def alone(family: str, params: dict[str, Any]) -> Architecture:
    layers = (LayerChoice(name="mix", family=family, params=params),)
    edges = (("input", "mix"), ("mix", "output"))
    return Architecture(width=8, mlp_ratio=2, layers=layers, edges=edges)


def networks(member: Architecture, task: Task[Any], dtype: torch.dtype) -> list[ITNet]:
    names = {layer.family for layer in member.layers}
    families = load_families({n: ORIGINS.get(n) or KERNELS.origin(n) for n in names})
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        found.append(build_network(member, families, task).to(dtype))
    return found


def echo(**params: Any) -> EchoTask:
    return EchoTask(EchoParams(**params))


def apart_by(
    member: Architecture, task: Task[Any], dtype: torch.dtype = torch.float32, steps: int = 30
) -> float:
    """The largest relative difference of losses between both ways, over all seeds and steps."""
    recipe = task.facts().recipe.model_copy(
        update={"steps": steps, "batch_size": 4, "warmup": 5, "eval_every": 0}
    )
    together = Together(networks(member, task, dtype), task, recipe, SEEDS, CPU)
    together.run(lambda _: True)
    worst = 0.0
    for seed, network, curve in zip(
        SEEDS, networks(member, task, dtype), together.curves, strict=True
    ):
        alone = Training(network, task, recipe, seed, CPU)
        alone.run(lambda _: True)
        pairs = [(curve[-1].train_loss, alone.curve[-1].train_loss)]
        pairs += [(curve[-1].metrics[name], alone.curve[-1].metrics[name]) for name in ("error",)]
        worst = max([worst, *(abs(a - b) / abs(b) for a, b in pairs if a and b)])
    return worst


QUICK = ("conv", "gru")
ON_SEQUENCES = [family for family in FAMILIES if not family.startswith("point_")]


@pytest.mark.parametrize(
    "family",
    [f if f in QUICK else pytest.param(f, marks=pytest.mark.slow) for f in ON_SEQUENCES],
)
def test_a_family_learns_together_what_it_learns_by_itself(family: str) -> None:
    assert apart_by(chain(family), echo()) < 1e-5


@pytest.mark.parametrize(
    "family",
    ["mamba", *(pytest.param(f, marks=pytest.mark.slow) for f in ("attention", "gru", "ssm"))],
)
def test_in_float64_the_two_ways_agree_to_its_rounding(family: str) -> None:
    assert apart_by(chain(family), echo(), torch.float64) < 1e-12


@pytest.mark.slow
def test_layers_of_several_families_agree_too() -> None:
    assert apart_by(chain("conv", "gru", "attention"), echo()) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("where", ["pooled", "last"])
@pytest.mark.parametrize("padded", [False, True])
def test_masks_and_every_kind_of_head_agree(padded: bool, where: str) -> None:
    assert apart_by(chain("gru", "mamba"), echo(padded=padded, where=where)) < 1e-5


def test_the_norm_of_each_seed_is_clipped_by_itself() -> None:
    task = echo()
    recipe = task.facts().recipe.model_copy(update={"clip": 0.05, "steps": 12})
    member = chain("conv")
    together = Together(networks(member, task, torch.float64), task, recipe, SEEDS, CPU)

    together.run(lambda _: True)

    for seed, network, found in zip(
        SEEDS, networks(member, task, torch.float64), together.networks, strict=True
    ):
        Training(network, task, recipe, seed, CPU).run(lambda _: True)
        for one, two in zip(network.parameters(), found.parameters(), strict=True):
            torch.testing.assert_close(one, two, rtol=1e-7, atol=1e-9)


def test_the_networks_are_given_their_weights_back() -> None:
    task = echo()
    before = networks(chain("conv"), task, torch.float32)
    together = Together(before, task, task.facts().recipe, SEEDS, CPU)

    together.run(lambda _: True)

    assert together.networks[0] is before[0]
    first = [network.head.linear.weight for network in before]
    assert not torch.equal(first[0], first[1])
    assert all(isinstance(weight, nn.Parameter) for weight in first)


def test_making_it_draws_no_random_number() -> None:
    task = echo()
    ready = networks(chain("gru"), task, torch.float32)
    before = torch.get_rng_state()

    Together(ready, task, task.facts().recipe, SEEDS, CPU)

    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["point_attention", "point_conv"])
def test_families_of_points_agree_too(family: str) -> None:
    assert apart_by(chain(family), CloudTask(CloudTask.Params())) < 1e-5


def refusal(member: Architecture, task: Task[Any], **recipe: Any) -> str:
    plan = task.facts().recipe.model_copy(update=recipe)
    with pytest.raises(Apart) as caught:
        Together(networks(member, task, torch.float32), task, plan, SEEDS, CPU)
    return str(caught.value)


def test_packed_rows_are_refused() -> None:
    assert refusal(chain("conv"), echo(packed=True)) == "several examples are packed in a row"


@pytest.mark.filterwarnings("ignore:noise is drawn")
def test_random_operations_are_refused() -> None:
    said = refusal(architecture({"mix": ("noisy", {})}), echo())

    assert said == "a step of training draws random numbers"


def test_a_compiled_recipe_is_refused() -> None:
    assert refusal(chain("conv"), echo(), compile=True) == "the recipe asks for torch.compile"


def test_what_a_plugin_raises_is_the_reason() -> None:
    said = refusal(architecture({"mix": ("raising", {})}), echo())

    assert said == "LookupError: this family cannot"


def test_a_loop_of_torch_without_a_form_for_vmap_is_refused() -> None:
    assert "lstm" in refusal(alone("lstm", {}), echo())


def test_keys_that_are_drawn_are_refused() -> None:
    params = {"hidden": 4, "heads": 2, "evaluation": "monte_carlo", "samples": 8}

    said = refusal(alone("integral", params), CloudTask(CloudTask.Params()))

    assert said == "a step of training draws random numbers"


def test_sums_over_tiles_are_refused_in_a_line_that_is_not_long() -> None:
    said = refusal(alone("integral", {"hidden": 16, "heads": 2}), echo(length=96))

    assert said.startswith("RuntimeError: ")
    assert len(said) <= 200
