"""An exported network: plain source that gives the trained network's outputs, with torch alone."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_builders import BRANCHES, architecture, job, on_clouds, origin
from tiny_plugins import CloudTask, EchoParams, EchoTask

from itnet_nas.arch.architecture import Architecture
from itnet_nas.errors import BrokenPlugin
from itnet_nas.kernels import Site
from itnet_nas.nn.export import export_python, load_network
from itnet_nas.registry import KERNELS, TASKS
from itnet_nas.results.record import Outcome
from itnet_nas.space.space import TaskChoice
from itnet_nas.tasks import Task
from itnet_nas.train.evaluate import evaluate

Beside = dict[str, torch.Tensor | None]

ALONE = """
import io, sys
from pathlib import Path

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ImportError(name + " must not be needed")

sys.meta_path.insert(0, Blocked())
sys.path.insert(0, sys.argv[1])
import torch
from model import load
network = load()
given = torch.load(sys.argv[2], weights_only=True)
with torch.no_grad():
    outs = [network(*given["inputs"], **beside) for beside in given["beside"]]
torch.save(outs, sys.argv[3])
print(*sorted(name for name in {blocked} if name in sys.modules))
"""
BLOCKED = {
    "itnet_nas",
    "itnet_kernels",
    "itnet_tasks",
    "pydantic",
    "ray",
    "tiny_plugins",
    "tricky",
}


def outputs_alone(folder: Path, inputs: list[torch.Tensor], beside: list[Beside]) -> Any:
    given, answer = folder / "given.pt", folder / "answer.pt"
    torch.save({"inputs": inputs, "beside": beside}, given)
    code = ALONE.replace("{blocked}", repr(BLOCKED))
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(folder), str(given), str(answer)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "\n"
    return torch.load(answer, weights_only=True)


def assert_alone_equals_trained(
    outcome: Outcome,
    folder: Path,
    inputs: list[torch.Tensor],
    places: torch.Tensor | None = None,
) -> None:
    """Export, run where neither this package nor a plugin can be imported, compare every bit.

    Whole rows, padded ones, and rows of two examples.
    """
    assert outcome.weights is not None, outcome.record.error
    export_python(outcome.record, outcome.weights, folder)
    length = inputs[0].shape[1]
    mask = torch.ones(len(inputs[0]), length, dtype=torch.bool)
    mask[0, length // 2 :] = False
    segments = (torch.arange(length) >= length // 3).long().expand(len(mask), -1)
    beside: list[Beside] = [
        {"mask_BN": None, "x_BNA": places},
        {"mask_BN": mask, "x_BNA": places},
        {"mask_BN": mask, "x_BNA": places, "segment_BN": segments},
    ]
    found = outputs_alone(folder, inputs, beside)
    network = load_network(outcome.record, outcome.weights)
    with torch.no_grad():
        for out, given in zip(found, beside, strict=True):
            assert torch.equal(out, network(*inputs, **given))


ECHO, CLOUD = EchoTask(EchoParams()), CloudTask(CloudTask.Params())


def symbols(length: int = 12, classes: int = 5) -> list[torch.Tensor]:
    return [torch.randint(classes, (3, length), generator=torch.Generator().manual_seed(1))]


def choices(name: str, task: Task[Any] | None = None) -> list[dict[str, Any]]:
    """First and last value of every parameter, where they can stand on the echo task."""
    family = KERNELS.load(name)
    domains = family.Params.default_values()
    site = Site(domain=(task or ECHO).facts().domain, width=8)
    ends = [dict.fromkeys((values[0], values[-1])) for values in domains.values()]
    found = []
    for values in itertools.product(*ends):
        params = family.Params(**dict(zip(domains, values, strict=True)))
        if not family.refuses(site, params):
            found.append(params.model_dump(mode="json"))
    return found


def test_a_branched_network_runs_with_torch_alone(tmp_path: Path) -> None:
    assert_alone_equals_trained(evaluate(job(BRANCHES, steps=5)), tmp_path, symbols())


@pytest.mark.slow
def test_a_network_without_layers_runs_with_torch_alone(tmp_path: Path) -> None:
    assert_alone_equals_trained(evaluate(job(architecture({}), steps=5)), tmp_path, symbols())


@pytest.mark.slow
@pytest.mark.parametrize("where", ["pooled", "last"])
def test_every_head_runs_with_torch_alone(tmp_path: Path, where: str) -> None:
    outcome = evaluate(job(BRANCHES, {"where": where, "padded": True}, steps=5))

    assert_alone_equals_trained(outcome, tmp_path, symbols())


def clouds() -> tuple[list[torch.Tensor], torch.Tensor]:
    """Features of three clouds, and where their points stand."""
    generator = torch.Generator().manual_seed(1)
    return [torch.ones(3, 10, 1)], torch.randn(3, 10, 2, generator=generator)


def built_in(member: Architecture, on_points: bool = False) -> Outcome:
    names = {layer.family for layer in member.layers}
    here = job(member, kernel_origins={name: KERNELS.origin(name) for name in names}, steps=3)
    return evaluate(on_clouds(here) if on_points else here)


def each_choice(name: str) -> tuple[Architecture, bool]:
    """A layer for each choice of a family, and whether they stand on points instead of symbols."""
    found = choices(name)
    layers = found or choices(name, CLOUD)
    assert layers
    return architecture({f"l{i}": (name, params) for i, params in enumerate(layers)}), not found


@pytest.mark.parametrize("name", KERNELS.names())
def test_each_built_in_family_is_exported_with_the_same_outputs(tmp_path: Path, name: str) -> None:
    """`export_python` itself refuses to write a source that gives other outputs."""
    outcome = built_in(*each_choice(name))
    assert outcome.weights is not None, outcome.record.error

    export_python(outcome.record, outcome.weights, tmp_path)

    text = (tmp_path / "model.py").read_text().split('"""', 2)[2]
    assert not [
        word for word in ("itnet_", "def reference", "def dense_kernel", "pydantic") if word in text
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", KERNELS.names())
def test_each_built_in_family_runs_with_torch_alone(tmp_path: Path, name: str) -> None:
    member, on_points = each_choice(name)
    inputs, places = clouds() if on_points else (symbols(), None)

    assert_alone_equals_trained(built_in(member, on_points), tmp_path, inputs, places)


@pytest.mark.slow
def test_all_families_in_one_network_run_with_torch_alone(tmp_path: Path) -> None:
    names = [name for name in KERNELS.names() if choices(name)]
    layers = {f"l{i}": (name, choices(name)[0]) for i, name in enumerate(names)}
    edges = [("input", name) for name in layers] + [(name, "output") for name in layers]

    outcome = built_in(architecture(layers, edges))

    assert_alone_equals_trained(outcome, tmp_path, symbols())


@pytest.mark.slow
def test_the_quick_start_task_runs_with_torch_alone(tmp_path: Path) -> None:
    task_class = TASKS.load("python_source")
    params = task_class.Params()
    facts = task_class(params).facts()
    member = architecture({"a": ("conv", choices("conv")[0]), "b": ("gru", {})})
    here = job(member, kernel_origins={name: KERNELS.origin(name) for name in ("conv", "gru")})
    here = here.model_copy(
        update={
            "task": TaskChoice(name="python_source", params=params.model_dump(mode="json")),
            "task_origin": TASKS.origin("python_source"),
            "data": facts.data,
            "recipe": facts.recipe.model_copy(update={"steps": 3, "eval_every": 0}),
            "objectives": (here.objectives[0].model_copy(update={"name": facts.quality.name}),),
        }
    )

    outcome = evaluate(here)

    length, classes = facts.domain.length, facts.inputs[0].classes
    assert_alone_equals_trained(outcome, tmp_path, symbols(length, classes))


@pytest.mark.parametrize("name", KERNELS.names())
def test_the_parameters_of_a_family_are_those_of_its_formula(name: str) -> None:
    from itnet_nas.nn.network import build_network

    family, d = KERNELS.load(name), 8
    task = ECHO if choices(name) else CLOUD
    site = Site(domain=task.facts().domain, width=d)
    for params in choices(name, task):
        network = build_network(architecture({"l": (name, params)}), {name: family}, task)

        block = 4 * d + 2 * 2 * d * d + 2 * d + d
        kernel = family.cost(site, family.Params(**params)).params
        expected = task.coding_cost(d).params + kernel + block + 2 * d
        assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize("name", KERNELS.names())
def test_a_network_of_a_built_in_family_does_not_look_ahead(name: str) -> None:
    from itnet_nas.nn.network import build_network

    torch.manual_seed(0)
    layers = {f"l{place}": (name, params) for place, params in enumerate(choices(name))}
    network = build_network(architecture(layers), {name: KERNELS.load(name)}, ECHO).double().eval()
    (given,) = symbols()
    whole = network(given)
    for cut in (1, 5, 11):
        changed = given.clone()
        changed[:, cut:] = (changed[:, cut:] + 1) % 5

        assert torch.allclose(network(changed)[:, :cut], whole[:, :cut], rtol=0, atol=1e-12)


def test_the_folder_holds_source_weights_and_architecture(tmp_path: Path) -> None:
    outcome = evaluate(job(BRANCHES, steps=2))
    assert outcome.weights is not None

    path = export_python(outcome.record, outcome.weights, tmp_path / "new" / "folder")

    assert path == tmp_path / "new" / "folder" / "model.py"
    assert sorted(item.name for item in path.parent.iterdir()) == [
        "architecture.json",
        "model.py",
        "weights.pt",
    ]
    assert (path.parent / "weights.pt").read_bytes() == outcome.weights
    described = json.loads((path.parent / "architecture.json").read_text())
    assert described["key"] == outcome.record.key
    assert Architecture.model_validate(described["architecture"]) == BRANCHES


def test_the_source_has_one_line_for_each_layer(tmp_path: Path) -> None:
    outcome = evaluate(job(BRANCHES, steps=2))
    assert outcome.weights is not None

    text = export_python(outcome.record, outcome.weights, tmp_path).read_text()

    assert (
        text[text.index("class Network") : text.index("def load")]
        == '''\
class Network(nn.Module):
    """Encoder, one line per layer, LayerNorm, head.

    `mask_BN` is True where a position is real, `x_BNA` says where the points of a cloud stand, and
    `segment_BN` holds the same number within each of the examples that are packed in a row.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.layer_half = Block(Shift(8, radius=1), 8, 2)
        self.layer_left = Block(Shift(8, radius=2), 8, 2)
        self.layer_right = Block(Shift(8, radius=3), 8, 2)
        self.norm = nn.LayerNorm(8)
        self.head = Head()

    def forward(
        self,
        *inputs: Tensor,
        mask_BN: Tensor | None = None,
        x_BNA: Tensor | None = None,
        segment_BN: Tensor | None = None,
    ) -> Tensor:
        u_BND = masked(self.encoder(*inputs), mask_BN)
        if segment_BN is None:
            return self.read(u_BND, mask_BN, x_BNA)
        where = packing(segment_BN, mask_BN)
        x_SLA = None if x_BNA is None else unpack(x_BNA, where)
        found = self.read(unpack(u_BND, where), where.mask_SL, x_SLA)
        return pack(found, where) if found.ndim == 3 else found

    def read(self, u_input: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        u_half = self.layer_half(u_input, mask_BN, x_BNA)
        u_left = self.layer_left(u_half, mask_BN, x_BNA)
        u_right = self.layer_right(u_half + u_input, mask_BN, x_BNA)
        return self.head(self.norm(u_half + u_left + u_right), mask_BN)


'''
    )


def test_the_docstring_says_what_it_is_and_how_to_use_it(tmp_path: Path) -> None:
    outcome = evaluate(job(steps=2))
    assert outcome.weights is not None
    error = outcome.record.objectives["error"]

    text = export_python(outcome.record, outcome.weights, tmp_path).read_text()

    assert text.startswith(f'''\
"""Trial 3 of a search by itnet-nas, as plain PyTorch.

    shift(radius=2)

Figures  error {error:.6g}, flops 1000
Task     echo: causal sequence of 12
Trained  2 steps of 16, seed 0
Key      {outcome.record.key}

The operators come from

    shift: tiny 1 (tiny_plugins:SHIFT)
    task echo: tiny 1 (tiny_plugins:EchoTask)

Their slow forms, to which tests hold them, are left out. To use it:

    from model import load
    network = load()
    out = network(torch.randint(5, (1, 12)))
"""
''')


def test_the_docstring_of_a_cloud_says_that_it_needs_places(tmp_path: Path) -> None:
    outcome = evaluate(on_clouds(job(architecture({"mix": ("near", {})}), steps=2)))
    assert outcome.weights is not None, outcome.record.error

    text = export_python(outcome.record, outcome.weights, tmp_path).read_text()

    assert "Task     cloud: points of 10 in 2 dimensions\n" in text
    assert "    out = network(torch.randn(1, 10, 1), x_BNA=torch.randn(1, 10, 2))\n" in text


def test_exporting_leaves_the_random_state_and_the_modules(tmp_path: Path) -> None:
    outcome = evaluate(job(steps=1))
    assert outcome.weights is not None
    export_python(outcome.record, outcome.weights, tmp_path)
    random, modules = torch.get_rng_state(), set(sys.modules)

    export_python(outcome.record, outcome.weights, tmp_path)

    assert torch.equal(torch.get_rng_state(), random)
    assert set(sys.modules) == modules


def test_nothing_is_written_where_a_plugin_needs_more_than_torch(tmp_path: Path) -> None:
    origins = {"numpy": origin("numpy", "tricky.families:NEEDS_NUMPY")}
    outcome = evaluate(job(architecture({"mix": ("numpy", {})}), kernel_origins=origins, steps=1))
    assert outcome.weights is not None

    with pytest.raises(BrokenPlugin, match=r"^tricky\.operators uses numpy"):
        export_python(outcome.record, outcome.weights, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_source_that_would_give_other_outputs_is_not_written(tmp_path: Path) -> None:
    origins = {"changed": origin("changed", "tricky.families:CHANGED")}
    outcome = evaluate(job(architecture({"mix": ("changed", {})}), kernel_origins=origins, steps=1))
    assert outcome.weights is not None

    with pytest.raises(BrokenPlugin, match=r"^the exported source gives other outputs than"):
        export_python(outcome.record, outcome.weights, tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_head_of_the_tasks_own_runs_with_torch_alone(tmp_path: Path) -> None:
    outcome = evaluate(
        job(BRANCHES, steps=3).model_copy(
            update={"task_origin": origin("own", "tricky.families:OwnHeadTask")}
        )
    )
    assert outcome.weights is not None, outcome.record.error
    state = torch.load(io.BytesIO(outcome.weights), weights_only=True)
    assert "head.saved" in state

    assert_alone_equals_trained(outcome, tmp_path, symbols())


@pytest.mark.slow
def test_the_tricky_operators_run_with_torch_alone(tmp_path: Path) -> None:
    names = {"one": "TRICKY", "two": "OTHER", "three": "KEEPS"}
    origins = {name: origin(name, f"tricky.families:{path}") for name, path in names.items()}
    layers = {name: (name, {}) for name in names}

    outcome = evaluate(job(architecture(layers), kernel_origins=origins, steps=3))

    assert_alone_equals_trained(outcome, tmp_path, symbols())
