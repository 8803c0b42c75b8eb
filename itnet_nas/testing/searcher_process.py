"""Proposals of another process, whose sets and dicts of text stand in another order.

`python -m itnet_nas.testing.searcher_process` reads questions from its input and prints the keys
and origins of the proposals. No torch is loaded on the way.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.searcher import Proposal, Searcher
    from itnet_nas.space.space import Space

HASH_SEED = "4711"  # any but the one of this process would do; a fixed one can be repeated


class Question(NamedTuple):
    """The arguments of `ask`; `seed` makes the generator."""

    space: Space
    records: Sequence[TrialRecord]
    pending: Sequence[Architecture]
    seed: str


def answer(searcher: Searcher, question: Question) -> Proposal | None:
    """What the searcher proposes here."""
    space, records, pending, seed = question
    return searcher.ask(space, records, pending, Random(seed))


def told(proposal: Proposal | None) -> list[str] | None:
    """A proposal as two words: its key and how it came about."""
    return None if proposal is None else [proposal.architecture.key, proposal.by]


def answers_elsewhere(searcher: Searcher, questions: Sequence[Question]) -> list[list[str] | None]:
    """The same in a new process. RuntimeError with its last lines where it breaks down."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": HASH_SEED,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "itnet_nas.testing.searcher_process"],
        input=pickle.dumps((searcher, [tuple(question) for question in questions])),
        capture_output=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError("in another process: " + "\n".join(lines[-3:]))
    found: list[list[str] | None] = json.loads(done.stdout.decode().splitlines()[-1])
    return found


def main() -> None:
    """Answer what stands in the input."""
    searcher, questions = pickle.loads(sys.stdin.buffer.read())
    found = [told(answer(searcher, Question(*question))) for question in questions]
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
