"""`export_python`: a trained network as plain PyTorch source, which needs torch alone."""

from __future__ import annotations

import io
import json
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch

from itnet_nas.errors import BrokenPlugin
from itnet_nas.integral.packing import pack, packing, unpack
from itnet_nas.nn.block import Block, masked
from itnet_nas.nn.bundle import Bundle
from itnet_nas.nn.network import ITNet, attribute, load_network, load_task
from itnet_nas.nn.printing import write_module
from itnet_nas.space.space import OUTPUT
from itnet_nas.tasks.facts import Categorical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.tasks.facts import TaskFacts

__all__ = ["export_python", "load_network"]

LOAD = '''\
def load(path: str | Path = Path(__file__).with_name("weights.pt")) -> Network:
    """The trained network on the CPU, in evaluation mode."""
    network = Network()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()
'''


def export_python(
    record: TrialRecord,
    weights: bytes,
    folder: Path,
    *,
    confirmed: Mapping[str, Any] | None = None,
    says: str = "",
) -> Path:
    """Write `model.py`, `weights.pt` and `architecture.json` into `folder`; the path of model.py.

    model.py holds the source of every operator (but for its slow forms), block, encoder and head,
    and one line per layer. Nothing is written unless that source, run here, gives exactly the
    outputs of the trained network. Raises BrokenPlugin where a plugin's code cannot stand alone.

    confirmed   what the architecture did under fresh seeds, for architecture.json; `says` is the
                same in a line, for model.py
    """
    network = load_network(record, weights)
    facts = load_task(record.task_origin, record.task).facts()
    source = write_source(record, network, facts, says)
    _check(source, network, weights, facts)
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model.py"
    (folder / "weights.pt").write_bytes(weights)
    (folder / "architecture.json").write_text(_describe(record, confirmed), encoding="utf-8")
    model.write_text(source, encoding="utf-8")
    return model


def write_source(record: TrialRecord, network: ITNet, facts: TaskFacts, says: str = "") -> str:
    """The text of model.py."""
    bundle = Bundle(reserved=("Network", "load"))
    bundle.add(masked)
    bundle.add(Block)
    for module, attribute_name in (
        ("torch", None),
        ("torch", "Tensor"),
        ("torch.nn", None),
        ("pathlib", "Path"),
    ):
        bundle.external(module, attribute_name)
    body = _write_network(record, network, bundle)
    top = f'"""{_docstring(record, facts, says)}"""\n\nfrom __future__ import annotations\n\n'
    return top + "\n\n\n".join([bundle.text().rstrip(), body, LOAD])


def _write_network(record: TrialRecord, network: ITNet, bundle: Bundle) -> str:
    architecture = record.architecture
    width, ratio = architecture.width, architecture.mlp_ratio
    build = [f"self.encoder = {write_module(network.encoder, bundle)}"]
    run = []
    for name, block in network.blocks.items():
        operator = write_module(block.mixer, bundle)
        build.append(f"self.{attribute(name)} = Block({operator}, {width}, {ratio})")
        run.append(f"u_{name} = self.{attribute(name)}({_sum(network, name)}, mask_BN, x_BNA)")
    build.append(f"self.norm = nn.LayerNorm({width})")
    build.append(f"self.head = {write_module(network.head, bundle)}")
    run.append(f"return self.head(self.norm({_sum(network, OUTPUT)}), mask_BN)")
    # Last, so that what operators call their own parts stays as it is.
    where, apart, together = (bundle.add(part) for part in (packing, unpack, pack))
    indent = "\n        "
    return f'''\
class Network(nn.Module):
    """Encoder, one line per layer, LayerNorm, head.

    `mask_BN` is True where a position is real, `x_BNA` says where the points of a cloud stand, and
    `segment_BN` holds the same number within each of the examples that are packed in a row.
    """

    def __init__(self) -> None:
        super().__init__()
        {indent.join(build)}

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
        where = {where}(segment_BN, mask_BN)
        x_SLA = None if x_BNA is None else {apart}(x_BNA, where)
        found = self.read({apart}(u_BND, where), where.mask_SL, x_SLA)
        return {together}(found, where) if found.ndim == 3 else found

    def read(self, u_input: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        {indent.join(run)}'''


def _sum(network: ITNet, name: str) -> str:
    return " + ".join(f"u_{source}" for source in network.architecture.sources(name))


