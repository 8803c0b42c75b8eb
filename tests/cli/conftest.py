"""A run of four trials, written through the store: what every reading verb is tested on.

    trial  mix1             mix2          error  flops
    0      conv(radius=1)   gru           0.20   2000     on the front
    1      conv(radius=1)   attention     0.10   4000     on the front
    2      gru              attention     0.15   5000     dominated by 1
    3      gru              gru           failed

Trial 4 was handed out and has no record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.axes import Bias, Content, Sharing, State, Support
from itnet_nas.kernels import Cost, Domain
from itnet_nas.registry import Origin
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import TrialError, TrialRecord, TrialState
from itnet_nas.results.store import Store
from itnet_nas.space.space import Choice, Edge, Layer, Objective, Space, TaskChoice
from itnet_nas.space.spec import SearchSpec
from itnet_nas.tasks import Categorical, Metric, Recipe, Target, TaskFacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

CONV = Choice(
    family="conv",
    params={"radius": 1},
    bias=Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=1),
    cost=Cost(flops=500, params=30),
)
ATTENTION = Choice(
    family="attention",
    params={"heads": 2},
    bias=Bias(support=Support.FULL, sharing=Sharing.PERMUTATION, content=Content.PAIR),
    cost=Cost(flops=3000, params=300),
)
GRU = Choice(
    family="gru",
    params={},
    bias=Bias(
        support=Support.FULL,
        sharing=Sharing.TRANSLATION,
        state=State.FEEDBACK,
        content=Content.PATH,
        state_size=1,
    ),
    cost=Cost(flops=1000, params=200),
)
CHOICES = (CONV, ATTENTION, GRU)
FAMILIES = {choice.family: choice for choice in CHOICES}


def make_space() -> Space:
    """Two layers in a row, three kernels each."""
    return Space(
        name="toy",
        task=TaskChoice(name="text", params={"path": "book.txt"}),
        facts=TaskFacts(
            domain=Domain(kind="sequence", shape=(8,), causal=True),
            inputs=(Categorical(classes=4),),
            target=Target(where="per_position", kind="classes", size=4),
            metrics=(Metric(name="error", direction="min", chance=0.75),),
            recipe=Recipe(steps=10, batch_size=4, lr=0.01),
            licence="none",
            source="made up",
            data="0" * 32,
        ),
        width=4,
        mlp_ratio=2,
        layers=(Layer(name="mix1", choices=CHOICES), Layer(name="mix2", choices=CHOICES)),
        edges=(
            Edge(source="input", target="mix1"),
            Edge(source="mix1", target="mix2"),
            Edge(source="mix2", target="output"),
        ),
        objectives=(
            Objective(name="error", direction="min"),
            Objective(name="flops", direction="min"),
        ),
        recipe=Recipe(steps=10, batch_size=4, lr=0.01),
        search=SearchSpec(trials=6, workers=1, keep_weights="all"),
        coding_cost=Cost(flops=256, params=36, state_bytes=0),
        kernel_origins={
            name: Origin(
                name=name, path=f"itnet_kernels.{name}:FAMILY", package="itnet-nas", version="0.1.0"
            )
            for name in FAMILIES
        },
        task_origin=Origin(
            name="text", path="itnet_tasks.text:TextTask", package="itnet-nas", version="0.1.0"
        ),
    )


def make_architecture(*families: str) -> Architecture:
    """The member of the space with these families, in order of the layers."""
    layers = tuple(
        LayerChoice(name=name, family=family, params=FAMILIES[family].params)
        for name, family in zip(("mix1", "mix2"), families, strict=True)
    )
    edges = (("input", "mix1"), ("mix1", "mix2"), ("mix2", "output"))
    return Architecture(width=4, mlp_ratio=2, layers=layers, edges=edges)


def make_record(number: int, *families: str, **given: Any) -> TrialRecord:
    """A complete trial unless `given` says otherwise."""
    space = make_space()
    architecture = make_architecture(*families)
    return TrialRecord.model_validate(
        {
            "number": number,
            "state": TrialState.COMPLETE,
            "architecture": architecture,
            "key": architecture.key,
            "bias": {layer.name: FAMILIES[layer.family].bias for layer in architecture.layers},
            "task": space.task,
            "task_origin": space.task_origin,
            "data": space.facts.data,
            "kernel_origins": space.kernel_origins,
            "recipe": space.recipe,
            "seed": 7,
            "proposed_by": "random",
            "steps": 10,
            "seconds": 2.0,
            **given,
        }
    )


def make_job(number: int, *families: str) -> TrialJob:
    """What the controller would have handed out."""
    record = make_record(number, *families)
    space = make_space()
    return TrialJob(
        number=number,
        proposed_by="random",
        architecture=record.architecture,
        bias=record.bias,
        task=space.task,
        task_origin=space.task_origin,
        data=space.facts.data,
        kernel_origins=space.kernel_origins,
        recipe=space.recipe,
        seed=7,
        objectives=space.objectives,
        costs={"flops": 1.0},
    )


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """The run of the module's docstring."""
    folder = tmp_path / "toy"
    with Store.create(folder, make_space(), "version: 1\n", {"command": "itnet-nas …"}) as store:
        for record in (
            make_record(0, "conv", "gru", objectives={"error": 0.2, "flops": 2000.0}),
            make_record(1, "conv", "attention", objectives={"error": 0.1, "flops": 4000.0}),
            make_record(2, "gru", "attention", objectives={"error": 0.15, "flops": 5000.0}),
            make_record(
                3,
                "gru",
                "gru",
                state=TrialState.FAILED,
                error=TrialError(kind="non_finite", message="the loss was nan at step 3"),
            ),
        ):
            store.add_job(make_job(record.number, "conv", "gru"))
            store.add_record(record)
        store.add_job(make_job(4, "attention", "attention"))
        store.save_weights(1, b"weights of trial 1")
    return folder


@pytest.fixture
def empty_run(tmp_path: Path) -> Path:
    """A run in which nothing has ended."""
    folder = tmp_path / "empty"
    Store.create(folder, make_space()).close()
    return folder


@pytest.fixture
def itnet_nas(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command line in this process; stdout and stderr are kept apart."""
    from itnet_nas.cli.main import main

    monkeypatch.setenv("NO_COLOR", "1")

    def invoke(*words: str | Path) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words])

    return invoke


TINY = """\
version: 1
task: {name: python_source, context: 16}
network: {width: 8}
layers:
  - name: mix
    kernels:
      identity: {}
      conv: {radius: [2]}
training: {steps: 4, batch_size: 4}
search: {strategy: random, trials: 2, seed: 1}
"""


@pytest.fixture
def run(itnet_nas: Callable[..., Result], tmp_path: Path) -> Path:
    """Two architectures that really are trained, in no time."""
    file, folder = tmp_path / "tiny.yaml", tmp_path / "run"
    file.write_text(TINY)
    result = itnet_nas("search", file, "--run", folder, "--backend", "local")
    assert result.exit_code == 0, result.stderr
    return folder
