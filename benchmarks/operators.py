"""What each kernel family costs beside what a user would otherwise take.

    python benchmarks/operators.py [--lengths 256,1024,4096] [--only "NAME;…"] [--runs 5]

Batch 8, width 64, float32, one thread, forward and backward, gradients of input and weights. For
each row and length: CPU time of ours (median of several runs), peak memory above inputs and
weights, and both as a ratio to a named rival that computes the same map in the same run. Ours and
the rival take turns in one process for time; each has a fresh process for memory, where the peak
is the kernel's own high-water mark, reset after a small warm-up. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import rivals
import torch
from torch import Tensor, nn

BATCH, WIDTH = rivals.BATCH, rivals.WIDTH
LIMIT = 900  # seconds for one process; what takes longer is said to
GIB = 2**30


def _mebibytes(name: str) -> float:
    """A figure of this process, VmRSS or VmHWM, from the kernel."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {name} in /proc/self/status")


def _once(module: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """CPU seconds of one forward and backward pass."""
    for tensor in (*inputs, *module.parameters()):
        tensor.grad = None
    began = time.process_time()
    y_BND = module(*inputs)
    y_BND.backward(torch.ones_like(y_BND))
    return time.process_time() - began


def _inputs(row: rivals.Row, length: int) -> tuple[Tensor, ...]:
    torch.manual_seed(0)
    return tuple(tensor.requires_grad_() for tensor in row.inputs(length))


def _time(row: rivals.Row, length: int, runs: int) -> dict[str, float]:
    """Median CPU seconds of both, which take turns, and the median of their ratios."""
    inputs = _inputs(row, length)
    ours, rival = row.ours(length), row.rival(length)
    seconds: dict[str, list[float]] = {"ours": [], "rival": []}
    began = time.monotonic()
    for turn in range(runs + 1):
        for name, module in (("ours", ours), ("rival", rival)):
            took = _once(module, inputs)
            if turn:  # the first turn warms up
                seconds[name].append(took)
        if turn and time.monotonic() - began > LIMIT / 3:
            break
    ratios = [a / b for a, b in zip(seconds["ours"], seconds["rival"], strict=True)]
    return {
        "ours": statistics.median(seconds["ours"]),
        "rival": statistics.median(seconds["rival"]),
        "ratio": statistics.median(ratios),
        "runs": len(ratios),
    }


def _memory(row: rivals.Row, length: int, which: str) -> dict[str, float]:
    """Peak MiB above what stood there before the pass."""
    build = row.ours if which == "ours" else row.rival
    _once(build(32), _inputs(row, 32))  # libraries set themselves up
    module, inputs = build(length), _inputs(row, length)
    before = _mebibytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    _once(module, inputs)
    return {"peak": max(0.0, _mebibytes("VmHWM") - before)}


def _child(task: str, name: str, length: int, runs: int) -> dict[str, float] | str:
    """The figures of one fresh process, or why there are none."""
    command = [sys.executable, __file__, "--child", task, "--only", name]
    command += ["--lengths", str(length), "--runs", str(runs)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"> {LIMIT} s"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        return "out of memory" if done.returncode < 0 or "memory" in last.lower() else last[:80]
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _cell(row: rivals.Row, length: int, runs: int) -> list[str]:
    """The columns of one length."""
    rival_runs = length <= row.rival_up_to
    if rival_runs:
        timed = _child("time", row.name, length, runs)
    else:
        timed = _child("alone", row.name, length, runs)
    ours = _child("ours", row.name, length, runs)
    theirs = _child("rival", row.name, length, runs) if rival_runs else "not run"
    return [_times(timed), _peaks(ours, theirs)]


def _times(timed: dict[str, float] | str) -> str:
    if isinstance(timed, str):
        return timed
    own = f"{1000 * timed['ours']:.0f} ms"
    if "rival" not in timed:
        return f"{own} (rival not run)"
    ratio = timed["ratio"]
    times = f"{ratio:.2f}x" if ratio > 0.1 else f"1/{1 / ratio:.0f}"
    return f"{own} ({times} of {1000 * timed['rival']:.0f} ms)"


def _peaks(ours: dict[str, float] | str, theirs: dict[str, float] | str) -> str:
    if isinstance(ours, str):
        return ours
    own = f"{ours['peak']:.0f} MiB"
    if isinstance(theirs, str):
        return f"{own} (rival {theirs})"
    ratio = ours["peak"] / max(theirs["peak"], 1.0)
    times = f"{ratio:.2f}x" if ratio > 0.1 else f"1/{1 / max(ratio, 1e-3):.0f}"
    return f"{own} ({times} of {theirs['peak']:.0f})"


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", default="256,1024,4096")
    parser.add_argument("--only", default="", help="names of rows, with ; between them")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    lengths = [int(length) for length in given.lengths.split(",")]
    wanted = set(given.only.split(";")) if given.only else set()
    rows = [row for row in rivals.ROWS if not wanted or row.name in wanted]
    if unknown := wanted - {row.name for row in rivals.ROWS}:
        parser.error(f"no row is called {', '.join(sorted(unknown))}")
    if given.child:
        (row,), (length,) = rows, lengths
        if given.child == "time":
            print(json.dumps(_time(row, length, given.runs)))
        elif given.child == "alone":
            module, inputs = row.ours(length), _inputs(row, length)
            taken = [_once(module, inputs) for _ in range(given.runs)][1:]
            print(json.dumps({"ours": statistics.median(taken)}))
        else:
            print(json.dumps(_memory(row, length, given.child)))
        return
    heads = [f"{figure} at {length}" for length in lengths for figure in ("CPU time", "peak")]
    print("| ours | rival | " + " | ".join(heads) + " |")
    print("|---|---|" + "---|" * len(heads))
    for row in rows:
        cells = [cell for length in lengths for cell in _cell(row, length, given.runs)]
        print(f"| {row.name} | {row.beside} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
