"""Does a search find the bias that was planted, and does a certificate say so?

    python benchmarks/planted_bias.py --folder planted             every task, seeds 0 to 2
    python benchmarks/planted_bias.py --folder planted --tasks life2d,mqar --seeds 1

For each planted task and seed: a search of at most 30 trials over the task's space, then the
certificate of the cheapest trial within 0.02 of the best. Asked are: is the task solved; is that
trial the planted one; is every planted axis value *necessary*; is every axis of a layer that is
planted as indifferent *not identified*. Then the same search without the planted family: the page
must say *not solved* and name nobody. Since a trial is the same wherever it runs, its records are
those of the first search.

Runs are kept in the folder; what is there is not trained again, so the benchmark can be stopped and
started. Two processes work at a time (`--jobs`).
"""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SPACES = ROOT / "search_spaces" / "planted"
NEAR = 0.02  # of the best score


def names() -> list[str]:
    """The planted spaces, by name."""
    return sorted(path.stem for path in SPACES.glob("*.yaml"))


def study(name: str, seed: int, folder: Path, seeds: int) -> dict[str, Any]:
    """One task and seed: what was found, and what the certificate says. Kept as JSON."""
    kept = folder / f"{name}_{seed}.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    started, cpu = time.time(), time.process_time()
    run = searched(name, seed, folder / f"{name}_{seed}")
    trial = frugal(run)
    certificate = run.certify(trial.number, seeds=seeds, backend="local")
    answers = planted(run)
    found = {
        "task": name,
        "seed": seed,
        "trials": len(run.records),
        "quality": trial.objectives[run.space.objectives[0].name],
        "solved": certificate.solved is not False,
        "label": trial.label,
        "planted": [answer and answer["family"] for answer in answers],
        "is_planted": [
            answer is None or answer["family"] == layer.family
            for answer, layer in zip(answers, trial.record.architecture.layers, strict=False)
        ],
        "axes": [
            {
                "layer": axis.layer,
                "axis": axis.axis,
                "value": axis.value,
                "verdict": axis.verdict,
                "effect": axis.effect,
                "low": axis.low,
                "high": axis.high,
                "seeds": axis.seeds,
                "wanted": wanted(answers, run, axis),
            }
            for axis in certificate.axes
        ],
        "trainings": certificate.trainings,
        "floor": certificate.floor,
        "without": None if None in answers else without_planted(run, answers, folder, name, seed),
        "cpu_minutes": (time.process_time() - cpu) / 60,
        "minutes": (time.time() - started) / 60,
    }
    kept.write_text(json.dumps(found, indent=1))
    return found


def searched(name: str, seed: int, folder: Path) -> Any:
    """The finished search of a space under a seed."""
    import itnet_nas
    from itnet_nas.search.run_search import resume_run

    if (folder / "run.sqlite").exists():
        resume_run(folder, backend="local")
        return itnet_nas.open_run(folder)
    return itnet_nas.search(SPACES / f"{name}.yaml", run=folder, seed=seed, backend="local")


def frugal(run: Any) -> Any:
    """The cheapest trial on the front whose quality is within NEAR of the best."""
    quality = run.space.objectives[0]
    sign = 1 if quality.direction == "min" else -1
    best = min(sign * trial.objectives[quality.name] for trial in run.pareto())
    near = [t for t in run.pareto() if sign * t.objectives[quality.name] <= best + NEAR]
    return near[0]  # a front is ordered by cost


def planted(run: Any) -> list[dict[str, Any] | None]:
    """Per layer of the space, in order, what is planted there; None where nothing is."""
    from itnet_nas.registry import load_origin

    answers = [
        {"family": answer.family, "axes": {axis: str(value) for axis, value in answer.axes.items()}}
        for answer in load_origin(run.space.task_origin, "task").planted
    ]
    return [*answers, *[None] * (len(run.space.layers) - len(answers))]


def wanted(answers: list[dict[str, Any] | None], run: Any, axis: Any) -> str:
    """`necessary`, `not identified`, or empty where nothing is claimed."""
    place = [layer.name for layer in run.space.layers].index(axis.layer)
    if len(run.space.layers[place].choices) == 1:
        return ""  # given, not searched
    answer = answers[place]
    if answer is None:
        return "not identified" if axis.alternatives else ""
    return "necessary" if axis.axis in answer["axes"] else ""


