"""What a worker does between two looks of Tune, without Ray."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.tiny import chain, record_of, tiny_space

from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import CurvePoint, Outcome
from itnet_nas.search import worker
from itnet_nas.search.worker import Puller


def job(number: int) -> TrialJob:
    space = tiny_space()
    return TrialJob(
        number=number,
        proposed_by="test",
        architecture=chain(space, ["left", "right"]),
        bias={},
        task=space.task,
        task_origin=space.task_origin,
        data=space.facts.data,
        kernel_origins=space.kernel_origins,
        recipe=space.recipe,
        seed=0,
        objectives=space.objectives,
        costs={"flops": 1.0},
    )


class Line:
    """The broker's end of the line: gives out jobs, remembers what it was told."""

    def __init__(self, jobs: list[TrialJob]) -> None:
        self.jobs = iter([one.model_dump_json() for one in jobs])
        self.told: list[tuple[Any, ...]] = []
        self.goes_on = True

    def __call__(self, method: str, *values: Any) -> Any:
        if method == "halted":
            threading.Event().wait()  # for ever, in a thread that does not keep the process
        self.told.append((method, *values))
        return {"goes_on": self.goes_on, "exchange": next(self.jobs, None)}[method]


@pytest.fixture
def started() -> Iterator[Callable[..., Puller]]:
    import gc

    def start(line: Line, evaluate: Callable[..., Outcome]) -> Puller:
        return Puller(line, "w0", evaluate, neighbours=1, gpus=0)

    yield start
    gc.unfreeze()


def trained(one: TrialJob, report: Callable[[CurvePoint], bool]) -> Outcome:
    return Outcome(record=record_of(one), weights=b"w")


def test_an_outcome_is_handed_in_with_the_next_request(
    started: Callable[..., Puller],
) -> None:
    line = Line([job(0), job(1)])

    done = started(line, trained).step()

    assert done == {"trials": 2, "done": True}
    handovers = [values[3] for values in line.told]
    assert [None if one is None else (one.number, one.weights) for one in handovers] == [
        None,
        (0, b"w"),
        (1, b"w"),
    ]
    assert len({values[2] for values in line.told}) == 1


def test_a_step_ends_after_a_while_and_the_outcome_is_handed_in_by_the_next(
    started: Callable[..., Puller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STEP", 0.0)
    line = Line([job(0)])
    puller = started(line, trained)

    first, second = puller.step(), puller.step()

    assert first == {"trials": 1, "done": False}
    assert second == {"trials": 0, "done": True}
    assert line.told[-1][3].number == 0


def test_two_lives_of_one_worker_can_be_told_apart(started: Callable[..., Puller]) -> None:
    lines = [Line([]), Line([])]
    for line in lines:
        started(line, trained).step()

    assert lines[0].told[0][1] == lines[1].told[0][1] == "w0"
    assert lines[0].told[0][2] != lines[1].told[0][2]


def test_a_trial_hears_at_its_next_report_that_it_is_to_end(
    started: Callable[..., Puller],
) -> None:
    line = Line([job(0)])
    line.goes_on = False
    answers: list[bool] = []

    def reporting(one: TrialJob, report: Callable[[CurvePoint], bool]) -> Outcome:
        answers.append(report(CurvePoint(step=1)))
        return trained(one, report)

    started(line, reporting).step()

    assert answers == [False]


def test_a_halt_ends_the_process_in_the_middle_of_a_trial() -> None:
    code = (
        "import time\n"
        "from itnet_nas.search.worker import Puller\n"
        "Puller(lambda method, *values: None, 'w0', None, 1, 0)\n"
        "time.sleep(60)\n"
        "print('still here')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False
    )

    assert done.returncode == 0
    assert done.stdout == ""
