"""`SearcherContract`: what every strategy promises, as tests that its author inherits.

    class TestMine(SearcherContract):
        searcher = MySearcher()

The same checks run without pytest by `examine_searcher`. How long a question takes is no promise
that a test could hold on every machine; `seconds_per_question` measures it.
"""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from itnet_nas.arch.sample import sample
from itnet_nas.testing.bench import conduct
from itnet_nas.testing.examination import Examination, Need, outcome
from itnet_nas.testing.searcher_checks import CHECKS
from itnet_nas.testing.searcher_process import Question, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.searcher import Searcher
    from itnet_nas.space.space import Space


class SearcherContract:
    """Inherit it in a class whose name begins with "Test"; pytest collects it there alone.

    searcher   an instance; `another_process_gives_the_same_answer` pickles it
    """

    searcher: ClassVar[Searcher]

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """One test per check: pytest calls this for every test function of the class."""
        if "check" in metafunc.fixturenames:
            checks = [check for some in CHECKS.values() for check in some]
            metafunc.parametrize("check", checks, ids=[check.__name__ for check in checks])

    def test_it_holds_that(self, check: Any) -> None:
        conduct(check, self.searcher)


def examine_searcher(searcher: Searcher, name: str = "") -> Examination:
    """Run every check; all of them are needed. Nothing is raised."""
    both = [(capability, check) for capability, some in CHECKS.items() for check in some]
    return Examination(
        name or searcher.name,
        tuple(outcome(capability, check, searcher) for capability, check in both),
        tuple(Need(capability, check.__name__) for capability, check in both),
    )


def seconds_per_question(
    searcher: Searcher,
    space: Space,
    record: Callable[[int, Architecture, str, int], TrialRecord],
    records: int = 1000,
    questions: int = 40,
) -> list[float]:
    """Processor seconds of each `ask` after so many random records, in ascending order.

    record  (number, architecture, by, training seed) -> what a trial leaves

    The 95th percentile should stay under a second: `found[int(0.95 * len(found))]`.
    """
    rng = Random(0)
    known: dict[str, TrialRecord] = {}
    while len(known) < records:
        one = sample(space, rng)
        if one.key not in known:
            known[one.key] = record(len(known), one, "random", len(known))
    found = []
    for number in range(questions):
        question = Question(space, list(known.values()), (), f"{number}")
        began = time.process_time()
        answer(searcher, question)
        found.append(time.process_time() - began)
    return sorted(found)
