"""`docs/operator.md`, made from the families themselves: `pytest tests/test_docs.py --write-docs`.

What stands above the families is `operator_page.md`. What each family is comes from its module's
docstring; its biases, costs and evaluations from its methods; what it is exactly from the rows of
`support.exact`, which are measured here. Other machines round otherwise, so the page is compared
with these figures left out.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from support.exact import Gap, Row, gap, rows

from itnet_nas.analysis.numbers import short, times
from itnet_nas.axes import Content, State
from itnet_nas.integral import accelerators
from itnet_nas.kernels import Cost, Domain, KernelFamily, KernelParams, Site
from itnet_nas.registry import KERNELS
from itnet_nas.testing.bench import Bench

LENGTHS, WIDTH = (256, 1024, 4096), 64
DEVICES = {"cpu": "CPU", "cuda": "CUDA"}
COSTS = {
    "flops": "FLOPs, forward",
    "train_flops": "FLOPs, forward and backward",
    "decode_flops": "FLOPs of a step",
    "traffic_bytes": "bytes moved, forward",
    "activation_bytes": "bytes kept for backward",
    "state_bytes": "bytes carried from step to step",
}
UNMEASURED = Gap(0.0, 0.0)
# The last two cells of a row of exactness.
FIGURES = re.compile(r"\| (0|\d\.\de-\d+) \| (0|\d\.\de-\d+) \|$", re.MULTILINE)
INTRODUCTION = Path(__file__).with_suffix(".md")


def operator_page(measure: Callable[[Row], Gap] = gap) -> str:
    """The page. `measure` may leave the rows unmeasured."""
    # What stands on the page must not depend on which CUDA packages this machine has.
    with mock.patch.object(accelerators, "_load", _not_installed):
        families = {name: KERNELS.load(name) for name in sorted(KERNELS.names())}
        exact: dict[str, list[Row]] = {}
        for row in rows():
            exact.setdefault(row.family, []).append(row)
        lines = [_line(name, family, exact.get(name, [])) for name, family in families.items()]
        overview = _table(
            ["family", "bias at its first values", "pairs alone", "4 N costs", "on CPU", "systems"],
            lines,
        )
        parts = [
            _section(name, family, exact.get(name, []), measure)
            for name, family in families.items()
        ]
    return (
        INTRODUCTION.read_text(encoding="utf-8").replace("WIDTH", str(WIDTH))
        + "\n\n".join([overview, *parts])
        + "\n"
    )


def without_figures(page: str) -> str:
    """The page with the figures of exactness blotted out."""
    return FIGURES.sub("| · | · |", page)


def figures(page: str) -> list[float]:
    """The figures of exactness on a page."""
    return [float(figure) for found in FIGURES.findall(page) for figure in found]


def _not_installed(path: str, package: str) -> accelerators.Accelerator:
    return accelerators.Accelerator(None, f"{package} is not installed")


def _line(name: str, family: KernelFamily[Any], exact: list[Row]) -> list[str]:
    params, at = _first(family)
    before, after = (family.cost(at(length), params).flops for length in LENGTHS[1:])
    ways = [way.name for way in family.evaluations(at(LENGTHS[1]), params, "cpu") if way.taken]
    return [
        f"[{name}](#{name})",
        str(family.bias(params)),
        _pairs_alone(family, params, at),
        _growth(before, after),
        ways[0] if ways else "one way",
        str(len(exact)),
    ]


def _pairs_alone(family: KernelFamily[Any], params: KernelParams, at: Callable[[int], Site]) -> str:
    """Whether two inputs at other positions act on an output independently of each other."""
    bench = Bench(family, params, at(6).model_copy(update={"width": 8}))
    op, u_BND = bench.build(), bench.field(batch=1).requires_grad_()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in op.parameters():  # some are 0 when fresh
            weight += 0.2 * torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
    y_ND = op.reference(u_BND, None, bench.places(batch=1))[0]
    if _mixed_derivative(y_ND, u_BND) < 1e-12:
        return "yes"
    bias = family.bias(params)
    if bias.state is State.FEEDBACK:
        return "no: feedback"
    return "no: path" if bias.content is Content.PATH else "no: normaliser"


def _mixed_derivative(y_ND: torch.Tensor, u_BND: torch.Tensor) -> float:
    """The largest ∂²y[i] / ∂u[j] ∂u[m] with three different positions, i in the middle or last."""
    length = len(y_ND)
    most = 0.0
    for i in (length // 2, length - 1):
        first_BND = _gradient(y_ND[i].sum(), u_BND)
        for j in set(range(length)) - {i}:
            second_ND = _gradient(first_BND[0, j].sum(), u_BND)[0].detach().clone()
            second_ND[[i, j]] = 0
            most = max(most, float(second_ND.abs().max()))
    return most


def _gradient(of: torch.Tensor, u_BND: torch.Tensor) -> torch.Tensor:
    if not of.requires_grad:
        return torch.zeros_like(u_BND)
    (found,) = torch.autograd.grad(
        of, u_BND, create_graph=True, allow_unused=True, materialize_grads=True
    )
    return found


def _section(
    name: str, family: KernelFamily[Any], exact: list[Row], measure: Callable[[Row], Gap]
) -> str:
    formula = inspect.cleandoc(inspect.getmodule(type(family)).__doc__ or "")
    params, at = _first(family)
    parts = [
        f"### {name}",
        f"```text\n{formula}\n```",
        _table(["with", "bias"], _biases(family)),
        f"Stands on {', '.join(_domains(family))}.",
        _costs(family, params, at),
        _evaluations(family, params, at),
    ]
    if exact:
        cells = [_exactness(row, measure(row)) for row in exact]
        parts.append(_table(["is", "on", "in the sense", "outputs", "gradients"], cells))
    return "\n\n".join(part for part in parts if part)


def _sites(length: int) -> dict[str, Site]:
    """One site of each kind, in words."""
    side = int(length**0.5)
    domains = {
        "causal sequences": Domain(kind="sequence", shape=(length,), causal=True),
        "sequences": Domain(kind="sequence", shape=(length,)),
        "grids": Domain(kind="grid", shape=(side, side)),
        "points": Domain(kind="points", shape=(length,), coordinates=3),
        "bare sets": Domain(kind="points", shape=(length,)),
    }
    return {words: Site(domain=domain, width=WIDTH) for words, domain in domains.items()}


def _first(family: KernelFamily[Any]) -> tuple[KernelParams, Callable[[int], Site]]:
    """The first values, and the first kind of site that takes them, as a function of its length."""
    values = {name: tried[0] for name, tried in family.Params.default_values().items()}
    params = family.Params.model_validate(values)
    kinds = [kind for kind, site in _sites(LENGTHS[0]).items() if not family.refuses(site, params)]
    return params, lambda length: _sites(length)[kinds[0]]


def _domains(family: KernelFamily[Any]) -> list[str]:
    """Kinds of site that take the family with some of its values."""
    tried = [family.Params.model_validate(given) for given in _each_value(family)]
    return [
        kind
        for kind, site in _sites(LENGTHS[0]).items()
        if any(not family.refuses(site, params) for params in tried)
    ]


def _each_value(family: KernelFamily[Any]) -> list[dict[str, Any]]:
    """The first values, and each other value in place of the first."""
    values = family.Params.default_values()
    first = {name: tried[0] for name, tried in values.items()}
    others = [{**first, name: v} for name, tried in values.items() for v in tried[1:]]
    return [first, *others]


def _biases(family: KernelFamily[Any]) -> list[list[str]]:
    """A row for each bias that the values bring about, with the first params that do."""
    found: dict[str, str] = {}
    for given in _each_value(family):
        params = family.Params.model_validate(given)
        found.setdefault(str(family.bias(params)), _params(params) or "–")
    return [[given, bias] for bias, given in found.items()]


def _costs(family: KernelFamily[Any], params: KernelParams, at: Callable[[int], Site]) -> str:
    found = [family.cost(at(length), params) for length in LENGTHS]
    cells = []
    for name, meaning in {**COSTS, "params": "parameters"}.items():
        figures = [_figure(cost, name) for cost in found]
        if None in figures:
            continue
        growth = _growth(figures[1] or 0, figures[2] or 0)
        cells.append([meaning, *(short(figure or 0) for figure in figures), growth])
    site = at(LENGTHS[0])
    kind = "causal sequence" if site.causal else site.domain.kind
    head = f"{kind} of N = "
    return _table([head + str(LENGTHS[0]), *(f"{n:,}" for n in LENGTHS[1:]), "4 N costs"], cells, 1)


def _evaluations(family: KernelFamily[Any], params: KernelParams, at: Callable[[int], Site]) -> str:
    site = at(LENGTHS[1])
    ways = {device: family.evaluations(site, params, device) for device in DEVICES}
    names = dict.fromkeys(way.name for found in ways.values() for way in found)
    if not names:
        return "There is one way to compute it, on every device."
    cells = []
    for name in names:
        by_device = [next((w for w in ways[d] if w.name == name), None) for d in DEVICES]
        told = [
            "–" if w is None else f"{'**taken**' if w.taken else 'refused'}: {w.reason}"
            for w in by_device
        ]
        cells.append([name, *told])
    if all(cpu == cuda for _, cpu, cuda in cells):
        return _table(["evaluation", " and ".join(DEVICES.values())], [row[:2] for row in cells])
    return _table(["evaluation", *DEVICES.values()], cells)


def _exactness(row: Row, found: Gap) -> list[str]:
    given = ", ".join(f"{name}={value}" for name, value in row.params.items())
    place = str(row.site.domain)
    return [
        f"{row.system} ({given})" if given else row.system,
        place,
        row.sense or "–",
        *(("0" if figure == 0 else f"{figure:.1e}") for figure in found),
    ]


def _params(params: KernelParams) -> str:
    return ", ".join(
        f"{name}={'null' if value is None else value}"
        for name, value in params.model_dump(mode="json").items()
    )


def _figure(cost: Cost, name: str) -> int | None:
    value: int | None = getattr(cost, name)
    return value


def _growth(before: int, after: int) -> str:
    return f"× {times(after / before)}" if before else "–"


def _table(head: list[str], cells: list[list[str]], right: int = 99) -> str:
    """Markdown; columns from `right` on are set to the right."""
    rule = ["--:" if place >= right else "---" for place in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *_escaped(cells)])


def _escaped(cells: list[list[str]]) -> list[list[str]]:
    """A bar inside a cell would end it."""
    return [[cell.replace("|", "\\|") for cell in row] for row in cells]
