"""Does what matches a layer's measured bias stand in for it, and what does not match fail to?

    python benchmarks/replacement.py                            every task, seed 0
    python benchmarks/replacement.py --tasks recall,mqar --seeds 3

For each task and seed a network is trained and probed as in a search: on planted tasks the planted
one, on real ones the one named in REAL. Then every layer of it is replaced, one at a time, by the
roles of `itnet_nas.train.replace_all`: the nearest match to what the probe measured, the nearest of
another family, the cheapest of another family that may do it, one that may not and is as dear or
dearer, and a fresh copy. `itnet_nas.train.replacement` states how they are trained. What each loses
is set against the same network trained on for as long.

What was measured is kept in `--folder`, one file for each task and seed; what is there is not
trained again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.space.space import Choice, Space

SPACES = Path(__file__).resolve().parents[1] / "search_spaces"
THIRD = 1 / 3  # of what the mismatches lose, the matches may lose
ROLES = ("match", "other", "cheapest", "mismatch", "own")

# Space -> steps, and for each layer the family to train, its first choice in the file.
REAL: dict[str, tuple[int, dict[str, str]]] = {
    "quickstart": (300, {"local": "conv", "memory": "gru"}),
    "fashion_mnist": (300, {"mix1": "conv", "mix2": "position_mixer"}),
}


def names() -> list[str]:
    """Real tasks, then the planted ones, by the names of their spaces."""
    return [*REAL, *sorted(path.stem for path in (SPACES / "planted").glob("*.yaml"))]


def study(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train, probe and replace; kept as JSON."""
    kept = folder / f"{name}_{seed}.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    from itnet_nas.search.jobs import make_job
    from itnet_nas.train.evaluate import evaluate
    from itnet_nas.train.replace_all import replacement_test

    started, cpu = time.time(), time.process_time()
    space, architecture = network(name)
    job = make_job(
        space,
        space.search,
        architecture,
        number=0,
        seed=seed,
        proposed_by="benchmark",
        keep_weights=True,
        probe=True,
    )
    outcome = evaluate(job)
    record = outcome.record
    if record.error is not None or outcome.weights is None:
        raise RuntimeError(f"{name}, seed {seed}, could not be trained: {record.error}")
    test = replacement_test(record, outcome.weights, space, seed=seed)
    found = {
        "task": name,
        "seed": seed,
        "device": record.device,
        "steps": record.steps,
        "objective": test.objective,
        "score": record.objectives[test.objective],
        "test": test.as_json(),
        "cpu_minutes": (time.process_time() - cpu) / 60,
        "minutes": (time.time() - started) / 60,
    }
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found, indent=1))
    return found


def network(name: str) -> tuple[Space, Architecture]:
    """A space, and the member of it that is trained: every layer present, one after the other."""
    from itnet_nas.arch.architecture import Architecture, LayerChoice
    from itnet_nas.space.load import load_space
    from itnet_nas.space.space import Space

    if name in REAL:
        steps, families = REAL[name]
        space = load_space(SPACES / f"{name}.yaml")
        recipe = space.recipe.model_copy(update={"steps": steps, "eval_every": 0})
        # A new Space, since a copy would keep the fingerprint of the old one.
        space = Space.model_validate(space.model_dump() | {"recipe": recipe})
    else:
        space = load_space(SPACES / "planted" / f"{name}.yaml")
        families = planted(space)
    layers = tuple(
        LayerChoice(name=layer, family=one.family, params=one.params)
        for layer, one in (
            (layer.name, first(layer.choices, families[layer.name])) for layer in space.layers
        )
    )
    return space, Architecture(
        width=space.width,
        mlp_ratio=space.mlp_ratio,
        layers=layers,
        edges=tuple(sorted((edge.source, edge.target) for edge in space.edges)),
    )


def planted(space: Space) -> dict[str, str]:
    """Layer -> the planted family; a layer that is planted as indifferent gets a window."""
    from itnet_nas.registry import load_origin

    answers = [answer.family for answer in load_origin(space.task_origin, "task").planted]
    answers += ["conv"] * (len(space.layers) - len(answers))
    return {layer.name: family for layer, family in zip(space.layers, answers, strict=True)}