def without_planted(
    run: Any, answers: list[dict[str, Any] | None], folder: Path, name: str, seed: int
) -> dict[str, Any]:
    """What the page of the same search says when the planted family is not offered."""
    import itnet_nas
    from itnet_nas.results.store import Store
    from itnet_nas.space.space import Space

    gone = {answer["family"] for answer in answers if answer is not None}
    layers = tuple(
        layer.model_copy(
            update={"choices": tuple(c for c in layer.choices if c.family not in gone)}
        )
        for layer in run.space.layers
    )
    # A new Space, since a copy would keep the fingerprint of the old one.
    space = Space.model_validate(run.space.model_dump() | {"layers": layers})
    records = [
        record
        for record in run.records
        if not gone & {layer.family for layer in record.architecture.layers}
    ]
    target = folder / f"{name}_{seed}_without"
    if not (target / "run.sqlite").exists():
        with Store.create(target, space) as store:
            for record in records:
                store.add_record(record)
    poor = itnet_nas.open_run(target)
    page = poor.report().read_text()
    best = poor.pareto().pick("best")
    return {
        "trials": len(records),
        "quality": best.objectives[space.objectives[0].name],
        "says_not_solved": "not solved" in page.lower(),
        "label": best.label,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: one line per task and seed, then the shares."""
    lines = [
        "| task | seed | trials | score | found | planted axes: loss if swapped [95 %] | verdicts "
        "as planted | without it | trainings | CPU min |",
        "|---|---:|---:|---:|---|---|---|---|---:|---:|",
    ]
    for row in rows:
        claims = [axis for axis in row["axes"] if axis["wanted"]]
        texts = [
            f"{axis['layer']} {axis['axis']} {axis['value']}: {axis['verdict']}"
            + (
                ""
                if axis["effect"] is None
                else f" {axis['effect']:.2f} [{axis['low']:.2f}, {axis['high']:.2f}]"
            )
            for axis in claims
        ]
        right = sum(axis["verdict"] == axis["wanted"] for axis in claims)
        without = row["without"]
        lines.append(
            f"| {row['task']} | {row['seed']} | {row['trials']} | {row['quality']:.3f} | "
            f"{row['label']} | {'; '.join(texts)} | {right} of {len(claims)} | "
            + (
                "–"
                if without is None
                else f"{without['quality']:.3f}: "
                + ("not solved" if without["says_not_solved"] else "**called solved**")
            )
            + f" | {row['trainings']} | {row['cpu_minutes']:.1f} |"
        )
    return "\n".join([*lines, "", *shares(rows)])


def shares(rows: list[dict[str, Any]]) -> list[str]:
    """The figures that are asked for, and every false verdict."""
    one = [r for r in rows if len(r["planted"]) == 1]
    order = [r for r in rows if len(r["planted"]) > 1 and None not in r["planted"]]
    idle = [r for r in rows if None in r["planted"]]
    found = []
    for title, group, claim in (
        ("one layer, every planted value *necessary*", one, "necessary"),
        ("two layers, every planted value of both *necessary*", order, "necessary"),
        ("indifferent layer *not identified*", idle, "not identified"),
    ):
        good = sum(
            all(a["verdict"] == claim for a in row["axes"] if a["wanted"] == claim) for row in group
        )
        found.append(f"- {title}: {good} of {len(group)} (task, seed)")
    cheapest = sum(all(row["is_planted"]) for row in rows)
    found.append(
        f"- cheapest within {NEAR} of the best is the planted one: {cheapest} of {len(rows)}"
    )
    asked = [row["without"] for row in rows if row["without"] is not None]
    silent = sum(one["says_not_solved"] for one in asked)
    found.append(f"- without the planted family *not solved*: {silent} of {len(asked)}")
    for row in rows:
        for axis in row["axes"]:
            if axis["wanted"] and axis["verdict"] != axis["wanted"]:
                found.append(
                    f"- false: {row['task']} seed {row['seed']}: {axis['layer']} {axis['axis']} "
                    f"{axis['value']} is {axis['verdict']}, planted as {axis['wanted']} "
                    f"({row['label']}, score {row['quality']:.3f})"
                )
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("runs/planted"))
    parser.add_argument("--tasks", default=",".join(names()))
    parser.add_argument("--seeds", type=int, default=3, help="searches of each task")
    parser.add_argument("--paired", type=int, default=5, help="paired seeds of a certificate")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    asked = [(name, seed) for seed in range(options.seeds) for name in options.tasks.split(",")]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        tasks = [
            pool.submit(study, name, seed, options.folder, options.paired) for name, seed in asked
        ]
        rows = []
        for (name, seed), task in zip(asked, tasks, strict=True):
            rows.append(task.result())
            print(f"{name} {seed}: {rows[-1]['label']}, {rows[-1]['minutes']:.1f} min", flush=True)
    print(table(sorted(rows, key=lambda row: (row["task"], row["seed"]))))


if __name__ == "__main__":
    main()
