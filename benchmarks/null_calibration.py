"""How often does a certificate see a difference where there is none?

    python benchmarks/null_calibration.py --repetitions 100

A layer is swapped for an identical copy: the same family and params under seeds of its own, so that
every difference is chance. Each repetition asks for trainings as `itnet-nas certify` does, trains
them with the engine of every trial (bytes of Python source, a window in one layer, 60 steps) and
takes the verdict at the end. At least 95 of 100 must be *not identified*.

A space cannot hold the same choice twice, so the copy stands in the place of another choice: what
is trained for that one is the candidate's own architecture, under other seeds.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.certificate import certificate, next_trainings
from itnet_nas.arch.count import enumerate_all
from itnet_nas.search.jobs import make_job
from itnet_nas.space import load_space
from itnet_nas.train.evaluate import evaluate

if TYPE_CHECKING:
    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

SPACE: dict[str, Any] = {
    "version": 1,
    "task": {"name": "python_source", "context": 32},
    "network": {"width": 16},
    "layers": [{"name": "mix", "kernels": {"conv": {"radius": [4]}, "long_conv": {}}}],
    "objectives": ["bits_per_byte", "flops"],
    "training": {"steps": 60, "batch_size": 16},
}
COPY = 1_000_003  # what the copy's seeds lie beyond the candidate's


def trained(
    space: Space, what: Architecture, called: Architecture, seed: int, as_seed: int, number: int
) -> TrialRecord:
    """The record of training `what` under `seed`, as that of `called` under `as_seed`."""
    job = make_job(
        space,
        space.search,
        what,
        number=number,
        seed=seed,
        proposed_by="calibration",
        keep_weights=False,
        probe=False,
    )
    record = evaluate(job).record
    return record.model_copy(
        update={"architecture": called, "key": called.key, "seed": as_seed, "number": number}
    )


def repetition(space: Space, pair: list[Architecture], index: int, paired: int) -> tuple[str, int]:
    """The verdict on the copy's axis, and how many trainings it took."""
    candidate, copy = pair
    seeds = [1000 * (index + 1) + i for i in range(paired)]
    trial = trained(space, candidate, candidate, 10**8 + index, 10**8 + index, 0)
    records: list[TrialRecord] = []
    while asked := next_trainings(space, trial, records, seeds=seeds):
        for architecture, place in asked:
            seed = seeds[place] + (COPY if architecture.key == copy.key else 0)
            records.append(
                trained(space, candidate, architecture, seed, seeds[place], len(records) + 1)
            )
    found = certificate(space, trial, records, seeds=seeds)
    tested = [axis.verdict for axis in found.axes if axis.alternatives]
    return str(tested[0]), len(records)


def main() -> None:
    """Print how often each verdict was given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="index of the first repetition")
    parser.add_argument("--paired", type=int, default=5, help="paired seeds at most")
    options = parser.parse_args()
    space = load_space(SPACE)
    pair = sorted(enumerate_all(space), key=lambda one: one.layers[0].family != "conv")
    started, verdicts, trainings = time.process_time(), Counter[str](), 0
    for index in range(options.first, options.first + options.repetitions):
        verdict, spent = repetition(space, pair, index, options.paired)
        verdicts[verdict] += 1
        trainings += spent
    minutes = (time.process_time() - started) / 60
    print(f"{trainings} trainings, {minutes:.1f} CPU minutes")
    for verdict, number in verdicts.most_common():
        print(f"{verdict}: {number} of {options.repetitions}")


if __name__ == "__main__":
    main()
