"""How long does a strategy think? Processor seconds of a question, by how much there is to read.

    OMP_NUM_THREADS=1 python benchmarks/questions.py [--records 100,1000] [--questions 40]

On the planted landscape of 26 nodes; a strategy whose package is missing is left out. The aim is a
95th percentile under a second at 1,000 records.
"""

from __future__ import annotations

import argparse

from itnet_nas.errors import EnvironmentProblem
from itnet_nas.search.strategies import STRATEGIES, strategy
from itnet_nas.testing.planted_landscape import PlantedLandscape
from itnet_nas.testing.searcher_contract import seconds_per_question


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", default="100,1000")
    parser.add_argument("--questions", type=int, default=40)
    options = parser.parse_args()
    landscape = PlantedLandscape(0)
    print("| strategy | records | median, s | 95 % below, s |\n|---|---|---|---|")
    for name in STRATEGIES:
        try:
            searcher = strategy(name)
        except EnvironmentProblem:
            continue
        for records in map(int, options.records.split(",")):
            space = landscape.space(2 * records)
            found = seconds_per_question(
                searcher, space, landscape.record, records, options.questions
            )
            median, most = found[len(found) // 2], found[int(0.95 * len(found))]
            print(f"| {name} | {records} | {median:.3f} | {most:.3f} |", flush=True)


if __name__ == "__main__":
    main()