def first(choices: tuple[Choice, ...], family: str) -> Choice:
    """The first choice of a family."""
    return next(choice for choice in choices if choice.family == family)


def rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each layer of a study, with what each role lost; None where it has nobody."""
    return [
        {
            "task": found["task"],
            "seed": found["seed"],
            "objective": found["objective"],
            "score": found["score"],
            "layer": layer["layer"],
            "kernel": layer["kernel"],
            "acts_like": layer["acts_like"],
            **{role: layer["replacements"].get(role, {}).get("lost") for role in ROLES},
            **{f"by_{role}": layer["replacements"].get(role, {}).get("family") for role in ROLES},
        }
        for layer in found["test"]["layers"]
    ]


def compared(layers: list[dict[str, Any]], role: str) -> list[dict[str, Any]]:
    """Those in which both the role and a mismatch have a figure."""
    return [row for row in layers if row[role] is not None and row["mismatch"] is not None]


def ratio(layers: list[dict[str, Any]], role: str) -> float:
    """Mean loss of a role over mean loss of mismatches."""
    return statistics.mean(row[role] for row in layers) / statistics.mean(
        row["mismatch"] for row in layers
    )


def table(layers: list[dict[str, Any]]) -> str:
    """Markdown: one line for each layer, then what each role loses of what mismatches lose."""
    lines = [
        "| task, seed | score | layer: trained | acts like | match | other family | cheapest "
        "| mismatch | fresh copy |",
        "|---|---:|---|---|---|---|---|---|---:|",
    ]
    for row in layers:
        cells = [f"{row[f'by_{role}'] or ''} {figure(row[role])}" for role in ROLES[:-1]]
        lines.append(
            f"| {row['task']}, {row['seed']} | {row['score']:.3f} {row['objective']} "
            f"| {row['layer']}: {row['kernel'].partition('(')[0]} | {row['acts_like']} | "
            + " | ".join(map(str.strip, cells))
            + f" | {figure(row['own'])} |"
        )
    lines += [
        "",
        "| of what mismatches lose | match | other family | cheapest | fresh copy |",
        "|---|---|---|---|---|",
    ]
    same = [row for row in layers if row["by_match"] == row["kernel"].partition("(")[0]]
    groups = {
        "real tasks": [row for row in layers if row["task"] in REAL],
        "planted tasks": [row for row in layers if row["task"] not in REAL],
        "all": layers,
        "all, where the match is of the trained family, with other params": same,
        "all, where it is of another": [row for row in layers if row not in same],
        "all, where a fresh copy is learned again in that time": [
            row for row in compared(layers, "own") if row["own"] <= THIRD * row["mismatch"]
        ],
    }
    for name, group in groups.items():
        cells = [share(group, role) for role in ROLES if role != "mismatch"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def share(layers: list[dict[str, Any]], role: str) -> str:
    """`0.21 (0.30; 8 of 10)`: ratio of the means; mean of the ratios; how many are a third or less.

    The first is ruled by the layers where much can be lost, and adds figures of different units up;
    the second counts every layer alike, but those where a mismatch loses nothing.
    """
    there = compared(layers, role)
    if not there:
        return "–"
    fewer = sum(row[role] <= THIRD * row["mismatch"] for row in there)
    ratios = [row[role] / row["mismatch"] for row in there if row["mismatch"] > 0]
    mean = f"{statistics.mean(ratios):.2f}" if ratios else "–"
    return f"{ratio(there, role):.2f} ({mean}; {fewer} of {len(there)})"


def figure(loss: float | None) -> str:
    """`+0.012`, or a dash."""
    return "–" if loss is None else f"{loss:+.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("runs/replacement"))
    parser.add_argument("--tasks", default=",".join(names()))
    parser.add_argument("--seeds", type=int, default=1, help="trained networks of each task")
    options = parser.parse_args()
    layers = []
    for seed in range(options.seeds):
        for name in options.tasks.split(","):
            found = study(name, seed, options.folder)
            layers += rows(found)
            print(f"{name} {seed}: {found['minutes']:.1f} min", flush=True)
    print()
    print(table(layers))


if __name__ == "__main__":
    main()