def _docstring(record: TrialRecord, facts: TaskFacts, says: str) -> str:
    figures = ", ".join(f"{name} {value:.6g}" for name, value in record.objectives.items())
    origins = [f"    {name}: {origin}" for name, origin in record.kernel_origins.items()]
    lines = [
        f"Trial {record.number} of a search by itnet-nas, as plain PyTorch.",
        "",
        f"    {record.architecture.label}",
        "",
        f"Figures  {figures or 'none'}",
        *textwrap.wrap(says, 95, initial_indent=" " * 9, subsequent_indent=" " * 9),
        f"Task     {record.task.name}: {facts.domain}",
        f"Trained  {record.steps} steps of {record.recipe.batch_size}, seed {record.seed}",
        f"Key      {record.key}",
        "",
        "The operators come from",
        "",
        *origins,
        f"    task {record.task.name}: {record.task_origin}",
        "",
        "Their slow forms, to which tests hold them, are left out. To use it:",
        "",
        "    from model import load",
        "    network = load()",
        f"    out = network({', '.join(_example(facts))})",
        "",
    ]
    return "\n".join(lines).replace("\\", "\\\\").replace('"""', r"\"\"\"")


def _example(facts: TaskFacts) -> list[str]:
    length, coordinates = facts.domain.length, facts.domain.coordinates
    given = [
        f"torch.randint({item.classes}, (1, {length}))"
        if isinstance(item, Categorical)
        else f"torch.randn(1, {length}, {item.channels})"
        for item in facts.inputs
    ]
    if coordinates:
        given.append(f"x_BNA=torch.randn(1, {length}, {coordinates})")
    return given


def _describe(record: TrialRecord, confirmed: Mapping[str, Any] | None) -> str:
    described = {
        "schema": "itnet-nas/architecture/v1",
        "key": record.key,
        "architecture": record.architecture.model_dump(mode="json"),
        "bias": {name: bias.model_dump(mode="json") for name, bias in record.bias.items()},
        "objectives": record.objectives,
        **({} if confirmed is None else {"confirmed": confirmed}),
        "origins": {n: origin.model_dump() for n, origin in record.kernel_origins.items()},
    }
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


def _check(source: str, network: ITNet, weights: bytes, facts: TaskFacts) -> None:
    """Run the source and compare. Raises BrokenPlugin unless outputs are the same, bit by bit."""
    try:
        with torch.random.fork_rng(devices=[]):
            exported = _run(source)["Network"]()
            torch.manual_seed(0)
            inputs, x_BNA = _draw(facts)
        state = torch.load(io.BytesIO(weights), map_location="cpu", weights_only=True)
        exported.load_state_dict(state)
        exported.eval()
        mask_BN = torch.ones(2, facts.domain.length, dtype=torch.bool)
        mask_BN[1, facts.domain.length // 2 + 1 :] = False
        with torch.no_grad():
            for mask in (None, mask_BN):
                beside = {"mask_BN": mask, "x_BNA": x_BNA}
                theirs, ours = exported(*inputs, **beside), network(*inputs, **beside)
                if not torch.equal(theirs, ours):
                    raise BrokenPlugin(
                        "the exported source gives other outputs than the trained network, so it "
                        "was not written; an operator draws random numbers in evaluation mode, or "
                        "reads something that its module changes after it was defined"
                    )
    except BrokenPlugin:
        raise
    except Exception as error:
        raise BrokenPlugin(
            f"the exported source does not run ({type(error).__name__}: {error}), so it was not "
            f"written; an operator depends on more than the names that its code reads"
        ) from error


def _run(source: str) -> dict[str, Any]:
    module = ModuleType("itnet_nas_exported_model")
    module.__file__ = str(Path("model.py").absolute())
    # Dataclasses look their module up by name.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, module.__file__, "exec"), vars(module))
    finally:
        del sys.modules[module.__name__]
    return vars(module)


def _draw(facts: TaskFacts) -> tuple[list[Tensor], Tensor | None]:
    """Inputs of two examples, and where their points stand."""
    length, coordinates = facts.domain.length, facts.domain.coordinates
    inputs = [
        torch.randint(item.classes, (2, length))
        if isinstance(item, Categorical)
        else torch.randn(2, length, item.channels)
        for item in facts.inputs
    ]
    return inputs, torch.randn(2, length, coordinates) if coordinates else None
